import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import { appendText, NEWLINE, textOf } from '../json/bytes.ts'
import { STDIN } from '../read/file-list.ts'
import { type AppendLog, createAppendLog, eachLine } from './append-log.ts'
import { type FileSystem, stoppedByDisk } from './file-system.ts'
import { count, number, objectOf, type Shape, text, time } from './shape.ts'

/**
 * `files.ndjson`: the inputs whose records are all settled, one JSON object a line (state/README.md §4).
 *
 * Format: {path, size, mtime, head, tail, records, accepted, run, keyFingerprint, mappingHash, at}: size in bytes as stored, mtime
 * and at in ms since 1970, head and tail SHA-256 in hex (`read/fingerprint.ts` at `size`).
 *
 * Invariants: an input is in `open` of the checkpoint or has a line here, never both: its line is added in the tick of the snapshot
 * that leaves the input out. Lines are never changed. The last line of a path counts. The file survives `--fresh`.
 *
 * Write order, and what a crash leaves: the file is an append log (`append-log.ts`). A line behind the checkpoint's length is cut off,
 * and its input is read on from the `open` of that checkpoint. After `--fresh` no checkpoint knows the length: all whole lines count.
 *
 * Memory: 40 bytes a file and two indexes, since two years of hourly Currents are 900,000 files. Whoever needs a whole line reads it
 * from the file again.
 */
export interface DeliveredFiles extends Pick<AppendLog, 'length' | 'flush' | 'close'> {
  /** Deliveries by this run, or by any run with the same key. */
  count(): number
  /** The last delivery into the same project under this path, spelled as in the line; null when there is none. */
  byPath(file: FileStamp): Delivery | null
  /** False when no delivery into the same project has this size: then the file need not be read for `byContent`. */
  hasSize(size: number): boolean
  /** A delivery into the same project of a file with this content, under any path. */
  byContent(content: FileContent): Delivery | null
  /** Every delivery of standard input into the same project. They all have the same path, so `byPath` gives only the last. */
  streams(): readonly Delivery[]
  /** The whole line of a delivery. */
  line(delivery: Delivery): Promise<DeliveredFile>
  /** Adds a line. A later process finds it; the lookups of this process do not. */
  add(file: DeliveredFile): void
}

/** What is known of a file without reading it. */
interface FileStamp {
  readonly path: string
  readonly size: number
  readonly mtimeMs: number
}

/** What is known of a file after reading both its ends. */
interface FileContent {
  readonly size: number
  readonly head: string
  readonly tail: string
}

/** A line that was found. */
interface Delivery {
  /** The file has the size and time it had: it is the same, and need not be read. */
  readonly isUntouched: boolean
  /** Byte where the line begins. */
  readonly at: number
}

interface DeliveredFilesOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** Bytes that the checkpoint knows; null when there is no checkpoint. */
  readonly length: number | null
  readonly run: { readonly id: string; readonly keyFingerprint: string }
}

export const DELIVERED_FILE = 'files.ndjson'

const READ_BYTES = 1 << 20

const shape = objectOf({
  path: text,
  /** Bytes as stored. */
  size: count,
  mtime: number,
  head: text,
  tail: text,
  records: count,
  accepted: count,
  /** `RunIdentity.id` */
  run: text,
  keyFingerprint: text,
  mappingHash: text,
  at: time,
})

/** A line. */
export type DeliveredFile = Shape<typeof shape>

/**
 * Loads the lines of the run's project.
 * @throws UsageError when a line that counts is damaged
 */
export async function openDeliveredFiles(options: DeliveredFilesOptions): Promise<DeliveredFiles> {
  const { fileSystem, directory, run } = options
  const path = join(directory, DELIVERED_FILE)
  const length = options.length ?? (await lengthOfWholeLines(fileSystem, path))
  const log = createAppendLog({ fileSystem, path, length })
  await log.open()
  const table = createTable()
  const streams: Delivery[] = []
  const { rest, at: restAt } = await eachLine(log, (line, at) => {
    const { path: file, size, mtime, head, tail, run: id, keyFingerprint } = parsed(line, path, at)
    // A run that goes on with another key does not send again the files that it delivered with the old key.
    if (keyFingerprint !== run.keyFingerprint && id !== run.id) return
    if (file === STDIN) streams.push({ isUntouched: false, at })
    table.add({
      path: hashOf(file),
      stamp: hashOf(`${file}\n${size}\n${mtime}`),
      content: hashOfContent({ size, head, tail }),
      size,
      at,
    })
  })
  if (rest !== '') throw damaged(path, restAt, 'the last line has no end')
  table.index()

  function deliveryOf(row: number, stamp: number | null): Delivery | null {
    if (row < 0) return null
    return { isUntouched: stamp === table.stamp(row), at: table.at(row) }
  }

  return {
    count: table.count,
    byPath: (file) =>
      deliveryOf(table.byPath(hashOf(file.path)), hashOf(`${file.path}\n${file.size}\n${file.mtimeMs}`)),
    hasSize: table.hasSize,
    byContent: (content) => deliveryOf(table.byContent(hashOfContent(content)), null),
    streams: () => streams,
    async line({ at }) {
      for (let bytes = Buffer.allocUnsafe(1 << 12); ; bytes = Buffer.allocUnsafe(bytes.length * 4)) {
        const read = await log.read(bytes, at).catch((error: unknown) => {
          throw stoppedByDisk(error)
        })
        const end = bytes.subarray(0, read).indexOf(NEWLINE)
        if (end >= 0) return parsed(textOf(bytes, 0, end), path, at)
        if (read < bytes.length) throw damaged(path, at, 'it ends too early')
      }
    },
    add: (file) => log.add((out) => appendText(out, `${JSON.stringify(file)}\n`)),
    length: log.length,
    flush: log.flush,
    close: log.close,
  }
}

/** False when the first line is none of ours: then another program wrote the file. Changes nothing. */
export async function beginsAsDeliveredFiles(fileSystem: FileSystem, path: string): Promise<boolean> {
  const file = await fileSystem.open(path, 'read')
  try {
    const bytes = Buffer.alloc(Math.min(await file.size(), READ_BYTES))
    await file.read(bytes, 0)
    const end = bytes.indexOf(NEWLINE)
    if (bytes.length === 0) return true
    if (end < 0) return false
    parsed(textOf(bytes, 0, end), path, 0)
    return true
  } catch (error) {
    if (error instanceof UsageError) return false
    throw error
  } finally {
    await file.close()
  }
}

function parsed(line: string, path: string, at: number): DeliveredFile {
  try {
    const value: Partial<DeliveredFile> = JSON.parse(line)
    return isLine(value) ? value : shape(value, '')
  } catch (error) {
    throw damaged(path, at, (error as Error).message)
  }
}

/** Checks the same as `shape`, but faster and without an error message. */
function isLine(value: Partial<DeliveredFile> | null): value is DeliveredFile {
  return (
    typeof value?.path === 'string' &&
    Number.isSafeInteger(value.size) &&
    Number.isFinite(value.mtime) &&
    typeof value.head === 'string' &&
    typeof value.tail === 'string' &&
    Number.isSafeInteger(value.records) &&
    Number.isSafeInteger(value.accepted) &&
    typeof value.run === 'string' &&
    typeof value.keyFingerprint === 'string' &&
    typeof value.mappingHash === 'string' &&
    Number.isFinite(value.at)
  )
}

function damaged(path: string, at: number, why: string): UsageError {
  return new UsageError(`${path} is damaged at byte ${at}: ${why}`, {
    hint:
      'It says which files were delivered. Put it back or mend the line; without the file, what it names would be sent again. ' +
      '--state DIR names another directory.',
  })
}

async function lengthOfWholeLines(fileSystem: FileSystem, path: string): Promise<number> {
  const facts = await fileSystem.stat(path)
  if (facts === null || facts.size === 0) return 0
  const file = await fileSystem.open(path, 'read')
  try {
    for (let end = facts.size; end > 0; end -= READ_BYTES) {
      const from = Math.max(0, end - READ_BYTES)
      const bytes = Buffer.allocUnsafe(end - from)
      await file.read(bytes, from)
      const newline = bytes.lastIndexOf(NEWLINE)
      if (newline >= 0) return from + newline + 1
    }
    return 0
  } finally {
    await file.close()
  }
}

interface Row {
  /** 53-bit hashes. */
  readonly path: number
  readonly stamp: number
  readonly content: number
  readonly size: number
  /** Byte where the line begins. */
  readonly at: number
}

const COLUMNS = ['path', 'stamp', 'content', 'size', 'at'] as const

type Columns = Record<keyof Row, Float64Array>

/** Rows in typed columns, and two indexes that are built once: to the last row of each path, and of each content. */
function createTable() {
  let rows = 0
  let columns = resized(null, 1024)
  let paths = new Int32Array(0)
  let contents = new Int32Array(0)

  function resized(from: Columns | null, length: number): Columns {
    const copy = (name: keyof Row) => {
      const column = new Float64Array(length)
      if (from !== null) column.set(from[name].subarray(0, length))
      return column
    }
    return { path: copy('path'), stamp: copy('stamp'), content: copy('content'), size: copy('size'), at: copy('at') }
  }

  function indexOf(column: Float64Array): Int32Array<ArrayBuffer> {
    const slots = new Int32Array(2 ** Math.ceil(Math.log2(rows * 1.5 + 1))).fill(-1)
    // A later row takes the place of an earlier one of the same hash: the last delivery counts.
    for (let row = 0; row < rows; row++) slots[slotOf(slots, column, column[row] as number)] = row
    return slots
  }

  function slotOf(slots: Int32Array, column: Float64Array, hash: number): number {
    for (let slot = hash % slots.length; ; slot = (slot + 1) % slots.length) {
      const row = slots[slot] as number
      if (row < 0 || column[row] === hash) return slot
    }
  }

  return {
    count: () => rows,
    add(row: Row) {
      if (rows === columns.at.length) columns = resized(columns, rows * 2)
      for (const name of COLUMNS) columns[name][rows] = row[name]
      rows += 1
    },
    index() {
      columns = resized(columns, rows)
      paths = indexOf(columns.path)
      contents = indexOf(columns.content)
      columns.size.sort()
    },
    at: (row: number) => columns.at[row] as number,
    stamp: (row: number) => columns.stamp[row] as number,
    byPath: (hash: number) => paths[slotOf(paths, columns.path, hash)] as number,
    byContent: (hash: number) => contents[slotOf(contents, columns.content, hash)] as number,
    /** A binary search. The column of sizes is sorted on its own, since no row is asked for its size. */
    hasSize(size: number): boolean {
      let low = 0
      for (let high = rows; low < high; ) {
        const middle = (low + high) >>> 1
        if ((columns.size[middle] as number) < size) low = middle + 1
        else high = middle
      }
      return columns.size[low] === size
    },
  }
}

/**
 * A hash of 53 bits. Among 900,000 files there is one chance in 20,000 that any two have the same. A file is passed over unread only
 * when two hashes match: that of its path, and that of its path with size and time.
 */
function hashOf(value: string): number {
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x85ebca6b)
    high ^= high >>> 15
  }
  return (mixed(high ^ value.length) >>> 11) * 0x1_0000_0000 + (mixed(low) >>> 0)
}

function hashOfContent({ size, head, tail }: FileContent): number {
  return hashOf(`${size}\n${head.slice(0, 16)}\n${tail.slice(0, 16)}`)
}

/** The end of MurmurHash3: every bit of the input reaches every bit of the result. */
function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
