import { writeFileSync } from 'node:fs'
import { Braze2ampError, EXIT, type StopCause, StoppedError } from '../errors.ts'
import type { Stop } from '../pipeline.ts'
import { type Summary, summaryOf, type UploadEnd, unexplained } from '../report/summary.ts'
import type { Sink } from '../sink.ts'
import { type Counts, totalOf } from '../state/books.ts'
import { exitCodeOf, type Tally } from './input-tally.ts'
import type { Invocation } from './session.ts'
import { ClosedOutput } from './stdout-sink.ts'

/** How a run ended. */
export interface Ended {
  /** Why the run ended early; null when it did not. */
  readonly stop: Stop | null
  /** The error that ended the run in the middle; null when there was none. */
  readonly error: Error | null
  readonly counts: Counts
  readonly files: Tally
  readonly durationMs: number
  readonly sink: Pick<Sink, 'failed'>
  /** The user's wish to stop. */
  readonly signal: AbortSignal
}

/** The summary of a run, its exit code, and the error to show; null when there is none. */
export interface Conclusion {
  readonly summary: Summary
  readonly exitCode: number
  readonly failure: Error | null
}

/**
 * What a run's end means (src/README.md §5).
 * @param upload null in a dry run
 */
export function conclude(ended: Ended, upload: UploadEnd | null): Conclusion {
  const { counts } = ended
  const failure = failureOf(ended)
  const exitCode =
    failure === null ? exitCodeOfEnd(ended) : failure instanceof Braze2ampError ? failure.exitCode : EXIT.unexpected
  const summary = summaryOf(counts, {
    durationMs: upload?.traffic.durationMs ?? ended.durationMs,
    stopped: stoppedOf(ended),
    exitCode,
    upload,
  })
  return { summary, exitCode, failure }
}

/**
 * Writes the summary to its file and, with `--json`, to `print`.
 * @returns the error that kept the summary from being written; null when it was written
 */
export async function publish(
  summary: Summary,
  options: Pick<Invocation, 'summary' | 'json'>,
  print: (text: string) => Promise<void>,
): Promise<Error | null> {
  const text = `${JSON.stringify(summary)}\n`
  let failure: Error | null = null
  try {
    if (options.summary !== undefined) writeFileSync(options.summary, text)
  } catch (cause) {
    const message = `cannot write the summary to ${options.summary}: ${(cause as Error).message}`
    failure = new StoppedError(message, { stopped: 'output', cause })
  }
  if (options.json) {
    await print(text).catch((error: Error) => {
      failure ??= error
    })
  }
  return failure
}

function exitCodeOfEnd({ stop, files, counts, signal }: Ended): number {
  // The sink stopped the run because the reader of standard output is gone: that reader has what it wanted.
  if (stop === 'sink') return EXIT.done
  return exitCodeOf(files, counts.read, counts.rejected.size > 0, stop === 'signal' ? signal : null)
}

function stoppedOf({ stop, error, sink: { failed } }: Ended): StopCause | null {
  if (error !== null) return error instanceof StoppedError ? error.stopped : 'error'
  if (stop !== 'sink') return stop
  if (failed.reason instanceof ClosedOutput) return null
  return failed.reason instanceof StoppedError ? failed.reason.stopped : 'error'
}

function failureOf({ stop, error, counts, sink: { failed } }: Ended): Error | null {
  if (error !== null) return error
  const { read, accepted, pending } = counts
  if (unexplained(counts) !== 0 || pending < 0) {
    const rejected = totalOf(counts.rejected)
    const skipped = totalOf(counts.skipped)
    return new Error(
      `the books do not balance: read ${read}, but accepted ${accepted} + rejected ${rejected} + skipped ` +
        `${skipped} + pending ${pending} = ${accepted + rejected + skipped + pending}`,
    )
  }
  if (stop === 'max_errors') {
    return new StoppedError(`stopped by --max-errors: ${totalOf(counts.rejected)} of ${read} records rejected`, {
      stopped: 'max_errors',
      hint: 'Look at the problems above; a higher --max-errors goes on.',
    })
  }
  if (stop !== 'sink' || failed.reason instanceof ClosedOutput) return null
  return failed.reason instanceof Error ? failed.reason : new Error(String(failed.reason))
}
