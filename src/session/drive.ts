import { systemClock } from '../clock.ts'
import type { Mapping } from '../mapping/plan.ts'
import { type Inputs, type Observer, replay } from '../pipeline.ts'
import { createProblemReporter, refusalText } from '../report/problems.ts'
import { type Picture, type ProgressKind, startProgress, type UploadPicture } from '../report/progress.ts'
import type { Sink } from '../sink.ts'
import { totalOf } from '../state/books.ts'
import type { Ledger } from '../state/ledger.ts'
import type { Ended } from './conclude.ts'
import { type Tally, tallyInto } from './input-tally.ts'

interface Drive<S extends Sink> {
  readonly inputs: Inputs
  /** Bytes of all inputs that are to be read; null when unknown. */
  readonly bytes: number | null
  readonly mapping: Mapping
  readonly ledger: Ledger
  /** Counts the inputs that were read to their end, and those that cannot be read. */
  readonly files: Tally
  readonly progress: ProgressKind
  readonly signal: AbortSignal
  /** `print` shows a line on standard error without breaking the progress bar. */
  readonly createSink: (print: (line: string) => void) => S
  /** What progress shows of an upload; null in a dry run. */
  readonly uploadPicture: ((sink: S) => UploadPicture) | null
}

/** How the run ended, with the sink that was made for it. */
export interface Driven<S extends Sink> extends Ended {
  readonly sink: S
}

/** The part that a dry run and an upload share: reads, maps and books everything into a sink, with progress on standard error. */
export async function drive<S extends Sink>(run: Drive<S>): Promise<Driven<S>> {
  const { inputs, bytes: totalBytes, mapping, ledger, files, signal, uploadPicture } = run
  const startMs = systemClock.now()
  const read = { finishedBytes: 0, currentBytes: 0 }
  const progress = await startProgress({
    kind: run.progress,
    clock: systemClock,
    stream: process.stderr,
    picture: (): Picture => {
      const counts = ledger.counts()
      return {
        records: counts.read,
        bytes: read.finishedBytes + read.currentBytes,
        totalBytes,
        accepted: counts.accepted,
        rejected: totalOf(counts.rejected),
        elapsedMs: systemClock.now() - startMs,
        upload: uploadPicture?.(sink) ?? null,
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
    finished(source) {
      tally.finished(source)
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
