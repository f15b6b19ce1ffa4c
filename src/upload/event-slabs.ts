import { deviceSpan, placeOf, type Span, startOfEvent, userSpan } from '../chunk.ts'
import { COMMA } from '../json/bytes.ts'
import type { MappedChunk } from '../model.ts'
import { EVENT } from '../outcomes.ts'
import { hashOfAscii, hashOfId } from '../schedule/identity-table.ts'
import type { ChunkTicket } from '../state/settled.ts'
import { asBuffer, NO_TROUBLE, OVERHEAD_BYTES, type Slab, type UploadEvent } from './upload-event.ts'

/**
 * Copies events out of chunks, whose bytes are soon used again. A run of adjacent events is copied at once into a slab: first the
 * events, each with a comma behind it as in a request, then their records.
 *
 * A slab is used again when all of its events are released. A few events left in an old slab would keep its whole memory, so they move
 * to the newest slab. So slabs hold at most twice the bytes of their events, the newest slabs apart.
 */
export interface EventSlabs {
  /**
   * Gives the events of a chunk in order, a few at a time, so that the caller finds them in the processor's cache. `ticket` settles
   * the chunk's records.
   */
  keep(chunk: MappedChunk, ticket: ChunkTicket): Generator<readonly UploadEvent[]>
  /** All events that were kept and not released. */
  kept(): Generator<UploadEvent>
  /** Lets go of the event's bytes: the event is settled, or its lane file has it. */
  release(event: UploadEvent): void
}

const SLAB_BYTES = 1 << 18
/** This many of the newest slabs are left alone: most of their events are released soon. */
const YOUNG_SLABS = 16
/** Buffers of empty slabs that are kept for the next slabs. */
const MOST_SPARE = 16
const NO_BYTES = Buffer.alloc(0)

export function createEventSlabs(): EventSlabs {
  const spare: Buffer[] = []
  let current = openSlab(SLAB_BYTES)
  /** The slabs before `current`, the oldest first; some have no events left. */
  const slabs: Slab[] = []
  /** Slabs opened since the old ones were last looked at. */
  let opened = 0

  function openSlab(bytes: number): Slab {
    const data = bytes > SLAB_BYTES ? undefined : spare.pop()
    return { data: data ?? Buffer.allocUnsafeSlow(Math.max(bytes, SLAB_BYTES)), used: 0, events: [], live: 0 }
  }

  /** Makes sure that `current` has room for `bytes`. */
  function makeRoom(bytes: number): void {
    if (current.used + bytes <= current.data.length) return
    if (current.live > 0) slabs.push(current)
    else recycle(current)
    current = openSlab(bytes)
    opened += 1
  }

  function recycle(slab: Slab): void {
    if (slab.data.length === SLAB_BYTES && spare.length < MOST_SPARE) spare.push(slab.data)
    // The empty slab stays in `slabs` until it is the oldest.
    slab.data = NO_BYTES
    slab.events.length = 0
  }

  function leave(slab: Slab): void {
    slab.live -= 1
    if (slab.live === 0 && slab !== current) recycle(slab)
  }

  /** The end of the run of events from `first` on that fits into `bytes`. The run has `first` in any case. */
  function endOfRun({ raw, count, outcomes, eventEnds }: MappedChunk, first: number, bytes: number): number {
    const limit = bytes + startOfEvent(eventEnds, first) + (raw.starts[first] as number)
    let end = first + 1
    while (end < count && outcomes[end] === EVENT && (eventEnds[end] as number) + (raw.ends[end] as number) <= limit) {
      end += 1
    }
    return end
  }

  function keepRun(chunk: MappedChunk, ticket: ChunkTicket, first: number, end: number): readonly UploadEvent[] {
    const kept: UploadEvent[] = []
    const { raw, eventEnds } = chunk
    const eventsFrom = startOfEvent(eventEnds, first)
    const eventsTo = eventEnds[end - 1] as number
    const recordsFrom = raw.starts[first] as number
    const recordsTo = raw.ends[end - 1] as number
    makeRoom(eventsTo - eventsFrom + recordsTo - recordsFrom)
    const slab = current
    const { data, used } = slab
    const source = asBuffer(chunk.bytes)
    source.copy(data, used, eventsFrom, eventsTo)
    asBuffer(raw.bytes).copy(data, used + eventsTo - eventsFrom, recordsFrom, recordsTo)
    slab.used += eventsTo - eventsFrom + recordsTo - recordsFrom
    const toEvent = used - eventsFrom
    const toRecord = used + eventsTo - eventsFrom - recordsFrom
    for (let index = first; index < end; index++) {
      const eventStart = startOfEvent(eventEnds, index) + toEvent
      // Without its newline.
      const eventEnd = (eventEnds[index] as number) - 1 + toEvent
      const recordStart = (raw.starts[index] as number) + toRecord
      const recordEnd = (raw.ends[index] as number) + toRecord
      data[eventEnd] = COMMA
      const userAt = userSpan(chunk, index)
      const deviceAt = deviceSpan(chunk, index)
      const user = idIn(source, userAt)
      const device = idIn(source, deviceAt)
      const { path, position, line } = placeOf(raw, index)
      const event: UploadEvent = {
        user,
        device,
        userHash: user === null ? 0 : hashIn(user, source, userAt),
        deviceHash: device === null ? 0 : hashIn(device, source, deviceAt),
        bytes: eventEnd - eventStart + recordEnd - recordStart + OVERHEAD_BYTES,
        requestBytes: eventEnd - eventStart + 1,
        slab,
        data,
        eventStart,
        eventEnd,
        recordStart,
        recordEnd,
        path,
        position,
        line,
        type: chunk.types[index] as number,
        ticket,
        index,
        warnings: chunk.warnings[index] as number,
        trouble: NO_TROUBLE,
      }
      slab.events.push(event)
      kept.push(event)
    }
    slab.live += end - first
    return kept
  }

  function move(event: UploadEvent): void {
    const eventBytes = event.eventEnd - event.eventStart
    const bytes = eventBytes + 1 + event.recordEnd - event.recordStart
    makeRoom(bytes)
    const { data, used } = current
    event.data.copy(data, used, event.eventStart, event.eventEnd)
    data[used + eventBytes] = COMMA
    event.data.copy(data, used + eventBytes + 1, event.recordStart, event.recordEnd)
    event.slab = current
    event.data = data
    event.eventStart = used
    event.eventEnd = used + eventBytes
    event.recordStart = event.eventEnd + 1
    event.recordEnd = used + bytes
    current.used += bytes
    current.live += 1
    current.events.push(event)
  }

  /** Looks at twice as many old slabs as were opened, so that empty slabs do not pile up. */
  function tidy(): void {
    let looks = opened * 2
    opened = 0
    for (; looks > 0 && slabs.length > YOUNG_SLABS; looks -= 1) {
      const oldest = slabs.shift()
      if (oldest === undefined || oldest.live === 0) continue
      if (oldest.live * 2 > oldest.events.length) {
        slabs.push(oldest)
        continue
      }
      for (const event of oldest.events) if (event.slab === oldest) move(event)
      recycle(oldest)
    }
  }

  return {
    *keep(chunk, ticket) {
      const { count, outcomes } = chunk
      for (let index = 0; index < count; ) {
        if (outcomes[index] !== EVENT) {
          index += 1
          continue
        }
        const left = current.data.length - current.used
        let end = endOfRun(chunk, index, left)
        if (end === index + 1) end = endOfRun(chunk, index, SLAB_BYTES)
        yield keepRun(chunk, ticket, index, end)
        index = end
      }
      tidy()
    },
    *kept() {
      for (const slab of [...slabs, current]) for (const event of slab.events) if (event.slab === slab) yield event
    },
    release(event) {
      const { slab } = event
      if (slab === null) return
      event.slab = null
      leave(slab)
    },
  }
}

/** The id in a span between the quotes of a JSON string, without escapes, as Amplitude names it; null when the span is empty. */
function idIn(bytes: Buffer, { start, end }: Span): string | null {
  if (start === end) return null
  const content = bytes.toString('utf8', start, end)
  return content.includes('\\') ? JSON.parse(`"${content}"`) : content
}

/** The hash of an id that was read from `bytes[start, end)`. When each byte is a character, the bytes are hashed, which is faster. */
function hashIn(id: string, bytes: Buffer, { start, end }: Span): number {
  return id.length === end - start ? hashOfAscii(bytes, start, end) : hashOfId(id)
}
