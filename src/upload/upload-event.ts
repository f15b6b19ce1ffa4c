import type { KeptEvent, MappedChunk } from '../model.ts'
import type { QueuedEvent } from '../schedule/records.ts'
import type { LaneLine } from '../state/letter.ts'

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

const NO_TROUBLE: Trouble = {
  failures: 0,
  failingSinceMs: Number.POSITIVE_INFINITY,
  refusedAtMs: Number.POSITIVE_INFINITY,
  sentForCount: false,
}

/** An event on its way to Amplitude. */
export interface UploadEvent extends QueuedEvent, KeptEvent {
  trouble: Trouble
}

/** What an event takes beside its bytes: itself, its entry in the scheduler, its ids. */
const OVERHEAD_BYTES = 1000

/**
 * Events share slabs of this size: an allocation each would take longer than the copy. It is small, since the last of its events
 * keeps a slab alive.
 */
const SLAB_BYTES = 1 << 15

/** Copies events out of chunks. */
export interface EventKeeper {
  /** Event `index` of the chunk, which must be one. */
  keep(chunk: MappedChunk, index: number): UploadEvent
}

export function createEventKeeper(): EventKeeper {
  let slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  let used = 0

  function room(bytes: number): Buffer {
    if (used + bytes > slab.length) {
      slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes))
      used = 0
    }
    return slab
  }

  return {
    keep(chunk, index) {
      const { raw } = chunk
      const letter = raw.letters?.[index]
      const from = index === 0 ? 0 : (chunk.eventEnds[index - 1] as number)
      // Without its newline.
      const eventBytes = (chunk.eventEnds[index] as number) - 1 - from
      const recordStart = raw.starts[index] as number
      const recordBytes = (raw.ends[index] as number) - recordStart
      const data = room(eventBytes + recordBytes)
      const eventStart = used
      const eventEnd = eventStart + eventBytes
      used = eventEnd + recordBytes
      data.set(chunk.bytes.subarray(from, from + eventBytes), eventStart)
      data.set(raw.bytes.subarray(recordStart, recordStart + recordBytes), eventEnd)
      return {
        user: idIn(chunk.bytes, chunk.userStarts[index] as number, chunk.userEnds[index] as number),
        device: idIn(chunk.bytes, chunk.deviceStarts[index] as number, chunk.deviceEnds[index] as number),
        bytes: eventBytes + recordBytes + OVERHEAD_BYTES,
        requestBytes: eventBytes + 1,
        data,
        eventStart,
        eventEnd,
        recordEnd: used,
        path: letter?.path ?? raw.source.path,
        position: letter?.position ?? (raw.positions[index] as number),
        line: letter ? letter.line : (raw.lines?.[index] ?? null),
        values: raw.values,
        type: chunk.types[index] as number,
        trouble: NO_TROUBLE,
      }
    },
  }
}

/** An event as it comes back from a lane file; its ids are in the event itself. */
export function eventOfLine(line: LaneLine, type: number): UploadEvent {
  const { data, eventStart, eventEnd, recordEnd, path, position, values } = line
  const text = asBuffer(data).toString('utf8', eventStart, eventEnd)
  const ids: { readonly user_id?: string; readonly device_id?: string } = JSON.parse(text)
  return {
    user: ids.user_id ?? null,
    device: ids.device_id ?? null,
    bytes: recordEnd - eventStart + OVERHEAD_BYTES,
    requestBytes: eventEnd - eventStart + 1,
    data,
    eventStart,
    eventEnd,
    recordEnd,
    path,
    position,
    line: line.line,
    values,
    type,
    trouble: NO_TROUBLE,
  }
}

/** The id whose JSON string has this content; null when it has none. Amplitude names ids without their escapes. */
function idIn(bytes: Uint8Array, start: number, end: number): string | null {
  if (start === end) return null
  const content = asBuffer(bytes).toString('utf8', start, end)
  return content.includes('\\') ? JSON.parse(`"${content}"`) : content
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
