import { MIN_ID_LENGTH } from '../amplitude/limits.ts'
import { COMMA } from '../json/bytes.ts'
import type { KeptEvent } from '../model.ts'

/** Builds request bodies out of events that are serialised already: each is copied, none is serialised again. */
export interface RequestBuilder {
  /** Bytes of a body beside its events; `QueuedEvent.requestBytes` counts an event and its comma. */
  readonly envelopeBytes: number
  build(events: readonly KeptEvent[]): Buffer
}

/** Bodies `{"api_key":…,"events":[…],"options":{"min_id_length":1}}` (AMPLITUDE.md §1). */
export function createRequestBuilder(key: string): RequestBuilder {
  const head = Buffer.from(`{"api_key":${JSON.stringify(key)},"events":[`)
  const tail = Buffer.from(`],"options":{"min_id_length":${MIN_ID_LENGTH}}}`)

  return {
    envelopeBytes: head.length + tail.length,
    build(events) {
      let length = head.length + tail.length + events.length - 1
      for (const { eventStart, eventEnd } of events) length += eventEnd - eventStart
      const body = Buffer.allocUnsafeSlow(length)
      body.set(head)
      let at = head.length
      for (const { data, eventStart, eventEnd } of events) {
        if (at > head.length) body[at++] = COMMA
        body.set(data.subarray(eventStart, eventEnd), at)
        at += eventEnd - eventStart
      }
      body.set(tail, at)
      return body
    },
  }
}
