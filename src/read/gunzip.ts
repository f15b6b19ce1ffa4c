import { createGunzip } from 'node:zlib'
import type { Read, StoredBytes } from './stored-bytes.ts'

/** Compressed bytes inflated at a time: even 1000 times as much fits into memory. */
const PART_BYTES = 1 << 15
/** The same where what was read cannot be read again: less is lost when it breaks. */
const SMALL_PART_BYTES = 1 << 10
/** Output buffers of the inflater. */
const OUTPUT_BYTES = 1 << 18

/**
 * Inflates gzip, several members too; zero bytes behind the last are padding. Everything that stands before damage is handed
 * out: zlib keeps what it had made of the bytes it failed on, so the last of them are read again, one by one.
 *
 * @param readAgain opens the stored bytes from their start once more; null when they cannot be had again
 * @param onDamage told why, before the end is
 */
export function gunzip(
  read: Read,
  readAgain: (() => Promise<StoredBytes>) | null,
  onDamage: (why: string) => void,
): Read {
  const inflater = createInflater()
  const partBytes = readAgain === null ? SMALL_PART_BYTES : PART_BYTES
  let waiting: Uint8Array = new Uint8Array(0)
  /** Compressed bytes given to the inflater before the part under way. */
  let given = 0
  let isOver = false

  async function inflateNext(): Promise<Uint8Array> {
    if (waiting.length === 0) waiting = (await read()) ?? waiting
    const part = waiting.subarray(0, partBytes)
    waiting = waiting.subarray(part.length)
    const bytes = part.length === 0 ? await inflater.finish() : await inflater.feed(part)
    isOver = part.length === 0 || inflater.hasEnded()
    const failure = inflater.failure()
    if (failure !== null) {
      isOver = true
      onDamage(`damaged gzip: ${failure}`)
      const all = readAgain === null || part.length === 0 ? bytes : await inflateSlowly(readAgain, given, part.length)
      return all.length > bytes.length ? all : bytes
    }
    given += part.length
    return bytes
  }

  return async () => {
    while (!isOver) {
      const bytes = await inflateNext()
      if (bytes.length > 0) return bytes
    }
    return null
  }
}

/** What the compressed bytes `[start, start + count)` make before they break. */
async function inflateSlowly(readAgain: () => Promise<StoredBytes>, start: number, count: number): Promise<Uint8Array> {
  const stored = await readAgain()
  const inflater = createInflater()
  const output: Uint8Array[] = []
  let at = 0
  try {
    for (
      let chunk = await stored.read(PART_BYTES);
      chunk !== null && at < start + count;
      chunk = await stored.read(PART_BYTES)
    ) {
      for (let p = 0; p < chunk.length && at < start + count && inflater.failure() === null; ) {
        const size = at < start ? Math.min(PART_BYTES, start - at, chunk.length - p) : 1
        const bytes = await inflater.feed(chunk.subarray(p, p + size))
        if (at >= start) output.push(bytes)
        at += size
        p += size
      }
    }
  } finally {
    await stored.close()
  }
  return Buffer.concat(output)
}

interface Inflater {
  /** Inflates bytes and resolves to all that comes of them. */
  feed(part: Uint8Array): Promise<Uint8Array>
  finish(): Promise<Uint8Array>
  failure(): string | null
  /** The last member is over; nothing more is taken. */
  hasEnded(): boolean
}

function createInflater(): Inflater {
  const stream = createGunzip({ chunkSize: OUTPUT_BYTES })
  let output: Uint8Array[] = []
  let failure: string | null = null
  let ended = false
  let wake: () => void = () => {}
  stream.on('data', (chunk: Buffer) => output.push(chunk))
  stream.on('error', (error) => {
    failure = error.message
    wake()
  })
  stream.on('end', () => {
    ended = true
    wake()
  })

  async function settled(act: (done: () => void) => void): Promise<Uint8Array> {
    if (failure === null && !ended) {
      await new Promise<void>((resolve) => {
        wake = resolve
        act(resolve)
      })
    }
    const bytes = output.length === 1 ? (output[0] as Uint8Array) : Buffer.concat(output)
    output = []
    return bytes
  }

  return {
    feed: (part) => settled((done) => stream.write(part, done)),
    finish: () => settled(() => stream.end()),
    failure: () => failure,
    hasEnded: () => ended,
  }
}
