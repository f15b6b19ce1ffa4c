import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { typeOfPath } from '../currents/event-type.ts'
import { Braze2ampError } from '../errors.ts'
import type { OpenSource, Source } from '../model.ts'
import { STDIN } from './file-list.ts'
import { gunzip } from './gunzip.ts'

/** An open input: its bytes, gunzipped, in order. */
export interface OpenInput {
  readonly source: OpenSource
  /** The next bytes, or null at the end. A chunk stays as it is until `reuse`; nothing writes to it before. */
  read(): Promise<Uint8Array | null>
  /** A chunk that `read` gave is not needed any more: its memory may be read into again. */
  reuse(chunk: Uint8Array): void
  /** Goes on at this byte of the gunzipped input, at or behind what was handed out: a plain file seeks, others are read up to it. */
  skipTo(byte: number): Promise<void>
  /** After the end: why the input stopped too early; null when it is whole. */
  damage(): string | null
  /** Bytes of the stored file that were read so far, also ahead of what was handed out. */
  storedBytes(): number
  close(): Promise<void>
}

/** Says how far inputs may be read, and watches what is read; all in bytes as stored. */
export interface ReadGate {
  /** How many bytes of the source may be read from `byte` on; waits until there is one. 0: nothing more will be read. */
  room(source: Source, byte: number): Promise<number>
  /**
   * These bytes were read, and end at `byte`.
   * @throws Braze2ampError when they must not be taken
   */
  passed(source: Source, bytes: Uint8Array, byte: number): void
  /** What was read last must not be taken before more was read. */
  holds(source: Source): boolean
  /** The source has no more bytes. @throws Braze2ampError when there must be more */
  ended(source: Source): void
  /** The source is closed, or could not be opened. */
  left(source: Source): void
}

export interface ReadOptions {
  /** When it aborts, reading ends. */
  readonly stop?: AbortSignal
  readonly gate?: ReadGate | null
}

/** Reads at a time, in bytes: large enough that a read costs nothing per record. */
const READ_BYTES = 1 << 20
/** The read that finds the end. */
const LAST_READ_BYTES = 1 << 10
/** Bytes of the stored file that identify it (DESIGN §6). */
const HEAD_BYTES = 1 << 16

const GZIP_MAGIC = [0x1f, 0x8b] as const

/**
 * Opens an input for reading from its start. Gzip is recognised by its magic, several members too.
 * @throws the system's error when it cannot be opened
 */
export async function openInput(source: Source, { stop, gate = null }: ReadOptions = {}): Promise<OpenInput> {
  const isStdin = source.path === STDIN
  const stored = isStdin ? readStdin() : await openFile(source.path)
  // A read that waits for a pipe must not outlast the wish to stop.
  const close = () => void stored.close()
  stop?.addEventListener('abort', close, { once: true })
  let damage: string | null = null
  let storedBytes = 0
  /** Read, and not taken yet. */
  const held: Uint8Array[] = []

  async function readStored(): Promise<Uint8Array | null> {
    try {
      while (held.length === 0 || gate?.holds(source)) {
        const room = gate === null ? READ_BYTES : await gate.room(source, storedBytes)
        if (room === 0) return null
        const chunk = await stored.read(Math.min(room, READ_BYTES))
        if (chunk === null) {
          gate?.ended(source)
          break
        }
        storedBytes += chunk.length
        gate?.passed(source, chunk, storedBytes)
        held.push(chunk)
      }
      return held.shift() ?? null
    } catch (error) {
      if (error instanceof Braze2ampError) throw error
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
  const isGzip = GZIP_MAGIC.every((byte, i) => first[i] === byte)
  // No spread and no method: each such object would be of a shape of its own, and what reads it compiled anew for every file.
  const opened: OpenSource = {
    path: source.path,
    number: source.number,
    fileType: isStdin ? null : (typeOfPath(source.path)?.type ?? null),
    isShare: !isStdin && (typeOfPath(source.path)?.isShare ?? false),
    isGzip,
    headHash,
  }

  const plain = startingWith(first, readStored)
  const decoded = isGzip
    ? gunzip(plain, isStdin ? null : () => openFile(source.path), (why) => {
        damage ??= why
      })
    : plain
  const ahead = createReadAhead(decoded)
  /** Bytes handed out, and what of the last read is still to be. */
  let position = 0
  let rest: Uint8Array | null = null

  async function read(): Promise<Uint8Array | null> {
    const bytes = rest ?? (await ahead.read())
    rest = null
    position += bytes?.length ?? 0
    return bytes
  }

  async function skipTo(byte: number): Promise<void> {
    if (byte <= position) return
    if (stored.seek !== null && !isGzip) {
      // The first bytes are there already, and would come before those of the new place.
      if (position === 0) await ahead.read()
      await ahead.drop()
      stored.seek(byte)
      storedBytes = byte
      position = byte
      return
    }
    while (position < byte) {
      const bytes = await read()
      if (bytes === null) return
      if (position > byte) {
        rest = bytes.subarray(bytes.length - (position - byte))
        position = byte
      }
    }
  }

  return {
    source: opened,
    read,
    reuse(chunk) {
      if (!isGzip) stored.reuse(chunk)
    },
    skipTo,
    damage: () => damage,
    storedBytes: () => storedBytes,
    async close() {
      stop?.removeEventListener('abort', close)
      await stored.close()
      gate?.left(source)
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
    const stats = await file.stat()
    return readFile(file, stats.size, stats.isFile())
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The next bytes, or null at the end. */
export type Read = () => Promise<Uint8Array | null>

export interface StoredBytes {
  /** The next bytes, at most so many, or null at the end. */
  read(most: number): Promise<Uint8Array | null>
  /** Bytes that `read` gave may be overwritten. */
  reuse(bytes: Uint8Array): void
  /** The next read begins at this byte; null where that cannot be. */
  readonly seek: ((byte: number) => void) | null
  close(): Promise<void>
}

/**
 * @param size bytes of the file when it was opened: a small file gets a small buffer, and one that grew is read on
 * @param isRegular false for a pipe, which has no places to read at
 */
function readFile(file: FileHandle, size: number, isRegular: boolean): StoredBytes {
  let closed = false
  let at = 0
  let spare: Buffer = Buffer.alloc(0)
  return {
    async read(most) {
      if (closed) return null
      const length = Math.min(Math.max(size - at, LAST_READ_BYTES), most)
      const memory = spare.length < length ? Buffer.allocUnsafeSlow(length) : spare
      spare = Buffer.alloc(0)
      const { buffer, bytesRead } = await file.read(memory, 0, length, isRegular ? at : null)
      at += bytesRead
      return bytesRead === 0 ? null : buffer.subarray(0, bytesRead)
    },
    reuse(bytes) {
      // Only what a read brought: a small piece may share its memory with others.
      if (bytes.buffer.byteLength === READ_BYTES) spare = Buffer.from(bytes.buffer as ArrayBuffer)
    },
    seek: isRegular
      ? (byte) => {
          at = byte
        }
      : null,
    async close() {
      closed = true
      await file.close()
    },
  }
}

function readStdin(): StoredBytes {
  const chunks = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest: Uint8Array = new Uint8Array(0)
  return {
    async read(most) {
      if (rest.length === 0) {
        const next = await chunks.next()
        if (next.done === true) return null
        rest = next.value
      }
      const bytes = rest.subarray(0, most)
      rest = rest.subarray(bytes.length)
      return bytes
    },
    // Several reads may be parts of one piece of memory.
    reuse() {},
    seek: null,
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

interface ReadAhead {
  readonly read: Read
  /** Waits for the read under way and forgets what it brings. */
  drop(): Promise<void>
}

/** Keeps one read under way while the caller works on the one before. */
function createReadAhead(read: Read): ReadAhead {
  let next: Promise<Uint8Array | null> | null = null
  return {
    async read() {
      const current = await (next ?? read())
      next = current === null ? Promise.resolve(null) : read()
      // Whoever reads on meets the error; nobody may.
      next.catch(() => {})
      return current
    },
    async drop() {
      await next
      next = null
    },
  }
}
