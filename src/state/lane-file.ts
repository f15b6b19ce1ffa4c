import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ByteWriter, createByteWriter, NEWLINE } from '../json/bytes.ts'
import type { KeptEvent } from '../model.ts'
import { appendLaneLine, type LaneLine, readLaneLine } from './letter.ts'
import { DIRECTORY_MODE, FILE_MODE } from './state-directory.ts'

/** Whose events a lane file holds. */
export interface LaneOwner {
  readonly kind: 'user' | 'device'
  readonly id: string
}

/**
 * The waiting events of hot identities on disk: one NDJSON file each, `lanes/<n>.ndjson`, in the format of `letter.ts`. A file is
 * appended to and read from its start at the same time; what was appended is written before it is read. It is deleted once drained.
 */
export interface LaneFiles {
  append(owner: LaneOwner, event: KeptEvent): void
  /** Asks for the next `count` events that were not read; the answer comes through `onRead`, and may hold fewer. */
  read(owner: LaneOwner, count: number): void
  delete(owner: LaneOwner): void
  /** Bytes appended that are still in memory. */
  readonly pendingBytes: number
  /** Events in the fullest file that were not read. */
  longest(): number
  /** Resolves when no write or read is under way. */
  idle(): Promise<void>
}

interface LaneFileOptions {
  readonly directory: string
  /** The name of an event's type, as lane files hold it. */
  readonly typeName: (type: number) => string | null
  readonly onRead: (owner: LaneOwner, lines: readonly LaneLine[]) => void
  /** The disk failed: nothing more can be kept here. */
  readonly onFailure: (error: Error) => void
}

/** A lane's appended bytes are written when they are this many. */
const WRITE_BYTES = 1 << 16
/** All of them are when all lanes together have this many. */
const WRITE_ALL_BYTES = 8 << 20
const READ_BYTES = 1 << 16

interface LaneFile {
  readonly owner: LaneOwner
  readonly path: string
  unwritten: ByteWriter
  unread: number
  /** Byte of the next line to be read. */
  readAt: number
  /** The last of the operations on this file, which follow one another. */
  work: Promise<void>
}

export function createLaneFiles({ directory, typeName, onRead, onFailure }: LaneFileOptions): LaneFiles {
  const files = { user: new Map<string, LaneFile>(), device: new Map<string, LaneFile>() }
  let lastNumber = 0
  let pendingBytes = 0
  let made: Promise<unknown> | null = null
  let isWritingAll = false
  const underWay = new Set<Promise<void>>()

  function all(): LaneFile[] {
    return [...files.user.values(), ...files.device.values()]
  }

  function fileOf({ kind, id }: LaneOwner): LaneFile {
    const known = files[kind].get(id)
    if (known !== undefined) return known
    lastNumber += 1
    const file: LaneFile = {
      owner: { kind, id },
      path: join(directory, `${lastNumber}.ndjson`),
      unwritten: createByteWriter(1024),
      unread: 0,
      readAt: 0,
      work: Promise.resolve(),
    }
    files[kind].set(id, file)
    return file
  }

  function enqueue(file: LaneFile, act: () => Promise<void>): void {
    const work = file.work.then(act).catch((error: Error) => onFailure(error))
    file.work = work
    underWay.add(work)
    void work.then(() => underWay.delete(work))
  }

  function writeAll(): void {
    if (isWritingAll) return
    isWritingAll = true
    const unwritten = all().filter((file) => file.unwritten.length > 0)
    for (const file of unwritten) enqueue(file, () => write(file))
    void Promise.all(unwritten.map(({ work }) => work)).then(() => {
      isWritingAll = false
    })
  }

  async function write(file: LaneFile): Promise<void> {
    const { bytes, length } = file.unwritten
    if (length === 0) return
    file.unwritten = createByteWriter(1024)
    made ??= mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
    await made
    const handle = await open(file.path, 'a', FILE_MODE)
    try {
      await handle.writeFile(bytes.subarray(0, length))
    } finally {
      pendingBytes -= length
      await handle.close()
    }
  }

  async function readLines(file: LaneFile, count: number): Promise<LaneLine[]> {
    const lines: LaneLine[] = []
    const handle = await open(file.path)
    try {
      let block = Buffer.allocUnsafeSlow(READ_BYTES)
      while (lines.length === 0) {
        const { bytesRead } = await handle.read(block, 0, block.length, file.readAt)
        let at = 0
        while (lines.length < count) {
          const end = block.subarray(0, bytesRead).indexOf(NEWLINE, at)
          if (end < 0) break
          lines.push(readLaneLine(block, at, end))
          at = end + 1
        }
        file.readAt += at
        if (lines.length === 0 && bytesRead < block.length) throw new Error(`${file.path} ends too early`)
        if (lines.length === 0) block = Buffer.allocUnsafeSlow(block.length * 4)
      }
    } finally {
      await handle.close()
    }
    return lines
  }

  return {
    append(owner, event) {
      const file = fileOf(owner)
      const before = file.unwritten.length
      appendLaneLine(file.unwritten, event, typeName(event.type))
      pendingBytes += file.unwritten.length - before
      file.unread += 1
      if (before < WRITE_BYTES && file.unwritten.length >= WRITE_BYTES) enqueue(file, () => write(file))
      if (pendingBytes >= WRITE_ALL_BYTES) writeAll()
    },
    read(owner, count) {
      const file = fileOf(owner)
      enqueue(file, async () => {
        await write(file)
        const lines = await readLines(file, count)
        file.unread -= lines.length
        onRead(file.owner, lines)
      })
    },
    delete(owner) {
      const file = fileOf(owner)
      files[owner.kind].delete(owner.id)
      enqueue(file, () => rm(file.path, { force: true }))
    },
    get pendingBytes() {
      return pendingBytes
    },
    longest: () => all().reduce((most, { unread }) => Math.max(most, unread), 0),
    async idle() {
      await Promise.all(underWay)
    },
  }
}
