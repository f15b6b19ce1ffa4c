import type { KeptEvent } from '../model.ts'
import type { QueuedEvent } from '../schedule/contract.ts'
import { hashOfId } from '../schedule/identity-table.ts'
import type { RecalledLine } from '../state/lane-file.ts'
import type { BookedEvent } from '../state/ledger.ts'

/** What went wrong with the events of a request so far; shared by all of them, replaced as a whole. */
export interface Trouble {
  /** Attempts in a row that ended in a 5xx, a timeout or a lost connection. */
  readonly failures: number
  /** When the first of them was sent. */
  readonly failingSinceMs: number
  /** When a request with them was first refused without saying which; Infinity when none was. */
  readonly refusedAtMs: number
  /** They were sent again because Amplitude took fewer than it got. */
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
  /** Every event that was put here. */
  readonly events: UploadEvent[]
  /** Those that still need it. */
  live: number
}

/** An event on its way to Amplitude. */
export interface UploadEvent extends QueuedEvent, KeptEvent, BookedEvent {
  /** Where its bytes are, with those below, which follow when it moves; null when they are its own, or it is done with. */
  slab: Slab | null
  data: Buffer
  eventStart: number
  eventEnd: number
  recordStart: number
  recordEnd: number
  trouble: Trouble
}

/** What an event takes beside its bytes: itself, its entry in the scheduler, its ids. */
export const OVERHEAD_BYTES = 1000

/** An event as it comes back from a lane file; its ids are in the event itself. */
export function eventOfLine(line: RecalledLine, type: number): UploadEvent {
  const { eventStart, eventEnd, recordStart, recordEnd, path, position, values, ticket, index } = line
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
    values,
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
