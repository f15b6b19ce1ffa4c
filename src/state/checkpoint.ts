import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import type { RejectReason, SkipReason, Warning } from '../model.ts'
import { type FileSystem, isWrongPath, readWhole, refusedByDisk, replaceFile } from './file-system.ts'
import { runIdentity } from './run-identity.ts'
import {
  count,
  flag,
  listOf,
  number,
  objectOf,
  oneOf,
  orNull,
  pairOf,
  placeIn,
  type Shape,
  tableOf,
  text,
  time,
  WrongShape,
  withRule,
} from './shape.ts'
import { LANE_FILE } from './state-directory.ts'

/**
 * `checkpoint.json`: where a run stands, one JSON object.
 *
 * Invariants:
 * - A checkpoint is a snapshot of one instant, taken without awaiting: books, settled records, lanes and lengths of logs agree.
 * - The files it names are durable before the checkpoint is: the logs up to their lengths, the lane files up to their bytes.
 * - A checkpoint replaces the one before as a whole (`replaceFile` has the steps): at any moment exactly one is valid.
 * - Its size depends on the open inputs and the lanes, not on the number of inputs.
 *
 * Write order, and what a crash leaves:
 *
 *     snapshot        nothing
 *     flush logs     logs longer than the checkpoint before says; they are cut back
 *     replace        the checkpoint before or this one
 *     delete files that the new checkpoint no longer names: those left over are deleted on resume
 *     raise the gate of the reader to this checkpoint's `reservedTo`
 *
 * A checkpoint has no checksum, since a person may mend it. Instead its whole content is checked when it is read.
 */
export type Checkpoint = Shape<typeof checkpointCheck>

/** The only format so far. */
const VERSION = 1

const range = withRule(pairOf(count, count), ([from, to], place) => {
  if (from >= to) throw new WrongShape(place, 'must be a range [a, b) with a < b')
})

/** The ranges are ascending and do not overlap: the resume relies on it. */
const ranges = withRule(listOf(range), (all, place) => {
  all.forEach(([from], i) => {
    const before = all[i - 1]
    if (before !== undefined && from < before[1])
      throw new WrongShape(`${place}[${i}]`, 'must come after the one before')
  })
})

const reservation = objectOf({
  path: text,
  /** Byte of the file as stored. */
  byte: count,
})

export type Reservation = Shape<typeof reservation>

/** What tells that a file is still the one that was read (`read/fingerprint.ts`). */
const fingerprint = objectOf({
  /** How many bytes of the file, as stored, the fingerprint covers. */
  byte: count,
  /** SHA-256 of the first 64 KB, of at most `byte`. */
  head: text,
  /** SHA-256 of the 64 KB before `byte`. */
  tail: text,
})

const input = withRule(
  objectOf({
    /** The path as it was given; for dead letters under `retry`, their file name in the state directory. */
    path: text,
    kind: oneOf('input', 'resend', 'retry'),
    fingerprint,
    from: objectOf({ byte: count, ordinal: count, line: orNull(count) }),
    /** Ordinals of records, from 0 in each input; of dead letters under `retry` also those that are not read yet. */
    settled: ranges,
    readTo: count,
    /** Records of this input that Amplitude accepted, or that lane files took, so far. */
    accepted: count,
  }),
  ({ kind, from, settled, readTo }, place) => {
    // Dead letters that a retry leaves alone are settled before any letter is read (`retrying.ts`).
    const settledRead = kind === 'retry' ? undefined : settled.at(-1)
    const last = settledRead?.[1] ?? from.ordinal
    if (readTo < last) throw new WrongShape(placeIn(place, 'readTo'), 'must not be below what is settled')
  },
)

export type SavedInput = Shape<typeof input>

const identityKind = oneOf('user', 'device')

const lane = withRule(
  objectOf({
    identity: objectOf({ kind: identityKind, id: text }),
    /** Name in `lanes/`. */
    file: text,
    bytes: count,
    /** Byte of line `settledLines`, where reading goes on. */
    settledTo: count,
    /** Nothing was read from this byte on. */
    reservedTo: count,
    lines: count,
    settledLines: count,
    /** Ranges of line numbers, from 0 in each file. Lines below `settledLines` are settled, and not in these ranges. */
    settled: ranges,
    /** Lines below this number were read. */
    readTo: count,
  }),
  ({ file, bytes, settledTo, lines, settledLines }, place) => {
    // The name is checked because it becomes part of a path.
    if (!LANE_FILE.test(file)) throw new WrongShape(placeIn(place, 'file'), 'must be a name such as 1.ndjson')
    if (settledTo > bytes || settledLines > lines) {
      throw new WrongShape(place, 'must not have more settled than written')
    }
  },
)

export type SavedLane = Shape<typeof lane>

const LOG_NAME = /^[a-z]+(-[a-z]+)*\.(ndjson|bin)$/

const logs = withRule(tableOf(count), (lengths, place) => {
  const odd = Object.keys(lengths).find((name) => !LOG_NAME.test(name))
  if (odd !== undefined) throw new WrongShape(place, `must hold file names only, not ${JSON.stringify(odd)}`)
})

const typeCounts = objectOf({ read: count, accepted: count, rejected: count, skipped: count })

export type SavedTypeCounts = Shape<typeof typeCounts>

/** The books, as the summary shows them: `read = accepted + rejected + skipped + pending`, also per event type. */
const booksParts = {
  read: count,
  accepted: count,
  pending: count,
  rejected: tableOf<number, RejectReason>(count),
  skipped: tableOf<number, SkipReason>(count),
  warnings: tableOf<number, Warning>(count),
  /** The empty name stands for records without an event type. */
  byType: tableOf(typeCounts),
  /**
   * The records that are pending in memory only, not in a lane file, and their warnings. A resume takes them off the books, since it
   * reads them again.
   */
  unsettled: objectOf({ byType: tableOf(count), warnings: tableOf<number, Warning>(count) }),
}

const books = objectOf(booksParts)

export type SavedBooks = Shape<typeof books>

const traffic = objectOf({
  requests: count,
  /** Answers by HTTP status. Attempts without an answer count as `timeout` or `network`. */
  byStatus: tableOf(count),
  /** Requests with events that were sent before. */
  retries: count,
  /** Identities that a 429 ever paused. */
  heldIdentities: count,
  heldMs: number,
  /** Events ever written to lane files, and lane files ever begun. */
  deferredEvents: count,
  deferredFiles: count,
  /** Events of the identity that has the most. */
  busiest: count,
  /** The best rate over ten seconds; for a shorter run, its average. */
  bestEventsPerSecond: number,
  durationMs: number,
})

/** What went over the network, and how long it took: for one process, or summed over the processes of a run. */
export type TrafficFigures = Shape<typeof traffic>

const counts = withRule(
  objectOf({
    ...booksParts,
    files: objectOf({ finished: count, refused: count }),
    sent: traffic,
  }),
  ({ read, accepted, pending, rejected, skipped }, place) => {
    const explained = accepted + pending + sum(rejected) + sum(skipped)
    if (read !== explained) {
      throw new WrongShape(place, `must balance, but read is ${read} and all that records became is ${explained}`)
    }
  },
)

export type SavedCounts = Shape<typeof counts>

function sum(table: Readonly<Record<string, number | undefined>>): number {
  return Object.values(table).reduce((total: number, each) => total + (each ?? 0), 0)
}

const checkpointCheck = objectOf({
  version: oneOf(VERSION),
  run: runIdentity,
  /** Wall clock, ms. In the file it may be RFC 3339. */
  savedAt: time,
  /** Every answer came: nothing is unknown. */
  clean: flag,
  /**
   * Wall clock, ms: the time of the last checkpoint of a process that was killed, until all records that it may have sent since are read
   * again; null otherwise. The answers to its requests are as old as this time, not as `savedAt`.
   */
  unknownSince: orNull(time),
  /** The run reached the end of its inputs and of its lane files. It stays set while a `retry` sends dead letters again. */
  complete: flag,
  /** Nothing was read at or beyond this place, nor from any later input; null before the first input. */
  reservedTo: orNull(reservation),
  /** Inputs that were begun and are not settled whole. */
  open: listOf(input),
  lanes: listOf(lane),
  /** Bytes of each log by file name. A log that is not named is worth nothing. */
  logs,
  counts,
  /** Events of an identity by hour since 1970 (`schedule/quota.ts`). */
  quota: listOf(objectOf({ kind: identityKind, id: text, hours: listOf(pairOf(number, count)) })),
})

export const CHECKPOINT_FILE = 'checkpoint.json'

/**
 * Makes `checkpoint` the durable one. If this throws, the checkpoint before is still there, or this one whole.
 * @throws the system's error, or an Error that names the field in which it is no checkpoint
 */
export async function writeCheckpoint(
  fileSystem: FileSystem,
  directory: string,
  checkpoint: Checkpoint,
): Promise<void> {
  mustBeReadable(checkpoint)
  const content = Buffer.from(`${JSON.stringify(checkpoint)}\n`)
  await replaceFile(fileSystem, join(directory, CHECKPOINT_FILE), content)
}

/** A checkpoint that cannot be read must not replace one that can. */
function mustBeReadable(checkpoint: Checkpoint): void {
  try {
    checkpointCheck(checkpoint, '')
  } catch (cause) {
    throw new Error(
      `the checkpoint that was to be written is none, and the one before stays: ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}

/**
 * The last durable checkpoint. Null when there is no such file: only then a new run begins.
 * @throws UsageError when there is one that cannot be used; StoppedError when the disk fails
 */
export async function readCheckpoint(fileSystem: FileSystem, directory: string): Promise<Checkpoint | null> {
  const path = join(directory, CHECKPOINT_FILE)
  let content: Buffer | null
  try {
    content = await readWhole(fileSystem, path)
  } catch (error) {
    if (!isWrongPath(error)) throw refusedByDisk(`${path} cannot be read`, error)
    throw unusable(path, `cannot be read: ${(error as Error).message}`, error)
  }
  return content === null ? null : parseCheckpoint(content, path)
}

/**
 * The checkpoint to go on from. The previous process may have been killed between its rename and the sync of the directory. So the
 * directory is synced before anything is done by this checkpoint. Otherwise a power failure could bring back the one before, without
 * the files that it names.
 * @throws UsageError when there is one that cannot be used
 */
export async function resumeCheckpoint(fileSystem: FileSystem, directory: string): Promise<Checkpoint | null> {
  await fileSystem.syncDirectory(directory)
  return readCheckpoint(fileSystem, directory)
}

function parseCheckpoint(content: Buffer, path: string): Checkpoint {
  if (content.length === 0) throw unusable(path, 'is empty')
  let value: unknown
  try {
    value = JSON.parse(content.toString('utf8'))
  } catch (error) {
    throw unusable(path, `is not JSON: ${(error as Error).message}`, error)
  }
  try {
    const { version } = objectOf({ version: number })(value, '')
    if (version !== VERSION) {
      throw unusable(path, `has version ${version}; this program knows version ${VERSION}: another one wrote it`)
    }
    return checkpointCheck(value, '')
  } catch (error) {
    if (error instanceof WrongShape) throw unusable(path, `is not a checkpoint: ${error.message}`, error)
    throw error
  }
}

function unusable(path: string, what: string, cause?: unknown): UsageError {
  return new UsageError(`${path} ${what}`, {
    hint:
      'Nothing was read or sent. Either put back a checkpoint that is whole, to go on; or begin anew with --fresh, which moves ' +
      'this state aside, or with another --state DIR.',
    cause,
  })
}
