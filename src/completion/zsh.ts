import { allCommands, type CommandOutline, type OutlinedOption, type Values } from './command-outline.ts'

/** Completion for zsh: a function for each command, with descriptions. */
export function zshCompletion(program: string, root: CommandOutline): string {
  const functions = allCommands(root).map((command) => commandFunction(program, command))
  return `#compdef ${program}
${functions.join('\n')}
compdef ${nameOf(program, root)} ${program}
`
}

function nameOf(program: string, { words }: CommandOutline): string {
  return ['', program, ...words].join('_')
}

function commandFunction(program: string, command: CommandOutline): string {
  const { options, argument, commands } = command
  const name = nameOf(program, command)
  const specs = options.flatMap(optionSpecs)
  if (commands.length === 0) {
    if (argument !== null) specs.push(quoted(`*:${action('argument', argument)}`))
    return `${name}() {\n  _arguments -s -S \\\n    ${specs.join(' \\\n    ')}\n}`
  }
  const described = commands.map(({ words, summary }) => quoted(`${words.at(-1)}:${summary}`))
  const cases = commands.map((inner) => `      ${inner.words.at(-1)}) ${nameOf(program, inner)} ;;`)
  specs.push("'1:command:->command'", "'*::argument:->argument'")
  return `${name}() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
    ${described.join('\n    ')}
  )
  _arguments -C \\
    ${specs.join(' \\\n    ')}
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}`
}

function optionSpecs({ long, short, description, values }: OutlinedOption): readonly string[] {
  const text = `[${description.replaceAll(/[[\]\\]/g, '\\$&')}]`
  const takes = values === null ? '' : `:${action('value', values)}`
  const specs = [quoted(`*${long}${values === null ? '' : '='}${text}${takes}`)]
  if (short !== null) specs.push(quoted(`*${short}${text}${takes}`))
  return specs
}

function action(name: string, values: Values): string {
  if (values === 'paths') return `${name}:_files`
  return values === 'unknown' ? `${name}: ` : `${name}:(${values.join(' ')})`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
