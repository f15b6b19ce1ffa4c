import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import { append, type ByteWriter, createByteWriter, reserve } from '../json/bytes.ts'
import { type AppendLog, createAppendLog } from './append-log.ts'
import type { FileSystem } from './file-system.ts'
import { createSeen, GENERATION, type Seen } from './seen.ts'

/**
 * Keeps the table of seen events across a resume, in `seen-a.bin` and `seen-b.bin`.
 *
 * Format of each: a header of two 32-bit words, a magic and the file's generation, then 8 bytes per event, the low and the high half
 * of its hash, little-endian, in the order they were seen. The file of the higher generation is the current one.
 *
 * Invariants:
 * - The files that a checkpoint names, up to the lengths in it, together hold every hash noted since the run began, or at least the
 *   last million before its snapshot. So a resumed table knows all that the table before had to know.
 * - No file is cut while the last durable checkpoint names it.
 *
 * The files change roles so that two are enough:
 *
 *     every hash is appended to the current file, however long the file gets
 *     a snapshot finds a million hashes in it: it has all of the last million, so this checkpoint no longer names the other file
 *     that checkpoint is durable: the other file is free. It becomes the current one, of the next generation, from length 0
 *     the first flush of the new current file, before the next checkpoint, cuts it and writes the new header
 *
 * A crash before the checkpoint is durable leaves the checkpoint before, and both files as that names them. A crash after it, also
 * during that first flush, leaves the other file unnamed, and the next process takes it as empty. When a checkpoint fails, the files
 * keep their roles. The tables in memory change theirs independently, at every million.
 */
export interface SeenLogs extends Seen {
  /** What a checkpoint taken now says of the files: their bytes by name. Call `flush` next, then `saved` with this snapshot. */
  snapshot(): Readonly<Record<string, number>>
  /** Resolves when the files are durable up to the lengths of the last snapshot. */
  flush(): Promise<void>
  /** Notes that the checkpoint with this snapshot is durable. */
  saved(snapshot: Readonly<Record<string, number>>): void
  close(): Promise<void>
}

interface SeenLogsOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** Bytes of each file, as the checkpoint says; none at the beginning. */
  readonly lengths: Readonly<Record<string, number>>
  /** Tests give a number other than a million. */
  readonly generation?: number | undefined
}

/** The file that is used first comes last. */
export const SEEN_FILES = ['seen-b.bin', 'seen-a.bin'] as const

const MAGIC = 0x4e454553
export const HEADER_BYTES = 8
const ENTRY_BYTES = 8
const READ_BYTES = 1 << 20

interface SeenFile {
  readonly name: string
  log: AppendLog
  generation: number
  /** True when the last durable checkpoint names the file, or the next one will. */
  isNamed: boolean
}

/**
 * Loads the table from the files.
 * @throws UsageError when a file is shorter than the checkpoint says
 */
export async function openSeenLogs(options: SeenLogsOptions): Promise<SeenLogs> {
  const { fileSystem, directory, lengths, generation = GENERATION } = options
  const table = createSeen(generation)
  /** Entries since the last snapshot. */
  const fresh: ByteWriter = createByteWriter(1 << 12)

  const opened: SeenFile[] = []
  for (const name of SEEN_FILES) opened.push(await openFile(name, lengths[name] ?? 0))
  const [older, newer] = opened.sort((a, b) => a.generation - b.generation) as [SeenFile, SeenFile]
  for (const file of [older, newer]) await load(file)
  let other = older
  let current = newer
  /** Logs of generations that are over, to be closed. */
  let retired: AppendLog[] = []
  if (current.generation === 0) begin(current, 1)

  function logOf(name: string, length: number): AppendLog {
    return createAppendLog({ fileSystem, path: join(directory, name), length })
  }

  async function openFile(name: string, length: number): Promise<SeenFile> {
    const log = logOf(name, length)
    const isNamed = length > 0
    // A file that is not named is taken as empty, and cut only once it is written to.
    if (!isNamed) return { name, log, generation: 0, isNamed }
    await log.open()
    const header = new Uint32Array(HEADER_BYTES / 4)
    await log.read(new Uint8Array(header.buffer), 0)
    if (header[0] !== MAGIC || length % ENTRY_BYTES !== 0) throw damaged(log.path)
    return { name, log, generation: header[1] as number, isNamed }
  }

  async function load({ log, isNamed }: SeenFile): Promise<void> {
    if (!isNamed) return
    const block = new Uint32Array(READ_BYTES / 4)
    const bytes = new Uint8Array(block.buffer)
    for (let at = HEADER_BYTES; ; at += READ_BYTES) {
      const read = await log.read(bytes, at)
      for (let word = 0; word + 1 < read / 4; word += 2) table.has(block[word] as number, block[word + 1] as number)
      if (read < READ_BYTES) return
    }
  }

  function begin(file: SeenFile, number: number): void {
    retired.push(file.log)
    file.log = logOf(file.name, 0)
    file.generation = number
    file.isNamed = true
    file.log.add((out) => append(out, new Uint8Array(Uint32Array.of(MAGIC, number).buffer)))
  }

  function entriesIn({ log }: SeenFile): number {
    return (log.length() - HEADER_BYTES) / ENTRY_BYTES
  }

  function addFresh(): void {
    if (fresh.length === 0) return
    const { bytes, length } = fresh
    current.log.add((out) => append(out, bytes, 0, length))
    fresh.length = 0
  }

  return {
    prefetch: table.prefetch,
    has(low, high) {
      if (table.has(low, high)) return true
      reserve(fresh, ENTRY_BYTES)
      const bytes = fresh.bytes as Buffer
      bytes.writeUInt32LE(low, fresh.length)
      bytes.writeUInt32LE(high, fresh.length + 4)
      fresh.length += ENTRY_BYTES
      return false
    },
    snapshot() {
      addFresh()
      const names: SeenFile[] = entriesIn(current) >= generation || !other.isNamed ? [current] : [other, current]
      return Object.fromEntries(names.map(({ name, log }) => [name, log.length()]))
    },
    async flush() {
      const over = retired
      retired = []
      for (const log of over) await log.close()
      // The other file needs no flush: nothing was added to it since it was the current one.
      await current.log.flush()
    },
    saved(snapshot) {
      if (other.name in snapshot) return
      other.isNamed = false
      if (entriesIn(current) < generation) return
      ;[other, current] = [current, other]
      begin(current, other.generation + 1)
    },
    async close() {
      for (const log of [...retired, other.log, current.log]) await log.close()
    },
  }
}

/** True for a file as a crash before the first checkpoint may leave it: with a header only, torn or in part zeros. */
export function isFirstHeader(content: Uint8Array): boolean {
  const header = new Uint8Array(Uint32Array.of(MAGIC, 1).buffer)
  return content.length <= HEADER_BYTES && content.every((byte, at) => byte === 0 || byte === header[at])
}

function damaged(path: string): UsageError {
  return new UsageError(`${path} is damaged`, {
    hint: 'Put the file back, or begin anew: --fresh moves this state aside, --state DIR names another.',
  })
}
