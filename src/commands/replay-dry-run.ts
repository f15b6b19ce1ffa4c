import { discover } from '../read/discover.ts'
import { endReport } from '../report/end-report.ts'
import { createPrinter, sayUnless } from '../report/printer.ts'
import { conclude, publish } from '../session/conclude.ts'
import { drive } from '../session/drive.ts'
import { createTally } from '../session/input-tally.ts'
import { overviewOf } from '../session/overview.ts'
import { createStdoutSink } from '../session/stdout-sink.ts'
import { createLedger } from '../state/ledger.ts'
import { createSeen } from '../state/seen.ts'
import { checkWritable, sayFound, titleOf } from './before-run.ts'
import { csvChoicesOf } from './options/input-options.ts'
import { usableMapping } from './options/load-mapping.ts'
import type { RunOptions } from './options/replay-options.ts'

/** `replay --dry-run`: the events on standard output, nothing sent and nothing left on disk. */
export async function dryRun(paths: readonly string[], options: RunOptions, signal: AbortSignal): Promise<number> {
  const tell = sayUnless(options.quiet)
  checkWritable(options.summary)
  const mapping = await usableMapping(options, tell)
  const discovery = await discover(paths)
  sayFound(discovery, mapping, tell)
  const ledger = createLedger({
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    maxErrors: options.maxErrors ?? null,
    seen: options.dedupe ? createSeen() : null,
  })
  const ended = await drive({
    inputs: {
      sources: discovery.sources(),
      paths,
      format: options.format ?? null,
      csv: csvChoicesOf(options),
      shard: options.shard,
    },
    bytes: overviewOf(discovery, mapping).bytes,
    mapping,
    ledger,
    files: createTally(),
    progress: progressKind(options),
    signal,
    createSink: () => createStdoutSink(process.stdout.fd, ledger.accept),
    uploadPicture: null,
  })
  const { summary, exitCode, failure } = conclude(ended, null)
  const unpublished = await publish(summary, options, createPrinter(process.stderr).print)
  const met = { newerVersions: ended.files.newerVersions, unknownFields: mapping.unknownFields }
  if (ended.stop !== 'sink') tell(endReport(summary, titleOf('Dry run', options.shard), null, met))
  const error = failure ?? unpublished
  if (error !== null) throw error
  return exitCode
}

/** How progress is shown: on a terminal the events themselves show it. */
function progressKind({ quiet, progress }: RunOptions): 'bar' | 'lines' | 'none' {
  if (quiet || !progress || process.stdout.isTTY) return 'none'
  return process.stderr.isTTY ? 'bar' : 'lines'
}
