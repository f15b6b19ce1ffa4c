import { type FileHandle, open } from 'node:fs/promises'

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

/** Reads at a time, in bytes: large enough that a read costs nothing per record, and what is made of it stays in the cache. */
export const READ_BYTES = 1 << 18
/** The read that finds the end. */
const LAST_READ_BYTES = 1 << 10

/** @throws the system's error when it cannot be opened */
export async function openStoredFile(path: string): Promise<StoredBytes> {
  const file = await open(path)
  try {
    const stats = await file.stat()
    return readFile(file, stats.size, stats.isFile())
  } catch (error) {
    await file.close()
    throw error
  }
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
    seek: null,
    async close() {
      // Not `return()`: it waits for a read that may never end.
      process.stdin.destroy()
    },
  }
}
