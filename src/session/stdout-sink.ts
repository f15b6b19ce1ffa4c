import { write } from 'node:fs'
import { eachEvent } from '../chunk.ts'
import { systemClock } from '../clock.ts'
import { StoppedError } from '../errors.ts'
import type { MappedChunk } from '../model.ts'
import type { Sink } from '../sink.ts'

/** The reader of our output went away (as with `| head`), which is no failure (src/README.md §5). */
export class ClosedOutput extends Error {
  override readonly name = 'ClosedOutput'
}

const RETRY_MS = 5

/**
 * The dry run's sink: writes events to a file descriptor as NDJSON, exactly as they would be sent. A chunk is written while the next
 * chunk is mapped. Never more than one chunk waits, so a slow reader slows the run.
 *
 * @param accept settles the events of a chunk once they are written
 */
export function createStdoutSink(descriptor: number, accept: (chunk: MappedChunk) => void): Sink {
  const failure = new AbortController()
  let writing: Promise<void> = Promise.resolve()

  async function writeEvents(chunk: MappedChunk): Promise<void> {
    try {
      for (const [start, end] of runsOfEvents(chunk)) await writeAll(descriptor, chunk.bytes, start, end)
      accept(chunk)
    } catch (error) {
      const isClosed = (error as NodeJS.ErrnoException).code === 'EPIPE'
      failure.abort(isClosed ? new ClosedOutput('the reader of standard output is gone') : unwritable(error as Error))
    }
  }

  return {
    failed: failure.signal,
    async put(chunk) {
      await writing
      if (!failure.signal.aborted) writing = writeEvents(chunk)
    },
    async end() {
      await writing
    },
  }
}

function unwritable(cause: Error): StoppedError {
  return new StoppedError(`cannot write to standard output: ${cause.message}`, {
    stopped: 'output',
    hint: 'Make room, or write somewhere else.',
    cause,
  })
}

/** The spans of a chunk's bytes that hold only events to write. Without duplicates, that is one span. */
function runsOfEvents(chunk: MappedChunk): readonly (readonly [number, number])[] {
  const runs: [number, number][] = []
  eachEvent(chunk, (_index, start, end) => {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === start) last[1] = end
    else runs.push([start, end])
  })
  return runs
}

async function writeAll(descriptor: number, bytes: Uint8Array, start: number, end: number): Promise<void> {
  let at = start
  while (at < end) {
    try {
      at += await writeOnce(descriptor, bytes, at, end - at)
    } catch (error) {
      // A pipe in non-blocking mode takes no more bytes at the moment.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      await systemClock.sleep(RETRY_MS)
    }
  }
}

function writeOnce(descriptor: number, bytes: Uint8Array, at: number, length: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, at, length, null, (error, written) => (error ? reject(error) : resolve(written)))
  })
}
