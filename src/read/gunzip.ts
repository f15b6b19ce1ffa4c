import { createGunzip } from 'node:zlib'
import type { Read, StoredFile } from './stored-bytes.ts'

/** Compressed bytes inflated at a time: even 1000 times as much fits into memory. */
const PART_BYTES = 1 << 15
/** Output buffers of the inflater. */
const OUTPUT_BYTES = 1 << 18

/**
 * Inflates gzip, several members too; zero bytes behind a member are padding. Everything that stands before damage is handed out:
 * zlib keeps what it had made of the bytes it failed on, so the last of them are given, one by one, to an inflater that has taken all
 * before them. A file is read again for that. A pipe cannot be: a second inflater goes along one part behind the first.
 *
 * @param file where the bytes can be read again; null when they cannot
 * @param onDamage told why, before the end is
 */
export function gunzip(read: Read, file: StoredFile | null, onDamage: (why: string) => void): Read {
  let waiting: Uint8Array = new Uint8Array(0)
  /** Compressed bytes that are inflated, and where the members under way began. */
  let taken = 0
  let start = 0
  let inflater = createInflater()
  let behind = file === null ? createInflater() : null
  let catchingUp: Promise<unknown> = Promise.resolve()
  let isOver = false

  async function inflateNext(): Promise<Uint8Array> {
    if (waiting.length === 0) waiting = (await read()) ?? waiting
    const part = waiting.subarray(0, PART_BYTES)
    const bytes = part.length === 0 ? await inflater.finish() : await inflater.feed(part)
    await catchingUp
    const failure = inflater.failure()
    isOver = part.length === 0 || failure !== null
    if (failure !== null) {
      onDamage(`damaged gzip: ${failure}`)
      return part.length === 0 ? bytes : inflateSlowly(part)
    }
    const used = part.length - inflater.left()
    waiting = waiting.subarray(used)
    taken += used
    if (used < part.length) await skipPadding()
    else if (behind !== null && !isOver) catchingUp = behind.feed(part)
    return bytes
  }

  /** Goes over zeros to what must be the next member. */
  async function skipPadding(): Promise<void> {
    for (;;) {
      let count = 0
      while (waiting[count] === 0) count++
      taken += count
      waiting = waiting.subarray(count)
      if (waiting.length > 0) break
      const next = await read()
      if (next === null) {
        isOver = true
        return
      }
      waiting = next
    }
    start = taken
    inflater.close()
    inflater = createInflater()
    if (behind === null) return
    behind.close()
    behind = createInflater()
  }

  /** What a part makes before it breaks. */
  async function inflateSlowly(part: Uint8Array): Promise<Uint8Array> {
    const slow = behind ?? (await inflatedBefore())
    const output: Uint8Array[] = []
    for (let at = 0; at < part.length && slow.failure() === null; at++) {
      output.push(await slow.feed(part.subarray(at, at + 1)))
    }
    return Buffer.concat(output)
  }

  /** An inflater that has taken all before the part under way. */
  async function inflatedBefore(): Promise<Inflater> {
    const again = createInflater()
    for (let at = start; file !== null && at < taken; ) {
      const part = Buffer.allocUnsafe(Math.min(PART_BYTES, taken - at))
      const length = await file.readAt(part, at)
      if (length === 0) break
      await again.feed(part.subarray(0, length))
      at += length
    }
    return again
  }

  return async () => {
    while (!isOver) {
      const bytes = await inflateNext()
      if (bytes.length > 0) return bytes
    }
    return null
  }
}

interface Inflater {
  /** Inflates bytes and resolves to all that comes of them. */
  feed(part: Uint8Array): Promise<Uint8Array>
  finish(): Promise<Uint8Array>
  failure(): string | null
  /** Bytes of those it was given that it did not take: a zero stands behind a member, and nothing more is taken. */
  left(): number
  close(): void
}

function createInflater(): Inflater {
  const stream = createGunzip({ chunkSize: OUTPUT_BYTES })
  let output: Uint8Array[] = []
  let failure: string | null = null
  let given = 0
  let wake: () => void = () => {}
  stream.on('data', (chunk: Buffer) => output.push(chunk))
  stream.on('error', (error) => {
    failure = error.message
    wake()
  })
  stream.on('end', () => wake())

  async function settled(act: (done: () => void) => void): Promise<Uint8Array> {
    if (failure === null) {
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
    feed(part) {
      given += part.length
      return settled((done) => stream.write(part, done))
    },
    finish: () => settled(() => stream.end()),
    failure: () => failure,
    left: () => given - stream.bytesWritten,
    close: () => void stream.destroy(),
  }
}
