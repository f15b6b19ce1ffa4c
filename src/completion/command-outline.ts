import type { Argument, Command, Option } from 'commander'

/** What a shell may offer for a value: one of these words, a path, or nothing that anyone could guess. */
export type Values = readonly string[] | 'paths' | 'unknown'

export interface OutlinedOption {
  /** With its dashes. */
  readonly long: string
  readonly short: string | null
  readonly description: string
  /** Null when it takes none. */
  readonly values: Values | null
}

/** A command as a shell's completion sees it. */
export interface CommandOutline {
  /** What is typed after the program's name; empty for the program itself. */
  readonly words: readonly string[]
  readonly summary: string
  readonly options: readonly OutlinedOption[]
  /** Null when it takes no arguments. */
  readonly argument: Values | null
  readonly commands: readonly CommandOutline[]
}

/** Placeholders that stand for a path: `<file>`, `<file|->`, `<dir>`, `<paths...>`. */
const PATH_NAME = /^(file|dir|paths?)\b/

/** The command and all below it, hidden ones left out. */
export function outlineOf(command: Command, words: readonly string[] = []): CommandOutline {
  const help = command.createHelp()
  const [argument] = command.registeredArguments
  return {
    words,
    summary: command.summary() || command.description(),
    options: help.visibleOptions(command).flatMap(optionOutline),
    argument: argument === undefined ? null : valuesOf(argument, argument.name()),
    commands: help.visibleCommands(command).map((inner) => outlineOf(inner, [...words, inner.name()])),
  }
}

/** The command and all below it, from the top. */
export function allCommands(outline: CommandOutline): readonly CommandOutline[] {
  return [outline, ...outline.commands.flatMap(allCommands)]
}

function optionOutline(option: Option): readonly OutlinedOption[] {
  const { long, short, description } = option
  if (!long) return []
  const placeholder = /[<[](.*)[>\]]/.exec(option.flags)?.[1]
  return [
    {
      long,
      short: short ?? null,
      description,
      values: placeholder === undefined ? null : valuesOf(option, placeholder),
    },
  ]
}

function valuesOf({ argChoices }: Option | Argument, name: string): Values {
  if (argChoices) return argChoices
  return PATH_NAME.test(name) ? 'paths' : 'unknown'
}
