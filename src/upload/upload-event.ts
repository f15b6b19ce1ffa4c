import type { KeptEvent } from '../model.ts'
import type { QueuedEvent } from '../schedule/contract.ts'
import { hashOfId } from '../schedule/identity-table.ts'
import type { RecalledLine } from '../state/lane-file.ts'
import type { BookedEvent } from '../state/ledger.ts'

/** What went wrong with the events of a request so far. The events share one object, which is replaced as a whole. */
export interface Trouble {
  /** Attempts in a row that ended in a 5xx, a timeout or a lost connection. */
  readonly failures: number
  /** When the first of these attempts was sent. */
  readonly failingSinceMs: number
  /** When a request with these events was first refused without naming an event; Infinity when none was. */
  readonly refusedAtMs: number
  /** True when the events were sent again because Amplitude took fewer events than it got. */
  readonly sentForCount: boolean
}

export const NO_TROUBLE: Trouble = {
  failures: 0,
  failingSinceMs: Number.POSITIVE_INFINITY,
  refusedAtMs: Number.POSITIVE_INFINITY,
  sentForCount: false,
}

/** Bytes that events share. */
export interface Slab {
  /** Empty once no event needs it. */
  data: Buffer
  used: number
  /** Every event that was put into the slab, also those that have left it. */
  readonly events: UploadEvent[]
  /** How many events still need the slab. */
  live: number
}

/** An event on its way to Amplitude. */
export interface UploadEvent extends QueuedEvent, KeptEvent, BookedEvent {
  /** The slab with the event's bytes; null when it has a buffer of its own, or is released. A move changes all fields up to `recordEnd`. */
  slab: Slab | null
  data: Buffer
  eventStart: number
  eventEnd: number
  recordStart: number
  recordEnd: number
  trouble: Trouble
}

/** The memory of an event beside its bytes: the object, its entry in the scheduler, its ids. */
export const OVERHEAD_BYTES = 1000

/** An event that comes back from a lane file. Its ids are read from the event's own JSON. */
export function eventOfLine(line: RecalledLine, type: number): UploadEvent {
  const { eventStart, eventEnd, recordStart, recordEnd, path, position, ticket, index } = line
  const data = asBuffer(line.data)
  const ids: { readonly user_id?: string; readonly device_id?: string } = JSON.parse(
    data.toString('utf8', eventStart, eventEnd),
  )
  const user = ids.user_id ?? null
  const device = ids.device_id ?? null
  return {
    user,
    device,
    userHash: user === null ? 0 : hashOfId(user),
    deviceHash: device === null ? 0 : hashOfId(device),
    bytes: eventEnd - eventStart + recordEnd - recordStart + OVERHEAD_BYTES,
    requestBytes: eventEnd - eventStart + 1,
    slab: null,
    data,
    eventStart,
    eventEnd,
    recordStart,
    recordEnd,
    path,
    position,
    line: line.line,
    type,
    ticket,
    index,
    warnings: 0,
    trouble: NO_TROUBLE,
  }
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
