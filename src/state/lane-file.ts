import { join } from 'node:path'
import pLimit from 'p-limit'
import { StoppedError, UsageError } from '../errors.ts'
import { NEWLINE } from '../json/bytes.ts'
import type { KeptEvent } from '../model.ts'
import { type AppendLog, createAppendLog } from './append-log.ts'
import type { SavedLane } from './checkpoint.ts'
import { type FileSystem, mustBeOwnFile } from './file-system.ts'
import type { BookedEvent, Ledger } from './ledger.ts'
import { appendLaneLine, type LaneLine, readLaneLine } from './letter.ts'
import { type ChunkTicket, createSettled, isSettled, type Origin, type Settled } from './settled.ts'
import { LANE_FILE } from './state-directory.ts'

/**
 * The waiting events of hot identities on disk: `lanes/<n>.ndjson`, a file per identity (schedule/README.md §2, state/README.md §2).
 *
 * Format: NDJSON, the lines of `letter.ts`.
 *
 * Invariants:
 * - A lane file is an append log (`append-log.ts` has the write order): the checkpoint says how many of its bytes count.
 * - An event that was appended is settled as a record of its input, but pending as a line. The line is settled when the event is.
 * - No line is read beyond `reservedTo` of the last durable checkpoint: the next 10 s of lines. So every line that is read is durable,
 *   and the number of lines that a crash leaves unknown is bounded.
 * - The next snapshot leaves out a file that was read to its end and settled. Once that checkpoint is durable, the file is deleted. This
 *   process does not use its number again.
 *
 * What a crash leaves: lines behind the named bytes, which the next opening cuts off (their records are read again); and files that no
 * checkpoint names, which are deleted before any line is read (`prepareLaneFiles`).
 */
export interface LaneFiles {
  append(owner: LaneOwner, event: LaneEvent): void
  /**
   * The next lines that are neither read nor settled: at least one, at most `count`. Reads of the same file follow one another.
   * @throws StoppedError when the file is damaged, or the system's error
   */
  read(owner: LaneOwner, count: number): Promise<readonly RecalledLine[]>
  delete(owner: LaneOwner): void
  /** Bytes appended that are still in memory. */
  readonly pendingBytes: number
  /** The most unread events in any one file. */
  longest(): number
  /** The files of the previous process, with the number of their lines that are not settled. */
  restored(): readonly { readonly owner: LaneOwner; readonly unread: number }[]
  /** Resolves when no write is under way. */
  idle(): Promise<void>
  /** What a checkpoint taken now says of the files. */
  snapshot(): SavedLane[]
  /** Resolves when the files are durable up to the bytes in the last snapshot. */
  flush(): Promise<void>
  /** Notes that the checkpoint with this snapshot is durable. */
  saved(snapshot: readonly SavedLane[]): Promise<void>
  /** True when the previous process cannot have sent any line that is read from now on. */
  arePastUnknown(): boolean
}

/** The identity whose events a lane file holds. */
export interface LaneOwner {
  readonly kind: 'user' | 'device'
  readonly id: string
}

type LaneEvent = KeptEvent & BookedEvent

/** A line that was read back, with the ticket and the index that settle it. */
export interface RecalledLine extends LaneLine {
  readonly ticket: ChunkTicket
  readonly index: number
}

export interface LaneFileOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** The files of the previous process. */
  readonly saved: readonly SavedLane[]
  /** True when the previous process left nothing unknown. */
  readonly isClean: boolean
  readonly ledger: Pick<Ledger, 'deferEvent'>
  /** Events that one identity may send in a second. */
  readonly eventsPerSecond: number
  /** The name of an event's type, as lane files hold it. */
  readonly typeName: (type: number) => string | null
  /** Resolves when a checkpoint taken after the call is durable. */
  readonly save: () => Promise<void>
  /** Called when a write fails that nobody waits for: no more events can be kept here. */
  readonly onFailure: (error: Error) => void
}

/** The appended bytes of a lane are written once there are this many. */
const WRITE_BYTES = 1 << 18
/** Those of all lanes are written once there are this many in all. */
const WRITE_ALL_BYTES = 4 << 20
/** A read has room for this many times the average bytes of its lines, so that most reads bring all lines that were asked for. */
const READ_ROOM = 1.25
/** Bounds of one read; only a longer line takes a larger read. The lines that are read keep the memory of the whole read. */
const LEAST_READ_BYTES = 1 << 10
const MOST_READ_BYTES = 1 << 16
/** How far lines may be read ahead of the last checkpoint, in seconds of an identity's limit (state/README.md §2). */
const RESERVED_SECONDS = 10
/** Files that are written at a time. */
const WRITES_AT_A_TIME = 8

interface LaneFile {
  readonly owner: LaneOwner
  readonly name: string
  readonly log: AppendLog
  readonly origin: Origin
  readonly settled: Settled
  /** Lines appended, by all processes. */
  lines: number
  /** The next line to be read. */
  readAt: number
  readLines: number
  /** `reservedTo` of the last durable checkpoint. */
  reservedTo: number
  /** The least bytes that the next snapshot reserves: enough for a line that is longer than the usual reservation. */
  leastReserve: number
  /** The previous process may have sent lines below this byte. */
  readonly unknownTo: number
  /** This file's part in `pendingBytes`. */
  pending: number
  /** Resolves when the last read of this file is over, even when it failed. */
  lastRead: Promise<unknown>
}

/**
 * Makes the directory, and deletes the lane files that no checkpoint names. Files with other names stay.
 * @throws UsageError when a file is shorter than the checkpoint says, or not ours alone
 */
export async function prepareLaneFiles(
  fileSystem: FileSystem,
  directory: string,
  saved: readonly SavedLane[],
): Promise<void> {
  await fileSystem.mkdir(directory)
  const named = new Set(saved.map(({ file }) => file))
  const unnamed = (await fileSystem.readdir(directory)).filter((name) => LANE_FILE.test(name) && !named.has(name))
  for (const { file, bytes } of saved) {
    const size = (await sizeOf(fileSystem, join(directory, file))) ?? 0
    if (size < bytes) {
      throw new UsageError(`${join(directory, file)} has ${size} bytes, but the checkpoint knows ${bytes} of it`, {
        hint: 'Put the file back, or begin anew: --fresh moves this state aside, --state DIR names another.',
      })
    }
  }
  for (const name of unnamed) await sizeOf(fileSystem, join(directory, name))
  for (const name of unnamed) await fileSystem.unlink(join(directory, name))
}

/**
 * Null when there is no such file.
 * @throws UsageError when the file is a link, or has another name elsewhere
 */
async function sizeOf(fileSystem: FileSystem, path: string): Promise<number | null> {
  const facts = await fileSystem.stat(path)
  if (facts === null) return null
  mustBeOwnFile(path, facts)
  return facts.size
}

export function createLaneFiles(options: LaneFileOptions): LaneFiles {
  const { fileSystem, directory, saved, isClean, ledger, eventsPerSecond, typeName, save, onFailure } = options
  const files = { user: new Map<string, LaneFile>(), device: new Map<string, LaneFile>() }
  const writing = pLimit(WRITES_AT_A_TIME)
  let lastNumber = 0
  let pendingBytes = 0
  /** Files that were read to their end, and have lines that are not settled. */
  let drained: LaneFile[] = []
  /** Files of which every line is settled. The next checkpoint does not name them, and once it is durable they are deleted. */
  let unnamed: LaneFile[] = []
  const underWay = new Set<Promise<void>>()

  for (const lane of saved) {
    lastNumber = Math.max(lastNumber, Number.parseInt(lane.file, 10))
    const { identity: owner, settledTo: byte, settledLines: ordinal } = lane
    const { settled, readTo } = lane
    const file: LaneFile = {
      ...createFile(owner, lane.file, lane.bytes, { from: { byte, ordinal, line: null }, settled, readTo }),
      lines: lane.lines,
      readAt: byte,
      readLines: ordinal,
      reservedTo: lane.reservedTo,
      unknownTo: isClean ? 0 : lane.reservedTo,
    }
    if (unreadOf(lane) > 0) files[owner.kind].set(owner.id, file)
    else unnamed.push(file)
  }

  function createFile(owner: LaneOwner, name: string, length: number, from: Parameters<typeof createSettled>[0]) {
    const origin: Origin = { kind: 'lane', accepted: 0 }
    const file: LaneFile = {
      owner,
      name,
      log: createAppendLog({ fileSystem, path: join(directory, name), length, keepsOpen: false }),
      origin,
      settled: createSettled(from, origin),
      lines: 0,
      readAt: 0,
      readLines: 0,
      reservedTo: 0,
      leastReserve: 0,
      unknownTo: 0,
      pending: 0,
      lastRead: Promise.resolve(),
    }
    return file
  }

  function all(): LaneFile[] {
    return [...files.user.values(), ...files.device.values()]
  }

  function fileOf({ kind, id }: LaneOwner): LaneFile {
    const known = files[kind].get(id)
    if (known !== undefined) return known
    lastNumber += 1
    const from = { from: { byte: 0, ordinal: 0, line: null }, settled: [], readTo: 0 }
    const file = createFile({ kind, id }, `${lastNumber}.ndjson`, 0, from)
    files[kind].set(id, file)
    return file
  }

  function track(act: Promise<void>): Promise<void> {
    const tracked = act.catch((error: Error) => onFailure(error))
    underWay.add(tracked)
    void tracked.then(() => underWay.delete(tracked))
    return tracked
  }

  function recount(file: LaneFile): void {
    const now = file.log.pendingBytes()
    pendingBytes += now - file.pending
    file.pending = now
  }

  async function write(file: LaneFile): Promise<void> {
    await writing(file.log.write)
    recount(file)
  }

  /** Writes until little is left. Events that were appended during a write need not wait for the next append. */
  async function writeOn(file: LaneFile): Promise<void> {
    do await write(file)
    while (file.pending >= WRITE_BYTES)
  }

  async function writeAll(): Promise<void> {
    await Promise.all(all().flatMap((file) => (file.pending > 0 ? write(file) : [])))
  }

  async function flush(file: LaneFile): Promise<void> {
    await writing(file.log.flush)
    recount(file)
  }

  /** The bytes of `count` lines of average length. */
  function bytesOf({ log, lines }: LaneFile, count: number): number {
    return lines === 0 ? 0 : Math.ceil((log.length() / lines) * count)
  }

  function reserveOf(file: LaneFile): number {
    return Math.max(file.leastReserve, bytesOf(file, eventsPerSecond * RESERVED_SECONDS))
  }

  /** The next lines that are not settled: at least one, at most `count`. */
  async function readLines(file: LaneFile, count: number): Promise<RecalledLine[]> {
    let most = Math.min(Math.max(bytesOf(file, count * READ_ROOM), LEAST_READ_BYTES), MOST_READ_BYTES)
    for (;;) {
      if (file.readAt >= file.reservedTo) await save()
      const { reservedTo } = file
      const block = Buffer.allocUnsafeSlow(Math.min(most, reservedTo - file.readAt))
      const bytes = block.subarray(0, await file.log.read(block, file.readAt))
      const lines = linesIn(bytes, count, file)
      if (lines.length > 0) {
        const found = taken(file, lines)
        if (found.length > 0) return found
      } else if (bytes.length === most) {
        most *= 4
      } else if (reservedTo < file.log.length()) {
        // The next line ends behind the reservation, unless a checkpoint has moved the reservation meanwhile.
        if (file.reservedTo > reservedTo) continue
        file.leastReserve = 2 * Math.max(MOST_READ_BYTES, reservedTo - file.readAt)
        await save()
      } else {
        throw damaged(join(directory, file.name), file.readAt)
      }
    }
  }

  interface Lines {
    readonly length: number
    readonly lines: readonly LaneLine[]
    readonly bytes: number
  }

  function linesIn(bytes: Buffer, count: number, file: LaneFile): Lines {
    const lines: LaneLine[] = []
    let at = 0
    while (lines.length < count) {
      const end = bytes.indexOf(NEWLINE, at)
      if (end < 0) break
      try {
        lines.push(readLaneLine(bytes, at, end))
      } catch {
        throw damaged(join(directory, file.name), file.readAt + at)
      }
      at = end + 1
    }
    return { length: lines.length, lines, bytes: at }
  }

  function taken(file: LaneFile, { lines, bytes }: Lines): RecalledLine[] {
    const restart = { byte: file.readAt, ordinal: file.readLines, line: null }
    const ticket = file.settled.take(lines.length, restart, file.readAt < file.unknownTo)
    file.readAt += bytes
    file.readLines += lines.length
    return lines.flatMap((line, index) => (isSettled(ticket, index) ? [] : [{ ...line, ticket, index }]))
  }

  return {
    append(owner, event) {
      const file = fileOf(owner)
      file.log.add((out) => appendLaneLine(out, event, typeName(event.type)))
      file.lines += 1
      ledger.deferEvent(event)
      const before = file.pending
      recount(file)
      if (before < WRITE_BYTES && file.pending >= WRITE_BYTES) void track(writeOn(file))
      if (pendingBytes >= WRITE_ALL_BYTES && underWay.size === 0) void track(writeAll())
    },
    read(owner, count) {
      const file = fileOf(owner)
      const read = file.lastRead.then(() => readLines(file, count))
      file.lastRead = read.catch(() => {})
      return read
    },
    delete(owner) {
      const file = fileOf(owner)
      file.settled.end()
      drained.push(file)
      files[owner.kind].delete(owner.id)
    },
    get pendingBytes() {
      return pendingBytes
    },
    longest: () => all().reduce((most, { lines, readLines }) => Math.max(most, lines - readLines), 0),
    restored: () =>
      saved.map((lane) => ({ owner: lane.identity, unread: unreadOf(lane) })).filter(({ unread }) => unread > 0),
    arePastUnknown: () => all().every(({ readAt, unknownTo }) => readAt >= unknownTo),
    async idle() {
      await Promise.all(underWay)
    },
    snapshot() {
      // A drained file may have unsettled lines: a suspect (`upload/suspects.ts`) has left its lane, but its line is not settled yet.
      unnamed.push(...drained.filter(({ settled }) => settled.isComplete()))
      drained = drained.filter(({ settled }) => !settled.isComplete())
      return [...all(), ...drained].map((file) => {
        const { from, settled, readTo } = file.settled.save()
        const bytes = file.log.length()
        return {
          identity: file.owner,
          file: file.name,
          bytes,
          settledTo: from.byte,
          reservedTo: Math.max(file.reservedTo, Math.min(bytes, file.readAt + reserveOf(file))),
          lines: file.lines,
          settledLines: from.ordinal,
          settled,
          readTo,
        }
      })
    },
    async flush() {
      await Promise.all(all().map(flush))
    },
    async saved(snapshot) {
      const reserved = new Map(snapshot.map(({ file, reservedTo }) => [file, reservedTo]))
      for (const file of all()) file.reservedTo = reserved.get(file.name) ?? file.reservedTo
      const gone = unnamed
      unnamed = []
      for (const { name, log } of gone) if (log.length() > 0) await fileSystem.unlink(join(directory, name))
    },
  }
}

function unreadOf({ lines, settledLines, settled }: SavedLane): number {
  return settled.reduce((left, [from, to]) => left - (to - from), lines - settledLines)
}

function damaged(path: string, byte: number): StoppedError {
  return new StoppedError(`${path} is damaged at byte ${byte}`, {
    stopped: 'state',
    hint:
      'It holds events that wait for their limit. Mend the line, or begin anew: --fresh moves this state aside, and replay takes ' +
      'the file as an input.',
  })
}
