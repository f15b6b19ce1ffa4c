import { closeSync, openSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { systemClock } from '../clock.ts'
import { EXIT, StoppedError, UsageError } from '../errors.ts'
import { type Observer, replay, type Stop } from '../pipeline.ts'
import { type Discovery, discover } from '../read/discover.ts'
import { endReport } from '../report/end-report.ts'
import { createProblemReporter } from '../report/problems.ts'
import { ClosedOutput, createStdoutSink } from '../report/stdout-sink.ts'
import { style } from '../report/style.ts'
import { type Summary, summaryOf, unexplained } from '../report/summary.ts'
import { type Counts, createLedger, type MaxErrors } from '../state/ledger.ts'
import { addInputOptions, addMappingOptions, type InputOptions, type MappingFlags } from './input-options.ts'
import { usableMapping } from './load-mapping.ts'
import { parseCount, parseMaxErrors } from './options.ts'
import { interruptedCode, type Run } from './run.ts'

interface ReplayOptions extends InputOptions, MappingFlags {
  readonly dryRun?: true
  readonly limit?: number
  readonly dedupe: boolean
  readonly maxErrors?: MaxErrors
  readonly summary?: string
  readonly json?: true
  readonly quiet?: true
  readonly progress: boolean
}

const EXAMPLES = `
Examples:
  braze2amp replay ./exports --dry-run | less          look at the events, send nothing
  braze2amp replay ./exports --dry-run --limit 5 --quiet
  braze2amp replay 'exports/**/*.avro' --dry-run --since 2026-01-01 --until 2026-02-01 > january.ndjson
  gzip -dc opens.ndjson.gz | braze2amp replay - --dry-run --event-type users.messages.email.Open
`

/** `replay [paths…]`: map the exports and send the events, or with `--dry-run` write them. */
export function addReplayCommand(program: Command, run: Run): void {
  const command = program
    .command('replay')
    .summary('map exports to Amplitude events and send them; --dry-run writes them to stdout')
    .description(
      'Reads stored Braze Currents exports, maps every event as the live connector does, and replays them into Amplitude.',
    )
    .argument('<paths...>', 'files, directories, globs, or - for standard input')
    .option('--dry-run', 'write the events to standard output as NDJSON instead of sending them')
  addInputOptions(command)
  addMappingOptions(command)
  command
    .option('--limit <n>', 'end after this many records', parseCount)
    .option('--no-dedupe', 'send records again that are there twice')
    .option('--max-errors <n|p%>', 'stop when more records than this are rejected', parseMaxErrors)
    .option('--summary <file>', 'write the summary to this file, as JSON')
    .option('--json', 'print the summary as JSON, in a dry run on standard error')
    .option('--quiet', 'no progress and no report, only errors')
    .option('--no-progress', 'no progress')
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: ReplayOptions) =>
      run((signal) => replayCommand(paths, options, signal)),
    )
}

async function replayCommand(paths: readonly string[], options: ReplayOptions, signal: AbortSignal): Promise<number> {
  if (!options.dryRun) {
    throw new UsageError('uploading is not built yet', {
      hint: 'Use --dry-run to write the events to standard output.',
    })
  }
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const tell = options.quiet ? () => {} : say
  if (options.summary !== undefined) checkWritable(options.summary)
  const mapping = await usableMapping(options, tell)
  const startMs = systemClock.now()
  const discovery = await discover(paths)
  sayLeftOut(discovery, tell)

  const ledger = createLedger({
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    maxErrors: options.maxErrors ?? null,
    dedupe: options.dedupe,
  })
  const problems = createProblemReporter(say)
  const files = { finished: 0, refused: 0 }
  const observer: Observer = {
    finished: () => files.finished++,
    refused(_source, error) {
      files.refused++
      say(`${style.red('refused')} ${error.message}${error.hint ? `\n  ${error.hint}` : ''}`)
    },
    booked: (chunk) => problems.see(chunk),
  }
  const sink = createStdoutSink(process.stdout.fd, ledger.accept)
  const inputs = { sources: discovery.sources(), format: options.format ?? null }
  const stop = await replay({ inputs, mapping, ledger, sink, observer, signal })

  const durationMs = systemClock.now() - startMs
  const counts = ledger.counts()
  const exitCode = exitCodeOf(stop, files, counts, signal)
  const summary = summaryOf(counts, { durationMs, stopped: stop === 'output' ? null : stop, exitCode })
  if (options.summary !== undefined) writeFileSync(options.summary, `${JSON.stringify(summary)}\n`)
  if (options.json) say(JSON.stringify(summary))
  if (stop !== 'output') tell(endReport(summary, 'Dry run'))
  const failure = failureOf(stop, sink.failed, summary)
  if (failure !== null) throw failure
  return exitCode
}

/** Fails before the run what would otherwise fail after it. */
function checkWritable(path: string): void {
  try {
    closeSync(openSync(path, 'a'))
  } catch (cause) {
    throw new UsageError(`cannot write the summary to ${path}: ${(cause as Error).message}`, { cause })
  }
}

function sayLeftOut({ leftOut }: Discovery, tell: (line: string) => void): void {
  if (leftOut.count === 0) return
  const more = leftOut.count > leftOut.examples.length ? ', …' : ''
  tell(`left out ${leftOut.count} hidden or non-data files: ${leftOut.examples.join(', ')}${more}`)
}

function exitCodeOf(
  stop: Stop,
  files: { readonly finished: number; readonly refused: number },
  counts: Counts,
  signal: AbortSignal,
): number {
  if (unexplained(counts) !== 0) return EXIT.unexpected
  switch (stop) {
    case 'output':
      return EXIT.done
    case 'max_errors':
      return EXIT.stopped
    case 'signal':
      return interruptedCode(signal)
    case 'limit':
    case null:
      if (files.refused > 0 && files.finished === 0 && counts.read === 0) return EXIT.usage
      return files.refused > 0 || counts.rejected.size > 0 ? EXIT.recordsRejected : EXIT.done
  }
}

/** What ended the run as an error to show, when the exit code alone would not say it. */
function failureOf(stop: Stop, failed: AbortSignal, { read, rejected, ...books }: Summary): Error | null {
  const { accepted, skipped, pending } = books
  const explained = accepted + rejected.total + skipped.total + pending
  if (read !== explained) {
    return new Error(
      `the books do not balance: read ${read}, but accepted ${accepted} + rejected ${rejected.total} + skipped ` +
        `${skipped.total} + pending ${pending} = ${explained}`,
    )
  }
  if (stop === 'max_errors') {
    return new StoppedError(`stopped by --max-errors: ${rejected.total} of ${read} records rejected`, {
      hint: 'Look at the problems above; a higher --max-errors goes on.',
    })
  }
  if (stop === 'output' && !(failed.reason instanceof ClosedOutput)) {
    return new StoppedError(`cannot write to standard output: ${failed.reason.message}`)
  }
  return null
}
