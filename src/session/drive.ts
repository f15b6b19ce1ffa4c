import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemClock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import type { Mapping } from '../mapping/plan.ts'
import { type Inputs, type Observer, replay } from '../pipeline.ts'
import type { Discovery } from '../read/discover.ts'
import { counted } from '../report/number.ts'
import { createProblemReporter, refusalText } from '../report/problems.ts'
import { type Picture, type ProgressKind, startProgress, type UploadPicture } from '../report/progress.ts'
import { type Shard, shardName } from '../shard.ts'
import type { Sink } from '../sink.ts'
import type { Ledger } from '../state/ledger.ts'
import type { Ended } from './conclude.ts'
import type { Overview } from './overview.ts'
import { type Tally, tallyInto } from './tally.ts'

interface ReplayRun<S extends Sink> {
  readonly inputs: Inputs
  readonly overview: Pick<Overview, 'bytes'>
  readonly mapping: Mapping
  readonly ledger: Ledger
  /** Inputs that were read to their end, and those that cannot be read: counted here. */
  readonly files: Tally
  readonly progress: ProgressKind
  readonly signal: AbortSignal
  /** `print` shows a line on standard error without breaking the progress bar. */
  readonly createSink: (print: (line: string) => void) => S
  /** What progress shows of an upload; null in a dry run. */
  readonly pictureOf: ((sink: S) => UploadPicture) | null
}

/** Reads, maps and books everything into a sink, with progress on standard error: what a dry run and an upload share. */
export async function runReplay<S extends Sink>(run: ReplayRun<S>): Promise<Ended & { readonly sink: S }> {
  const { inputs, overview, mapping, ledger, files, signal, pictureOf } = run
  const startMs = systemClock.now()
  const read = { finishedBytes: 0, currentBytes: 0 }
  const progress = startProgress({
    kind: run.progress,
    clock: systemClock,
    stream: process.stderr,
    picture: (): Picture => {
      const counts = ledger.counts()
      let rejected = 0
      for (const count of counts.rejected.values()) rejected += count
      return {
        records: counts.read,
        bytes: read.finishedBytes + read.currentBytes,
        totalBytes: overview.bytes,
        accepted: counts.accepted,
        rejected,
        elapsedMs: systemClock.now() - startMs,
        upload: pictureOf?.(sink) ?? null,
      }
    },
  })
  const sink = run.createSink(progress.print)
  const problems = createProblemReporter(progress.print)
  const leave = () => {
    read.finishedBytes += read.currentBytes
    read.currentBytes = 0
  }
  const tally = tallyInto(files, (_source, error) => progress.print(refusalText(error)))
  const observer: Observer = {
    finished() {
      tally.finished()
      leave()
    },
    refused(source, error) {
      tally.refused(source, error)
      leave()
    },
    read(_source, bytes) {
      read.currentBytes = bytes
    },
    booked: (chunk) => problems.see(chunk),
  }
  try {
    let error: Error | null = null
    const stop = await replay({ inputs, mapping, ledger, sink, observer, signal }).catch((thrown: Error) => {
      error = thrown
      return null
    })
    return {
      stop,
      error,
      counts: ledger.counts(),
      files,
      durationMs: systemClock.now() - startMs,
      sink,
      signal,
    }
  } finally {
    progress.stop()
  }
}

/** What an invocation is called in its report. */
export function titleOf(kind: string, shard: Shard | undefined): string {
  return shard === undefined ? kind : `${kind} of shard ${shardName(shard)}`
}

/**
 * Fails before the run what would otherwise fail after it.
 * @throws UsageError when the summary cannot be written
 */
export function checkWritable(path: string | undefined): void {
  if (path === undefined) return
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK)
  } catch (cause) {
    throw new UsageError(`cannot write the summary to ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Says which files were left out, and shows a few. */
export function sayLeftOut({ leftOut }: Discovery, tell: (line: string) => void): void {
  if (leftOut.count === 0) return
  const more = leftOut.count > leftOut.examples.length ? ', …' : ''
  tell(`left out ${counted(leftOut.count, 'hidden or non-data file')}: ${leftOut.examples.join(', ')}${more}`)
}
