import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import type { RejectReason, Restart, SkipReason, Warning } from '../model.ts'
import { type FileSystem, isWrongPath, readWhole, refusedByDisk, replaceFile } from './file-system.ts'
import { type RunIdentity, runIdentity } from './run-identity.ts'
import type { OrdinalRange, SavedSettled } from './settled.ts'
import {
  type Check,
  count,
  flag,
  listOf,
  number,
  objectOf,
  oneOf,
  orNull,
  pairOf,
  placeIn,
  tableOf,
  text,
  time,
  WrongShape,
} from './shape.ts'
import { LANE_FILE } from './state-directory.ts'

/**
 * `checkpoint.json`: where a run stands, one JSON object.
 *
 * Invariants:
 * - It is a picture of one instant, taken without awaiting: books, settled records, lanes and lengths of logs agree with one another.
 * - What it names is durable before it is: the logs up to their lengths, the lane files up to their bytes.
 * - It replaces the one before, whole (`replaceFile` has the steps): at any moment exactly one is valid.
 * - Its size depends on what is open and waiting, not on the number of inputs.
 *
 * Write order, and what a crash leaves:
 *
 *     picture        nothing
 *     flush logs     longer logs; the checkpoint before names shorter ones, and they are cut back
 *     replace        the one before or this one
 *     delete files that this one no longer names: left over, deleted on resume
 *     raise the gate of the reader to this one's `reservedTo`
 *
 * It has no checksum: a person may mend it, and what is read is checked as a whole.
 */
export interface Checkpoint {
  readonly version: typeof VERSION
  readonly run: RunIdentity
  /** Wall clock, ms. In the file it may be RFC 3339. */
  readonly savedAt: number
  /** Every answer came: nothing is unknown. */
  readonly clean: boolean
  /**
   * Wall clock, ms: the last checkpoint of a process that was killed, while not all that it may have sent since was read again; null
   * otherwise. The answers to its requests are as old as this, not as `savedAt`.
   */
  readonly unknownSince: number | null
  /** The run reached the end of its inputs and of its lane files; dead letters may be about to be sent again all the same. */
  readonly complete: boolean
  /** Nothing was read at or beyond this place, nor of any later input; null before the first input. */
  readonly reservedTo: Reservation | null
  /** Inputs that were begun and are not settled whole. */
  readonly open: readonly SavedInput[]
  readonly lanes: readonly SavedLane[]
  /** Bytes of each log by file name. A log that is not named is worth nothing. */
  readonly logs: Readonly<Record<string, number>>
  readonly counts: SavedCounts
  readonly quota: readonly SavedIdentityQuota[]
}

/** The only format so far. */
const VERSION = 1

export interface Reservation {
  readonly path: string
  /** Of the file as stored. */
  readonly byte: number
}

/** What tells that a file is still the one that was read (`read/fingerprint.ts`). */
interface SavedFingerprint {
  /** So many bytes of the file, as stored, it speaks of. */
  readonly byte: number
  /** SHA-256 of the first 64 KB, of at most `byte`. */
  readonly head: string
  /** SHA-256 of the 64 KB before `byte`. */
  readonly tail: string
}

/** `settled` has ordinals of records, from 0 in each input; of dead letters under `retry` also those that are not read yet. */
export interface SavedInput extends SavedSettled {
  /** As it was given; for dead letters under `retry`, their name in the state directory. */
  readonly path: string
  readonly kind: 'input' | 'resend' | 'retry'
  readonly fingerprint: SavedFingerprint
  /** Its records that Amplitude accepted, or that lane files took, so far. */
  readonly accepted: number
}

/** `settled` has numbers of lines, from 0 in each file; those below `settledLines` are settled and not in it. */
export interface SavedLane {
  readonly identity: { readonly kind: 'user' | 'device'; readonly id: string }
  /** Name in `lanes/`. */
  readonly file: string
  readonly bytes: number
  /** Byte of line `settledLines`: reading goes on there. */
  readonly settledTo: number
  /** Nothing was read from this byte on. */
  readonly reservedTo: number
  readonly lines: number
  readonly settledLines: number
  readonly settled: readonly OrdinalRange[]
  /** Lines below it were read. */
  readonly readTo: number
}

/**
 * The books, as the summary shows them: `read = accepted + rejected + skipped + pending`, also per event type.
 *
 * `unsettled` is the part of them that a resume takes off again, since those records are read again: pending in memory, not in a lane
 * file. It also holds their warnings.
 */
export interface SavedBooks {
  readonly read: number
  readonly accepted: number
  readonly pending: number
  readonly rejected: Readonly<Partial<Record<RejectReason, number>>>
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>
  readonly warnings: Readonly<Partial<Record<Warning, number>>>
  /** The empty name stands for records without an event type. */
  readonly byType: Readonly<Record<string, SavedTypeCounts>>
  readonly unsettled: {
    readonly byType: Readonly<Record<string, number>>
    readonly warnings: Readonly<Partial<Record<Warning, number>>>
  }
}

/** Of a run that has read nothing. */
export const NOTHING_BOOKED: SavedBooks = {
  read: 0,
  accepted: 0,
  pending: 0,
  rejected: {},
  skipped: {},
  warnings: {},
  byType: {},
  unsettled: { byType: {}, warnings: {} },
}

export interface SavedCounts extends SavedBooks {
  readonly files: { readonly finished: number; readonly refused: number }
  readonly sent: SavedSent
}

export interface SavedTypeCounts {
  readonly read: number
  readonly accepted: number
  readonly rejected: number
  readonly skipped: number
}

/** What went over the network, and how long it took: summed over the run's processes. */
export interface SavedSent {
  readonly requests: number
  readonly byStatus: Readonly<Record<string, number>>
  readonly retries: number
  readonly heldIdentities: number
  readonly heldMs: number
  readonly deferredEvents: number
  readonly deferredFiles: number
  readonly busiest: number
  readonly bestEventsPerSecond: number
  readonly durationMs: number
}

/** Events of an identity by hour since 1970 (`SavedQuota` of `schedule/contract.ts`). */
interface SavedIdentityQuota {
  readonly kind: 'user' | 'device'
  readonly id: string
  readonly hours: readonly (readonly [hour: number, events: number])[]
}

export const CHECKPOINT_FILE = 'checkpoint.json'

/**
 * Makes `checkpoint` the durable one; whatever it throws, the one before is still there.
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

/** What nobody can read again must not replace what everybody can. */
function mustBeReadable(checkpoint: Checkpoint): void {
  try {
    checkedCheckpoint(checkpoint)
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
 * The last durable checkpoint; null when there is none, which alone makes a run the first.
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
 * The checkpoint to go on from. The process before may have been killed between its rename and the sync of the directory: what is
 * read here must be durable before anything is done upon it, or a power failure would bring the one before back, without the files
 * that it names.
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
    const { version } = objectOf<{ version: number }>({ version: number })(value, '')
    if (version !== VERSION) {
      throw unusable(path, `has version ${version}; this program knows version ${VERSION}: another one wrote it`)
    }
    return checkedCheckpoint(value)
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

const pair = pairOf(count, count)

const range: Check<OrdinalRange> = (value, place) => {
  const [from, to] = pair(value, place)
  if (from >= to) throw new WrongShape(place, 'must be a range [a, b) with a < b')
  return [from, to]
}

const rangeList = listOf(range)

/** Ascending, and apart from one another, as the resume relies on it. */
const ranges: Check<readonly OrdinalRange[]> = (value, place) => {
  const all = rangeList(value, place)
  all.forEach(([from], i) => {
    const before = all[i - 1]
    if (before !== undefined && from < before[1])
      throw new WrongShape(`${place}[${i}]`, 'must come after the one before')
  })
  return all
}

const identityKind = oneOf('user', 'device')

const countsShape = objectOf<SavedCounts>({
  read: count,
  accepted: count,
  pending: count,
  rejected: tableOf(count),
  skipped: tableOf(count),
  warnings: tableOf(count),
  byType: tableOf(objectOf<SavedTypeCounts>({ read: count, accepted: count, rejected: count, skipped: count })),
  unsettled: objectOf<SavedCounts['unsettled']>({ byType: tableOf(count), warnings: tableOf(count) }),
  files: objectOf<SavedCounts['files']>({ finished: count, refused: count }),
  sent: objectOf<SavedSent>({
    requests: count,
    byStatus: tableOf(count),
    retries: count,
    heldIdentities: count,
    heldMs: number,
    deferredEvents: count,
    deferredFiles: count,
    busiest: count,
    bestEventsPerSecond: number,
    durationMs: number,
  }),
})

const counts: Check<SavedCounts> = (value, place) => {
  const checked = countsShape(value, place)
  const { read, accepted, pending, rejected, skipped } = checked
  const explained = accepted + pending + sum(rejected) + sum(skipped)
  if (read !== explained) {
    throw new WrongShape(place, `must balance, but read is ${read} and all that records became is ${explained}`)
  }
  return checked
}

function sum(table: Readonly<Record<string, number | undefined>>): number {
  return Object.values(table).reduce((total: number, each) => total + (each ?? 0), 0)
}

const inputShape = objectOf<SavedInput>({
  path: text,
  kind: oneOf('input', 'resend', 'retry'),
  fingerprint: objectOf<SavedFingerprint>({ byte: count, head: text, tail: text }),
  from: objectOf<Restart>({ byte: count, ordinal: count, line: orNull(count) }),
  settled: ranges,
  readTo: count,
  accepted: count,
})

const settledInput: Check<SavedInput> = (value, place) => {
  const checked = inputShape(value, place)
  // Dead letters that a retry leaves alone are settled before any is read (`retry.ts`).
  const settledRead = checked.kind === 'retry' ? undefined : checked.settled.at(-1)
  const last = settledRead?.[1] ?? checked.from.ordinal
  if (checked.readTo < last) throw new WrongShape(placeIn(place, 'readTo'), 'must not be below what is settled')
  return checked
}

const laneShape = objectOf<SavedLane>({
  identity: objectOf<SavedLane['identity']>({ kind: identityKind, id: text }),
  file: text,
  bytes: count,
  settledTo: count,
  reservedTo: count,
  lines: count,
  settledLines: count,
  settled: ranges,
  readTo: count,
})

const checkedLane: Check<SavedLane> = (value, place) => {
  const lane = laneShape(value, place)
  // It becomes a path.
  if (!LANE_FILE.test(lane.file)) throw new WrongShape(placeIn(place, 'file'), 'must be a name such as 1.ndjson')
  if (lane.settledTo > lane.bytes || lane.settledLines > lane.lines) {
    throw new WrongShape(place, 'must not have more settled than written')
  }
  return lane
}

const LOG_NAME = /^[a-z]+(-[a-z]+)*\.(ndjson|bin)$/

const logs: Check<Readonly<Record<string, number>>> = (value, place) => {
  const checked = tableOf(count)(value, place)
  const odd = Object.keys(checked).find((name) => !LOG_NAME.test(name))
  if (odd !== undefined) throw new WrongShape(place, `must hold file names only, not ${JSON.stringify(odd)}`)
  return checked
}

const shape = objectOf<Checkpoint>({
  version: oneOf(VERSION),
  run: runIdentity,
  savedAt: time,
  clean: flag,
  unknownSince: orNull(time),
  complete: flag,
  reservedTo: orNull(objectOf<Reservation>({ path: text, byte: count })),
  open: listOf(settledInput),
  lanes: listOf(checkedLane),
  logs,
  counts,
  quota: listOf(objectOf<SavedIdentityQuota>({ kind: identityKind, id: text, hours: listOf(pairOf(number, count)) })),
})

function checkedCheckpoint(value: unknown): Checkpoint {
  return shape(value, '')
}
