import { dirname } from 'node:path'
import { UsageError } from '../errors.ts'
import { type ByteWriter, createByteWriter } from '../json/bytes.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import { createTurns } from './turns.ts'

/**
 * A file that only grows, in batches: dead letters, files.ndjson, the logs of seen events.
 *
 * Format: the owner's; the log knows bytes and lengths.
 *
 * Invariants:
 * - The first `length` bytes of a checkpoint that names the log are durable before that checkpoint is: `flush`, then the checkpoint.
 * - What is behind that length is worth nothing. Opening cuts it off, durably; a write goes to its known place, never to «the end».
 * - The file is shortened nowhere else than in opening it.
 *
 * Write order, and what a crash leaves:
 *
 *     add            in memory: nothing
 *     write          any part of the batch behind the last durable length, torn, or zeros: the next opening cuts it off
 *     sync           the whole batch, which no checkpoint names yet: cut off as well
 *     sync directory (once a process) without it a file that a checkpoint names could be gone
 *     flush resolves the batch is durable
 *
 * A write or sync that failed leaves the batch in memory: the next flush writes all of it again, at the same place. It must not only
 * sync again: after a sync that failed, a system may take the unwritten bytes for written.
 */
export interface AppendLog {
  readonly path: string
  /** Cuts the file back; must have resolved before `length` is asked for. `flush` opens by itself. */
  open(): Promise<void>
  /** Adds what `write` appends to the batch under way. */
  add(write: (out: ByteWriter) => void): void
  /** Resolves when everything added so far is durable; rejects with the system's error when it cannot be. */
  flush(): Promise<void>
  /** Bytes added that are not durable. */
  pendingBytes(): number
  /** Bytes of the file with everything added: what a picture taken now says of it. */
  length(): number
  /** Fills `into` from `position` on, from what is durable; returns how many bytes that were. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Flushes and closes. */
  close(): Promise<void>
}

interface AppendLogOptions {
  readonly fileSystem: FileSystem
  readonly path: string
  /** Bytes to keep; null keeps whatever is there. */
  readonly length: number | null
  /** False: the file is opened for each flush and read, since there may be thousands of them. */
  readonly keepsOpen?: boolean
}

/** Room of a batch at first. */
const FIRST_BYTES = 1 << 10
/** A batch grows by pieces of this size: memory that comes and goes in larger ones is not given back to the system. */
const PIECE_BYTES = 1 << 20
/** Room of a piece: most entries end within it. */
const PIECE_ROOM_BYTES = PIECE_BYTES + (PIECE_BYTES >> 3)

/** The file comes into being with the first flush that has something to write. */
export function createAppendLog(options: AppendLogOptions): AppendLog {
  const { fileSystem, path, length: keptLength, keepsOpen = true } = options
  let batch = [createByteWriter(FIRST_BYTES)]
  /** The batch that is being written. */
  let leaving: readonly ByteWriter[] = []
  /** Its pieces, afterwards, for the next batch of a busy log. */
  let spare: ByteWriter[] = []
  let durableLength = keptLength ?? 0
  let file: OpenFile | null = null
  /** A file that was there when we came may have been made by a process that was killed before it synced the directory. */
  let isNameDurable = false
  let opening: Promise<void> | null = null
  const writing = createTurns(writeBatch)

  function pendingBytes(): number {
    return bytesIn(batch) + bytesIn(leaving)
  }

  function takePiece(roomBytes: number): ByteWriter {
    const piece = spare.pop() ?? createByteWriter(roomBytes)
    piece.length = 0
    return piece
  }

  async function cutBack(): Promise<void> {
    const facts = await fileSystem.stat(path)
    if (keptLength !== null && (facts?.size ?? 0) < keptLength) throw tooShort(path, facts?.size ?? null, keptLength)
    if (facts === null) return
    durableLength = keptLength ?? facts.size
    await withFile(async (opened) => {
      if (facts.size <= durableLength) return
      await opened.truncate(durableLength)
      // Behind a clean stop the file is as long as its checkpoint says, also when nothing more was written.
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
    await openOnce()
    const pieces = batch
    batch = [takePiece(FIRST_BYTES)]
    leaving = pieces
    try {
      await withFile(async (opened) => {
        let at = durableLength
        for (const { bytes, length } of pieces) {
          await opened.write(bytes.subarray(0, length), at)
          at += length
        }
        await opened.sync()
      })
      if (!isNameDurable) await fileSystem.syncDirectory(dirname(path))
      isNameDurable = true
      durableLength += bytesIn(pieces)
      // A log that took little meanwhile may take little for long: there may be thousands of them.
      spare = bytesIn(batch) * 4 >= bytesIn(pieces) ? pieces : []
    } catch (error) {
      batch = [...pieces, ...batch]
      throw error
    } finally {
      leaving = []
    }
  }

  function flush(): Promise<void> {
    if (bytesIn(batch) === 0) return writing.current() ?? Promise.resolve()
    return writing.take()
  }

  return {
    path,
    open: openOnce,
    add(write) {
      let piece = batch[batch.length - 1]
      if (piece === undefined || piece.length >= PIECE_BYTES) {
        piece = takePiece(PIECE_ROOM_BYTES)
        batch.push(piece)
      }
      write(piece)
    },
    flush,
    pendingBytes,
    length: () => durableLength + pendingBytes(),
    async read(into, position) {
      await openOnce()
      const within = Math.max(0, Math.min(into.length, durableLength - position))
      return within === 0 ? 0 : withFile((opened) => opened.read(into.subarray(0, within), position))
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

/** The checkpoint's promise is broken: a person deleted or changed the file, or the disk lied. */
function tooShort(path: string, size: number | null, expected: number): UsageError {
  const what = size === null ? 'is gone' : `has ${size} bytes`
  return new UsageError(`${path} ${what}, but the checkpoint knows ${expected} bytes of it`, {
    hint: 'Put the file back, or begin anew: --fresh moves this state aside, --state DIR names another.',
  })
}
