import { allCommands, type CommandOutline } from './command-outline.ts'

/** Completion for bash 3.2 and newer: no other package is needed. Where it has nothing to offer, bash offers paths. */
export function bashCompletion(program: string, root: CommandOutline): string {
  const all = allCommands(root)
  const steps = all.slice(1).map(({ words }) => `"${words.slice(0, -1).join(' ')} ${words.at(-1)}"`)
  const values = all.flatMap(({ words, options }) =>
    options.flatMap(({ long, values }) =>
      values === null ? [] : [{ after: `"${words.join(' ')} ${long}"`, offered: listed(values) }],
    ),
  )
  const lists = values.filter(({ offered }) => offered.length > 0)
  const others = values.filter(({ offered }) => offered.length === 0)
  const commands = all.map(({ words, options, argument, commands }) => {
    const plain = [...commands.map((inner) => inner.words.at(-1)), ...listed(argument)]
    const dashed = options.map(({ long }) => long)
    return `    "${words.join(' ')}") words="${plain.join(' ')}" options="${dashed.join(' ')}" ;;`
  })
  return `# ${program} completion for bash
_${program}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" command="" words="" options="" i
  # In --api=http bash takes "=" for a word.
  if [ "$current" = "=" ]; then current=""; elif [ "$before" = "=" ]; then before="\${COMP_WORDS[COMP_CWORD - 2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
    ${steps.join(' | ')}) command="\${command:+$command }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command $before" in
${lists.map(({ after, offered }) => `  ${after}) words="${offered.join(' ')}" ;;`).join('\n')}
  ${others.map(({ after }) => after).join(' | ')}) ;;
  *)
    case "$command" in
${commands.join('\n')}
    esac
    case "$current" in -*) words="$options" ;; esac
    ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _${program} ${program}
`
}

function listed(values: CommandOutline['argument']): readonly string[] {
  return typeof values === 'string' || values === null ? [] : values
}
