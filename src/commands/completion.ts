import { Argument, type Command } from 'commander'
import { bashCompletion } from '../completion/bash.ts'
import { outlineOf } from '../completion/command-outline.ts'
import { fishCompletion } from '../completion/fish.ts'
import { zshCompletion } from '../completion/zsh.ts'
import { EXIT } from '../errors.ts'
import { createPrinter } from '../report/printer.ts'
import type { Run } from './with-signals.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const
type Shell = keyof typeof SHELLS

const EXAMPLES = `
Examples:
  source <(braze2amp completion bash)                                            in ~/.bashrc
  source <(braze2amp completion zsh)                                             in ~/.zshrc, after compinit
  braze2amp completion fish > ~/.config/fish/completions/braze2amp.fish
`

/** `completion SHELL`: a script that completes commands, options and their values, made from the commands themselves. */
export function declareCompletion(command: Command, run: Run): void {
  command
    .description('Prints a script that makes the shell complete commands, options, their values and paths.')
    .addArgument(new Argument('<shell>').choices(Object.keys(SHELLS)))
    .addHelpText('after', EXAMPLES)
    .action((shell: Shell) =>
      run(async () => {
        const program = command.parent ?? command
        await createPrinter().print(SHELLS[shell](program.name(), outlineOf(program)))
        return EXIT.done
      }),
    )
}
