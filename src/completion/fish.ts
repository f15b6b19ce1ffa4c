import { allCommands, type CommandOutline, type Values } from './command-outline.ts'

/** Completion for fish, with descriptions. */
export function fishCompletion(program: string, root: CommandOutline): string {
  const lines = allCommands(root).flatMap(({ words, options, argument, commands }) => {
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`)
    const names = commands.map((inner) => inner.words.at(-1))
    const none = names.length === 0 ? [] : [`not __fish_seen_subcommand_from ${names.join(' ')}`]
    const conditions = [...seen, ...none]
    const when = conditions.length === 0 ? '' : ` -n ${quoted(conditions.join('; and '))}`
    const complete = (rest: string) => `complete -c ${program}${when} ${rest}`
    return [
      ...commands.map(({ words, summary }) => complete(`-f -a ${words.at(-1)} -d ${quoted(summary)}`)),
      ...(argument === null ? [] : [complete(offered(argument))]),
      ...options.map(({ long, short, description, values }) => {
        const flags = `-l ${long.slice(2)}${short === null ? '' : ` -s ${short.slice(1)}`}`
        const value = values === null ? '' : ` -r ${offered(values)}`
        return complete(`${flags}${value} -d ${quoted(description)}`)
      }),
    ]
  })
  return `# ${program} completion for fish\ncomplete -c ${program} -f\n${lines.join('\n')}\n`
}

function offered(values: Values): string {
  if (values === 'paths') return '-F'
  return values === 'unknown' ? '-f' : `-f -a ${quoted(values.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`
}
