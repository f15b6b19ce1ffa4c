import { discover } from '../read/discover.ts'
import { endReport } from '../report/end-report.ts'
import { createStdoutSink } from '../report/stdout-sink.ts'
import { conclude, publish } from './ending.ts'
import { usableMapping } from './load-mapping.ts'
import { overviewOf } from './overview.ts'
import type { RunOptions } from './replay-options.ts'
import { checkWritable, runReplay, sayLeftOut, titleOf } from './replay-run.ts'

/** `replay --dry-run`: the events on standard output, nothing sent and nothing left on disk. */
export async function dryRun(paths: readonly string[], options: RunOptions, signal: AbortSignal): Promise<number> {
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const tell = options.quiet ? () => {} : say
  checkWritable(options.summary)
  const mapping = await usableMapping(options, tell)
  const discovery = await discover(paths)
  sayLeftOut(discovery, tell)
  const ended = await runReplay({
    discovery,
    overview: overviewOf(discovery, mapping),
    mapping,
    options,
    progress: progressKind(options),
    signal,
    openSink: (ledger) => ({ sink: createStdoutSink(process.stdout.fd, ledger.accept), picture: null, sent: null }),
  })
  const { summary, exitCode, failure } = conclude(ended)
  publish(summary, options, say)
  if (ended.stop !== 'sink') tell(endReport(summary, titleOf('Dry run', options)))
  if (failure !== null) throw failure
  return exitCode
}

/** On a terminal the events are the progress. */
function progressKind({ quiet, progress }: RunOptions): 'bar' | 'lines' | 'none' {
  if (quiet || !progress || process.stdout.isTTY) return 'none'
  return process.stderr.isTTY ? 'bar' : 'lines'
}
