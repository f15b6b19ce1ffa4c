import { MIN_ID_LENGTH } from '../amplitude/limits.ts'
import { COMMA } from '../json/bytes.ts'
import type { KeptEvent } from '../model.ts'

/** Builds request bodies by copying events that are serialised already. */
export interface RequestBuilder {
  /** Bytes of a body without its events. (`QueuedEvent.requestBytes` counts an event and its comma.) */
  readonly envelopeBytes: number
  build(events: readonly KeptEvent[]): Buffer
  /** Takes back the memory of a body that nothing sends any more, for another body. */
  reuse(body: Buffer): void
}

/** The memory of a body is a multiple of this, so that it fits later bodies too. */
const SIZE_STEP_BYTES = 1 << 20

/** Bodies `{"api_key":…,"events":[…],"options":{"min_id_length":1}}` (amplitude/README.md §1). */
export function createRequestBuilder(key: string): RequestBuilder {
  const head = Buffer.from(`{"api_key":${JSON.stringify(key)},"events":[`)
  const tail = Buffer.from(`],"options":{"min_id_length":${MIN_ID_LENGTH}}}`)

  /** Memory for bodies. It is shared, since another thread sends them. There is as much as was ever under way at a time. */
  const spare: Buffer[] = []
  /** A body is put together here, then copied whole: V8 copies into shared memory byte by byte unless both sides are word-aligned. */
  let draft = Buffer.alloc(0)

  function room(bytes: number): Buffer {
    const reused = spare.pop()
    const memory =
      reused !== undefined && reused.length >= bytes
        ? reused
        : Buffer.from(new SharedArrayBuffer(Math.ceil(bytes / SIZE_STEP_BYTES) * SIZE_STEP_BYTES))
    return memory.subarray(0, bytes)
  }

  return {
    envelopeBytes: head.length + tail.length,
    build(events) {
      let length = head.length + tail.length + events.length - 1
      for (const { eventStart, eventEnd } of events) length += eventEnd - eventStart
      if (draft.length < length) draft = Buffer.allocUnsafeSlow(length + SIZE_STEP_BYTES)
      draft.set(head)
      let at = head.length
      for (let next = 0; next < events.length; ) {
        if (at > head.length) draft[at++] = COMMA
        const { data, eventStart, eventEnd } = events[next++] as KeptEvent
        let end = eventEnd
        // Events that stand side by side, with a comma between them, are copied at once.
        for (; next < events.length && data[end] === COMMA; next++) {
          const following = events[next] as KeptEvent
          if (following.data !== data || following.eventStart !== end + 1) break
          end = following.eventEnd
        }
        draft.set(data.subarray(eventStart, end), at)
        at += end - eventStart
      }
      draft.set(tail, at)
      const body = room(length)
      body.set(draft.subarray(0, length))
      return body
    },
    reuse(body) {
      spare.push(Buffer.from(body.buffer))
    },
  }
}
