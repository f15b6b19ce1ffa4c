import { UsageError } from '../errors.ts'
import { shellQuoted } from '../own-command.ts'
import type { Read } from './stored-bytes.ts'
import { BLOCK_HEADER_BYTES, beginsFrame, blockAt, frameHeader, isSkippable } from './zstd-frame.ts'

/** How far back a frame may refer, in bytes: what the zstd program takes unless it is told otherwise. */
const MAX_WINDOW_BYTES = 1 << 27

/** The longest header of a frame. */
const HEADER_BYTES = 18

/**
 * Decompresses zstd: frames one after the other, those without content too. Everything that stands before a damaged block is handed out.
 * @param path for an error
 * @param onDamage told why, before the end is
 * @throws UsageError when a frame needs more memory than there should be, or a dictionary
 */
export function unzstd(read: Read, path: string, onDamage: (why: string) => void): Read {
  const parts = contentOf(read, path, onDamage)
  return async () => {
    const next = await parts.next()
    return next.done === true ? null : next.value
  }
}

async function* contentOf(read: Read, path: string, onDamage: (why: string) => void): AsyncGenerator<Uint8Array> {
  // Loaded when the first such input comes.
  const [{ Decompress }, { create64 }] = await Promise.all([
    import('fzstd'),
    import('xxhash-wasm').then(({ default: load }) => load()),
  ])
  let waiting: Buffer = Buffer.alloc(0)

  /** Waits for so many bytes. */
  async function need(count: number): Promise<void> {
    const parts = [waiting]
    let length = waiting.length
    while (length < count) {
      const next = await read()
      if (next === null) {
        waiting = Buffer.concat(parts)
        throw new Damaged('unexpected end of file')
      }
      parts.push(Buffer.from(next.buffer, next.byteOffset, next.length))
      length += next.length
    }
    if (parts.length > 1) waiting = Buffer.concat(parts)
  }

  async function take(count: number): Promise<Buffer> {
    await need(count)
    const taken = waiting.subarray(0, count)
    waiting = waiting.subarray(count)
    return taken
  }

  async function skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      await need(1)
      const taken = Math.min(left, waiting.length)
      waiting = waiting.subarray(taken)
      left -= taken
    }
  }

  /** True when something follows; zeros are padding, as they are behind gzip. */
  async function hasMore(): Promise<boolean> {
    for (;;) {
      waiting = waiting.subarray(waiting.findIndex((byte) => byte !== 0) >>> 0)
      if (waiting.length > 0) return true
      const next = await read()
      if (next === null) return false
      waiting = Buffer.from(next.buffer, next.byteOffset, next.length)
    }
  }

  async function* frame(): AsyncGenerator<Uint8Array> {
    await need(HEADER_BYTES).catch(onlyDamage)
    const header = frameHeader(waiting)
    if (header === null) throw new Damaged('unexpected end of file')
    const { bytes, windowBytes, hasDictionary, hasChecksum } = header
    if (windowBytes > MAX_WINDOW_BYTES) throw tooLarge(path, windowBytes)
    if (hasDictionary) throw new UsageError(`${path} is zstd with a dictionary, which is not read`)
    let made: Uint8Array[] = []
    const decompressor = new Decompress((part) => void made.push(part))
    const push = (part: Uint8Array, isEnd: boolean) => {
      try {
        decompressor.push(part, isEnd)
      } catch (error) {
        throw new Damaged((error as Error).message)
      }
    }
    const hash = create64()
    push(await take(bytes), false)
    for (let isLast = false; !isLast; ) {
      await need(BLOCK_HEADER_BYTES)
      const block = blockAt(waiting, 0)
      isLast = block.isLast
      push(await take(block.bytes), false)
      // It asks for the checksum's bytes, and does not compare them.
      if (isLast) push(Buffer.alloc(hasChecksum ? 4 : 0), true)
      for (const part of made) {
        if (hasChecksum) hash.update(part)
        if (part.length > 0) yield part
      }
      made = []
    }
    if (hasChecksum && (await take(4)).readUInt32LE() !== lowerHalfOf(hash.digest()))
      throw new Damaged('incorrect data check')
  }

  try {
    while (await hasMore()) {
      await need(4)
      if (isSkippable(waiting)) await skip((await take(8)).readUInt32LE(4))
      else if (beginsFrame(waiting)) yield* frame()
      else throw new Damaged('what follows the last frame is none')
    }
  } catch (error) {
    onlyDamage(error)
    onDamage(`damaged zstd: ${(error as Error).message}`)
  }
}

/** The part of the content's hash that a frame ends with. */
function lowerHalfOf(hash: bigint): number {
  return Number(BigInt.asUintN(32, hash))
}

/** The bytes are not what they should be, or end too early. */
class Damaged extends Error {}

/** @throws the error when it is another one */
function onlyDamage(error: unknown): void {
  if (!(error instanceof Damaged)) throw error
}

function tooLarge(path: string, windowBytes: number): UsageError {
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')} MB`
  return new UsageError(
    `${path} is zstd that needs ${mebibytes(windowBytes)} of memory; at most ${mebibytes(MAX_WINDOW_BYTES)} are taken`,
    { hint: `Unpack it first: zstd -d --long=31 ${shellQuoted(path)}` },
  )
}
