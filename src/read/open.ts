import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { typeOfPath } from '../currents/event-type.ts'
import type { OpenSource, Source } from '../model.ts'
import { STDIN } from './discover.ts'
import { gunzip } from './gunzip.ts'

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
/** Bytes of the stored file that identify it (DESIGN §6). */
const HEAD_BYTES = 1 << 16

const GZIP_MAGIC = [0x1f, 0x8b] as const

/**
 * Opens an input for reading from its start. Gzip is recognised by its magic, several members too. When `stop` aborts, reading
 * ends.
 * @throws the system's error when it cannot be opened
 */
export async function openInput(source: Source, stop?: AbortSignal): Promise<OpenInput> {
  const isStdin = source.path === STDIN
  const stored = isStdin ? readStdin() : await openFile(source.path)
  // A read that waits for a pipe must not outlast the wish to stop.
  const close = () => void stored.close()
  stop?.addEventListener('abort', close, { once: true })
  let damage: string | null = null
  let storedBytes = 0

  async function readStored(): Promise<Uint8Array | null> {
    try {
      const chunk = await stored.read()
      storedBytes += chunk?.length ?? 0
      return chunk
    } catch (error) {
      damage = `reading failed: ${(error as Error).message}`
      return null
    }
  }

  const first = await readHead(readStored)
  // A slice would keep the whole read in memory.
  const head = Buffer.from(first.subarray(0, HEAD_BYTES))
  let hash: string | null = null
  const headHash = () => {
    hash ??= createHash('sha256').update(head).digest('hex')
    return hash
  }
  const opened: OpenSource = {
    path: source.path,
    number: source.number,
    fileType: isStdin ? null : (typeOfPath(source.path)?.type ?? null),
    isShare: !isStdin && (typeOfPath(source.path)?.isShare ?? false),
    headHash,
  }

  const isGzip = GZIP_MAGIC.every((byte, i) => first[i] === byte)
  const plain = startingWith(first, readStored)
  const decoded = isGzip
    ? gunzip(plain, isStdin ? null : () => openFile(source.path), (why) => {
        damage ??= why
      })
    : plain
  return {
    source: opened,
    read: readAhead(decoded),
    damage: () => damage,
    storedBytes: () => storedBytes,
    async close() {
      stop?.removeEventListener('abort', close)
      await stored.close()
    },
  }
}

/** The first bytes, at least as many as identify the input: a pipe may bring them in pieces of any size. */
async function readHead(read: Read): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  while (length < HEAD_BYTES) {
    const chunk = await read()
    if (chunk === null) break
    parts.push(chunk)
    length += chunk.length
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
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

/** The next bytes, or null at the end. */
export type Read = () => Promise<Uint8Array | null>

export interface StoredBytes {
  readonly read: Read
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

function startingWith(first: Uint8Array, rest: Read): Read {
  let isFirst = first.length > 0
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
