import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { Command, CommanderError } from 'commander'
import { COMMANDS } from './commands/commands.ts'
import { type Run, withSignals } from './commands/with-signals.ts'
import { CATALOGUE_NAME } from './currents/catalogue-version.ts'
import { Braze2ampError, EXIT } from './errors.ts'
import { style } from './report/style.ts'
import { version } from './version.ts'

/**
 * From the command line to the exit code: the only place that turns errors into codes.
 * @param argv as `process.argv`: the words of the command start at the third
 */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that is gone (`| head`, `2>&1 | less`) is no failure, and would end the process with a stack. What has to know that
  // something was not written learns it from the write itself.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const terminals = [0, 1, 2].filter(isatty)
  let exitCode: number = EXIT.done
  const run: Run = async (work) => {
    exitCode = await withSignals(work)
  }
  try {
    await (await createProgram(run, commandIn(argv.slice(2)))).parseAsync([...argv])
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    return report(error)
  } finally {
    // As the process ends, Node puts a terminal back as it was, and aborts when the terminal was closed; what is no longer open it
    // passes over.
    for (const terminal of terminals) if (!isatty(terminal)) closeSync(terminal)
  }
}

/** The word that names the command; `help COMMAND` names it too. */
function commandIn(words: readonly string[]): string | undefined {
  const [first, second] = words.filter((word) => !word.startsWith('-'))
  return first === 'help' ? second : first
}

/** @param asked the command to load; of the others only the help is known */
async function createProgram(run: Run, asked: string | undefined): Promise<Command> {
  const program = new Command('braze2amp')
    .description(
      'Replays stored Braze Currents exports into Amplitude: nothing lost, nothing doubled, no device held up.',
    )
    .version(`${version()} (${CATALOGUE_NAME})`)
    .exitOverride()
    .showHelpAfterError('(braze2amp --help shows the options, and examples)')
    .configureHelp({ showGlobalOptions: true })
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).summary(summary)
    // Completion is made from all of them.
    if (name === asked || asked === 'completion') (await load())(command, run)
  }
  return program
}

function report(error: unknown): number {
  if (error instanceof Braze2ampError) {
    process.stderr.write(`${style.red('error:')} ${error.message}${error.hint ? `\n${error.hint}` : ''}\n`)
    return error.exitCode
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(
    `${style.red('unexpected error:')} ${text}\nThis is a bug in braze2amp; please report it with the command you ran.\n`,
  )
  return EXIT.unexpected
}
