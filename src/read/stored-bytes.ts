import type { Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Bytes at either end of what was read of a file that its fingerprint hashes (state/README.md §4). */
export const SPAN_BYTES = 1 << 16

/** The next bytes, or null at the end. */
export type Read = () => Promise<Uint8Array | null>

export interface StoredBytes {
  /** The next bytes, at most so many, or null at the end. */
  read(most: number): Promise<Uint8Array | null>
  /** Bytes that `read` gave may be overwritten. */
  reuse(bytes: Uint8Array): void
  /** The file that the bytes are of; null for a pipe, which has no places and no second time. */
  readonly file: StoredFile | null
  close(): Promise<void>
}

/** A file while it is open: it stays the one that was opened, whatever its path leads to meanwhile. */
export interface StoredFile {
  /** The next read in order begins at this byte. */
  seek(byte: number): void
  /** Fills `into` from `position` on, as far as the file goes; returns how many bytes that were. Reading in order goes on where it was. */
  readAt: ReadAt
  /** What the system said of it when it was opened. */
  readonly facts: FileFacts
}

export type ReadAt = (into: Uint8Array, position: number) => Promise<number>

/** What tells that two looks at a file saw one file, and no write between them. */
type FileFacts = Pick<Stats, 'dev' | 'ino' | 'mtimeMs' | 'ctimeMs'>

/** @throws the system's error when it cannot be opened */
export type OpenStoredFile = (path: string) => Promise<StoredBytes>

/** Reads at a time, in bytes: large enough that a read costs nothing per record, and what is made of it stays in the cache. */
export const READ_BYTES = 1 << 18
/** The read that finds the end. */
const LAST_READ_BYTES = 1 << 10

export const openStoredFile: OpenStoredFile = async (path) => {
  const file = await open(path)
  try {
    return readFile(file, await file.stat())
  } catch (error) {
    await file.close()
    throw error
  }
}

/** A small file gets a small buffer, and one that grew since it was opened is read on. */
function readFile(file: FileHandle, facts: Stats): StoredBytes {
  const { size } = facts
  // A pipe has no places to read at.
  const isRegular = facts.isFile()
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
    file: isRegular
      ? {
          seek(byte) {
            at = byte
          },
          readAt: readAtOf(file),
          facts,
        }
      : null,
    async close() {
      closed = true
      await file.close()
    },
  }
}

/** Reading at places of a file. */
export function readAtOf(file: FileHandle): ReadAt {
  return async (into, position) => {
    let done = 0
    while (done < into.length) {
      const { bytesRead } = await file.read(into, done, into.length - done, position + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done
  }
}

export function readStdin(): StoredBytes {
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
    file: null,
    async close() {
      // `return()` would wait for a read that may never end.
      process.stdin.destroy()
    },
  }
}
