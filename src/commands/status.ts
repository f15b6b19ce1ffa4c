import type { Command } from 'commander'
import { systemClock } from '../clock.ts'
import { EXIT, UsageError } from '../errors.ts'
import { endReport } from '../report/end-report.ts'
import { counted, number } from '../report/number.ts'
import { createPrinter } from '../report/printer.ts'
import { type Summary, summaryOf } from '../report/summary.ts'
import { countsOf, joinBooks, joinTraffic, NO_TRAFFIC, NOTHING_BOOKED } from '../state/books.ts'
import { type Checkpoint, readCheckpoint } from '../state/checkpoint.ts'
import { diskFileSystem } from '../state/file-system.ts'
import { holderIn } from '../state/lock.ts'
import { systemProcesses } from '../state/processes.ts'
import { DEAD_LETTERS_FILE, DEFAULT_STATE } from '../state/state-directory.ts'
import type { Run } from './with-signals.ts'

const EXAMPLES = `
Examples:
  braze2amp status                        the run in .braze2amp, also while it runs
  braze2amp status state-1 state-2        the shards of a job, and their sum
  braze2amp status --json | jq .pending
`

interface StatusOptions {
  readonly state?: string
  readonly json?: true
}

/** `status [DIR…]`: where runs stand, from the files alone. */
export function declareStatus(command: Command, run: Run): void {
  command
    .description(
      'Shows the books of a run as its last checkpoint has them, at most 2 s old while it runs. Several directories add up.',
    )
    .argument('[dirs...]', `state directories (default: ${DEFAULT_STATE})`)
    .option('--state <dir>', 'a state directory, as the other commands name it')
    .option('--json', 'one line with the fields of the summary')
    .addHelpText('after', EXAMPLES)
    .action((named: readonly string[], options: StatusOptions) =>
      run(() => {
        const directories = options.state === undefined ? named : [...named, options.state]
        return status(directories.length === 0 ? [DEFAULT_STATE] : directories, options)
      }),
    )
}

async function status(directories: readonly string[], { json }: StatusOptions): Promise<number> {
  const runs = await Promise.all(directories.map(runIn))
  const summary = summaryOfAll(runs.map(({ checkpoint }) => checkpoint))
  const printer = createPrinter()
  if (json) {
    await printer.print(`${JSON.stringify(summary)}\n`)
    return EXIT.done
  }
  for (const found of runs) await printer.print(`${runText(found)}\n`)
  if (runs.length > 1) await printer.print(`${endReport(summary, `All ${runs.length}`)}\n`)
  return EXIT.done
}

interface FoundRun {
  readonly directory: string
  readonly checkpoint: Checkpoint
  /** The process that works on it; null when none does. */
  readonly holder: string | null
}

/** @throws UsageError when there is no run, or its checkpoint cannot be read */
async function runIn(directory: string): Promise<FoundRun> {
  const checkpoint = await readCheckpoint(diskFileSystem, directory)
  if (checkpoint === null) {
    throw new UsageError(`there is no run in ${directory}`, {
      hint: 'Name the state directory of a run; replay makes one, .braze2amp unless --state says otherwise.',
    })
  }
  const machine = { fileSystem: diskFileSystem, clock: systemClock, processes: systemProcesses }
  const holder = await holderIn({ ...machine, directory })
  return { directory, checkpoint, holder }
}

/** The books of all together, as the summary of one run. */
function summaryOfAll(checkpoints: readonly Checkpoint[]): Summary {
  const books = checkpoints.reduce((all, { counts }) => joinBooks(all, counts), NOTHING_BOOKED)
  const traffic = checkpoints.reduce((all, { counts }) => joinTraffic(all, counts.sent), NO_TRAFFIC)
  const counts = countsOf(books)
  const exitCode = counts.rejected.size > 0 ? EXIT.recordsRejected : EXIT.done
  return summaryOf(counts, {
    durationMs: traffic.durationMs,
    stopped: null,
    exitCode,
    // What one identity may send is not in the checkpoint.
    upload: { traffic, eventsPerSecondOfIdentity: null, resumed: false },
  })
}

function runText({ directory, checkpoint, holder }: FoundRun): string {
  const { run, savedAt, complete, clean, open, lanes, logs, counts } = checkpoint
  const isDone =
    complete && counts.pending === 0
      ? 'complete'
      : clean
        ? 'stopped, can be resumed'
        : 'ended before all answers came, can be resumed'
  const state = holder === null ? isDone : `in use by ${holder}`
  const hasLetters = (logs[DEAD_LETTERS_FILE] ?? 0) > 0
  const lines = [
    endReport(summaryOfAll([checkpoint]), directory, hasLetters ? directory : null),
    `  ${'state'.padEnd(9)} ${state}, as of ${new Date(savedAt).toISOString()}`,
    `  ${'run'.padEnd(9)} ${run.id}, begun ${new Date(run.createdAt).toISOString()}${run.options.shard === null ? '' : `, shard ${run.options.shard}`}`,
    `  ${'to'.padEnd(9)} ${run.origin}, project key ${run.keyFingerprint}`,
  ]
  if (open.length > 0) {
    const [first] = open
    const more = open.length > 1 ? ` and ${number(open.length - 1)} more` : ''
    lines.push(`  ${'reading'.padEnd(9)} ${first?.path}${more}`)
  }
  if (lanes.length > 0) {
    const waiting = lanes.reduce((sum, lane) => sum + lane.lines - lane.settledLines, 0)
    const files = counted(lanes.length, 'lane file')
    lines.push(
      `  ${'waiting'.padEnd(9)} ${counted(waiting, 'event')} in ${files}, each of a device or user over its limit`,
    )
  }
  return lines.join('\n')
}
