import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { constants, createGunzip } from 'node:zlib'
import { typeOfPath } from '../currents/event-type.ts'
import type { OpenSource, Source } from '../model.ts'
import { STDIN } from './discover.ts'

/** An open input: its bytes, gunzipped, in order. */
export interface OpenInput {
  readonly source: OpenSource
  /** The next bytes, or null at the end. A chunk stays as it is; nothing writes to it again. */
  read(): Promise<Uint8Array | null>
  /** After the end: why the input stopped too early; null when it is whole. */
  damage(): string | null
  /** Bytes of the stored file that were read so far, also ahead of what was handed out. */
  storedBytes(): number
  close(): Promise<void>
}

/** Reads at a time, in bytes: large enough that a read costs nothing per record. */
const READ_BYTES = 1 << 20
/** The read that finds the end. */
const LAST_READ_BYTES = 1 << 10
/** Compressed bytes given to gunzip at a time: even 1000 times as much fits into memory. */
const GZIP_BYTES = 1 << 15
/** Bytes of the stored file that identify it (DESIGN §6). */
const HEAD_BYTES = 1 << 16

const GZIP_MAGIC = [0x1f, 0x8b] as const

/**
 * Opens an input for reading from its start. Gzip is recognised by its magic, several members too.
 * @throws the system's error when it cannot be opened
 */
export async function openInput(source: Source): Promise<OpenInput> {
  const stored = source.path === STDIN ? readStdin() : await openFile(source.path)
  const head: Uint8Array[] = []
  let headLength = 0
  let damage: string | null = null
  let storedBytes = 0

  async function readStored(): Promise<Uint8Array | null> {
    try {
      const chunk = await stored.read()
      storedBytes += chunk?.length ?? 0
      if (chunk !== null && headLength < HEAD_BYTES) {
        const part = chunk.subarray(0, HEAD_BYTES - headLength)
        head.push(part.length === chunk.length ? part : part.slice())
        headLength += part.length
      }
      return chunk
    } catch (error) {
      damage = `reading failed: ${(error as Error).message}`
      return null
    }
  }

  let hash: string | null = null
  const opened: OpenSource = {
    ...source,
    fileType: source.path === STDIN ? null : (typeOfPath(source.path)?.type ?? null),
    isShare: source.path !== STDIN && (typeOfPath(source.path)?.isShare ?? false),
    headHash() {
      hash ??= head.reduce((sum, part) => sum.update(part), createHash('sha256')).digest('hex')
      return hash
    },
  }

  // Standard input may come byte by byte: two are needed to tell gzip.
  let first = await readStored()
  while (first !== null && first.length < GZIP_MAGIC.length) {
    const more = await readStored()
    if (more === null) break
    first = Buffer.concat([first, more])
  }
  const isGzip = first !== null && GZIP_MAGIC.every((byte, i) => first?.[i] === byte)
  const plain = startingWith(first, readStored)
  const decoded = isGzip ? gunzip(plain, (why) => (damage ??= why)) : plain
  const reader = readAhead(decoded)
  return {
    source: opened,
    read: reader,
    damage: () => damage,
    storedBytes: () => storedBytes,
    close: () => stored.close(),
  }
}

async function openFile(path: string): Promise<StoredBytes> {
  const file = await open(path)
  try {
    return readFile(file, (await file.stat()).size)
  } catch (error) {
    await file.close()
    throw error
  }
}

type Read = () => Promise<Uint8Array | null>

interface StoredBytes {
  read: Read
  close(): Promise<void>
}

/** @param size bytes of the file when it was opened: a small file gets a small buffer, and one that grew is read on */
function readFile(file: FileHandle, size: number): StoredBytes {
  let closed = false
  let left = size
  return {
    async read() {
      if (closed) return null
      const length = Math.min(Math.max(left, LAST_READ_BYTES), READ_BYTES)
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(length), 0, length)
      left -= bytesRead
      return bytesRead === 0 ? null : buffer.subarray(0, bytesRead)
    },
    async close() {
      closed = true
      await file.close()
    },
  }
}

function readStdin(): StoredBytes {
  const chunks = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return {
    async read() {
      const next = await chunks.next()
      return next.done === true ? null : next.value
    },
    async close() {
      // Not `return()`: it waits for a read that may never end.
      process.stdin.destroy()
    },
  }
}

function startingWith(first: Uint8Array | null, rest: Read): Read {
  let isFirst = true
  return async () => {
    if (!isFirst) return rest()
    isFirst = false
    return first
  }
}

/** Keeps one read under way while the caller works on the one before. */
function readAhead(read: Read): Read {
  let next: Promise<Uint8Array | null> | null = null
  return async () => {
    const current = await (next ?? read())
    next = current === null ? Promise.resolve(null) : read()
    return current
  }
}

/**
 * Inflates one compressed chunk at a time and hands out all of its output: a stream that fails drops what it had buffered, and
 * what stands before the damage must not be lost.
 */
function gunzip(read: Read, onDamage: (why: string) => void): Read {
  const stream = createGunzip({ chunkSize: 1 << 18, finishFlush: constants.Z_FINISH })
  let output: Uint8Array[] = []
  let failure: string | null = null
  let ended = false
  stream.on('data', (chunk: Buffer) => output.push(chunk))
  stream.on('error', (error) => {
    failure = error.message
  })
  let compressed: Uint8Array | null = null

  async function inflateNext(): Promise<void> {
    if (compressed === null || compressed.length === 0) compressed = await read()
    const part = compressed?.subarray(0, GZIP_BYTES) ?? null
    compressed = compressed?.subarray(GZIP_BYTES) ?? null
    if (part === null) {
      ended = true
      await settled((done) => stream.end(done))
    } else {
      await settled((done) => stream.write(part, done))
    }
  }

  function settled(act: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        stream.off('error', done)
        stream.off('end', done)
        resolve()
      }
      stream.once('error', done)
      if (ended) stream.once('end', done)
      act(ended ? () => {} : done)
    })
  }

  return async () => {
    while (output.length === 0 && failure === null && !ended) await inflateNext()
    if (failure !== null) {
      onDamage(`damaged gzip: ${failure}`)
      ended = true
    }
    if (output.length === 0) return null
    const bytes = output.length === 1 ? (output[0] as Uint8Array) : Buffer.concat(output)
    output = []
    return bytes
  }
}
