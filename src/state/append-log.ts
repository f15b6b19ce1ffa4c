import { dirname } from 'node:path'
import { UsageError } from '../errors.ts'
import { type ByteWriter, NEWLINE, textOf } from '../json/bytes.ts'
import { isReadFailure, readFailure } from '../read/read-failure.ts'
import { createBatchMemory } from './batch-memory.ts'
import { coalesce } from './coalesce.ts'
import type { FileSystem, OpenFile } from './file-system.ts'

/**
 * A file that only grows, in batches: dead letters, files.ndjson, the logs of seen events.
 *
 * Format: the owner's; the log knows only bytes and lengths.
 *
 * Invariants:
 * - A checkpoint names a log with a length. These bytes are durable before the checkpoint is: `flush` first, then the checkpoint.
 * - Bytes behind that length are worth nothing. Opening cuts them off, durably. A write goes to a known position, never to «the end».
 * - Only opening shortens the file.
 *
 * Write order, and what a crash leaves:
 *
 *     add            in memory: nothing
 *     write          any part of the batch behind the last durable length, torn, or zeros: the next opening cuts it off
 *     sync           the whole batch, which no checkpoint names yet: cut off as well
 *     sync directory (once a process) without it a file that a checkpoint names could be gone
 *     flush resolves the batch is durable
 *
 * After a write or sync that failed, the batch stays in memory, and the next flush writes all of it again at the same position. To sync
 * again would not be enough: after a failed sync a system may take the unwritten bytes for written. Bytes that an earlier `write` wrote
 * are no longer in memory: when their sync fails, the log is lost, and every later flush fails.
 */
export interface AppendLog {
  readonly path: string
  /** Cuts the file back to its kept length. Must resolve before `length` is called. `write`, `flush` and `read` open by themselves. */
  open(): Promise<void>
  /** Calls `write` to append an entry to the batch in memory. */
  add(write: (out: ByteWriter) => void): void
  /** Resolves when everything added so far is in the file, which frees its memory; rejects with the system's error. */
  write(): Promise<void>
  /** Resolves when everything added so far is durable; rejects with the system's error when it cannot be. */
  flush(): Promise<void>
  /** Bytes added that are still in memory. */
  pendingBytes(): number
  /** Bytes of the file once everything added is written: the length that a snapshot taken now names. */
  length(): number
  /** Fills `into` with the file's bytes from `position` on; returns how many there were. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Flushes and closes. */
  close(): Promise<void>
}

interface AppendLogOptions {
  readonly fileSystem: FileSystem
  readonly path: string
  /** Bytes to keep; null keeps all. */
  readonly length: number | null
  /** False opens the file anew for each flush and read: there may be thousands of such logs. */
  readonly keepsOpen?: boolean
}

const MEMORY = createBatchMemory()

/** The file is created by the first write that has something to write. */
export function createAppendLog(options: AppendLogOptions): AppendLog {
  const { fileSystem, path, length: keptLength, keepsOpen = true } = options
  let batch: ByteWriter[] = []
  /** The batch that is being written. */
  let leaving: readonly ByteWriter[] = []
  /** Bytes of the entry that was added last, since the next entry may be as long. */
  let lastEntryBytes = 0
  let durableLength = keptLength ?? 0
  let writtenLength = durableLength
  /** The next `writeBatch` syncs. */
  let mustSync = false
  /** The error of a sync after which bytes that are no longer in memory may be gone; null when there was none. */
  let lost: unknown = null
  let file: OpenFile | null = null
  /** False at first even when the file exists: the process that made it may have been killed before it synced the directory. */
  let isNameDurable = false
  let opening: Promise<void> | null = null
  const writing = coalesce(writeBatch)

  function pendingBytes(): number {
    return bytesIn(batch) + bytesIn(leaving)
  }

  /** The last piece when it has room for an entry like the last one, else a new piece, twice as large as the piece before it. */
  function openPiece(): ByteWriter {
    const last = batch[batch.length - 1]
    if (last !== undefined && last.bytes.length - last.length >= lastEntryBytes) return last
    const piece = MEMORY.take(Math.max(lastEntryBytes, 2 * (last?.bytes.length ?? 0)))
    batch.push(piece)
    return piece
  }

  async function cutBack(): Promise<void> {
    const facts = await fileSystem.stat(path)
    if (keptLength !== null && (facts?.size ?? 0) < keptLength) throw tooShort(path, facts?.size ?? null, keptLength)
    if (facts === null) return
    durableLength = keptLength ?? facts.size
    writtenLength = durableLength
    await withFile(async (opened) => {
      if (facts.size <= durableLength) return
      await opened.truncate(durableLength)
      // After a clean stop the file must be as long as its checkpoint says, even when nothing more is written.
      await opened.sync()
    })
  }

  async function withFile<T>(act: (file: OpenFile) => Promise<T>): Promise<T> {
    if (keepsOpen) {
      file ??= await fileSystem.open(path, 'write')
      return act(file)
    }
    const opened = await fileSystem.open(path, 'write')
    try {
      return await act(opened)
    } finally {
      await opened.close()
    }
  }

  function openOnce(): Promise<void> {
    opening ??= cutBack().catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }

  async function writeBatch(): Promise<void> {
    const syncs = mustSync
    mustSync = false
    await openOnce()
    if (lost !== null) throw lost
    const pieces = batch
    batch = []
    leaving = pieces
    try {
      await withFile(async (opened) => {
        let at = writtenLength
        for (const { bytes, length } of pieces) {
          await opened.write(bytes.subarray(0, length), at)
          at += length
        }
        if (syncs) await sync(opened)
      })
      if (syncs && !isNameDurable) await fileSystem.syncDirectory(dirname(path))
      isNameDurable ||= syncs
      writtenLength += bytesIn(pieces)
      if (syncs) durableLength = writtenLength
      for (const piece of pieces) MEMORY.give(piece)
    } catch (error) {
      batch = [...pieces, ...batch]
      throw error
    } finally {
      leaving = []
    }
  }

  async function sync(opened: OpenFile): Promise<void> {
    try {
      await opened.sync()
    } catch (error) {
      if (writtenLength > durableLength) lost = error
      throw error
    }
  }

  function write(): Promise<void> {
    return bytesIn(batch) === 0 ? (writing.current() ?? Promise.resolve()) : writing.run()
  }

  function flush(): Promise<void> {
    if (pendingBytes() === 0 && writtenLength === durableLength) return writing.current() ?? Promise.resolve()
    mustSync = true
    return writing.run()
  }

  return {
    path,
    open: openOnce,
    add(write) {
      const piece = openPiece()
      const before = piece.length
      write(piece)
      lastEntryBytes = piece.length - before
    },
    write,
    flush,
    pendingBytes,
    length: () => writtenLength + pendingBytes(),
    async read(into, position) {
      await openOnce()
      const within = Math.max(0, Math.min(into.length, writtenLength - position))
      if (within === 0) return 0
      return withFile((opened) => opened.read(into.subarray(0, within), position)).catch((error: unknown) => {
        throw isReadFailure(error) ? readFailure(path, error) : error
      })
    },
    async close() {
      await flush()
      await file?.close()
      file = null
    },
  }
}

function bytesIn(pieces: readonly ByteWriter[]): number {
  let sum = 0
  for (const { length } of pieces) sum += length
  return sum
}

/** The file is shorter than its checkpoint says: a person deleted or changed it, or the disk lied. */
function tooShort(path: string, size: number | null, expected: number): UsageError {
  const what = size === null ? 'is gone' : `has ${size} bytes`
  return new UsageError(`${path} ${what}, but the checkpoint knows ${expected} bytes of it`, {
    hint: 'Put the file back, or begin anew: --fresh moves this state aside, --state DIR names another.',
  })
}

const READ_BYTES = 1 << 20

/**
 * Gives `take` each line of a log without its newline, and the byte where the line begins. Returns the text behind the last newline,
 * which is empty when every line is whole, and the byte where it begins.
 */
export async function eachLine(
  log: Pick<AppendLog, 'read'>,
  take: (line: string, at: number) => void,
): Promise<{ readonly rest: string; readonly at: number }> {
  const block = Buffer.allocUnsafeSlow(READ_BYTES)
  let rest = Buffer.alloc(0)
  let at = 0
  for (let position = 0; ; ) {
    const read = await log.read(block, position)
    if (read === 0) break
    position += read
    const bytes = rest.length === 0 ? block.subarray(0, read) : Buffer.concat([rest, block.subarray(0, read)])
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      take(textOf(bytes, start, end), at + start)
      start = end + 1
    }
    at += start
    rest = Buffer.from(bytes.subarray(start))
  }
  return { rest: rest.toString('utf8'), at }
}
