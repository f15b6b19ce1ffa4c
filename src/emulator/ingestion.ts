import type { Api } from './documented-limits.ts'
import { deviceOf, userOf } from './event-identities.ts'
import { createRepeats } from './insert-ids.ts'
import type { RawEvent } from './validate-event.ts'

/** What became of the events of an accepted request. */
export interface Ingested {
  /** Events that are not repeats, in the order of arrival. */
  readonly unique: readonly RawEvent[]
  /** Unique events whose `time` is smaller than that of an earlier one of the same user (else device). */
  readonly outOfOrder: number
}

/**
 * Drops repeats (amplitude/README.md §2) and notices events out of order. Each API has its own memory of `insert_id`s: whether they are
 * shared is unknown (§7), and this way a change of API in mid-run shows. Memory: the repeats, and one number per identity seen.
 */
export function createIngestion(): { ingest(api: Api, events: readonly RawEvent[], nowMs: number): Ingested } {
  const repeats = { http: createRepeats(), batch: createRepeats() }
  const latestOfUser = new Map<string, number>()
  const latestOfDevice = new Map<string, number>()

  function isRepeat(api: Api, event: RawEvent, nowMs: number): boolean {
    const insertId = event['insert_id']
    if (typeof insertId !== 'string') return false
    return repeats[api.name].seen(api.repeatsPerDevice ? `${deviceOf(event)}\n${insertId}` : insertId, nowMs)
  }

  function isOutOfOrder(event: RawEvent): boolean {
    const time = event['time']
    if (typeof time !== 'number') return false
    const user = userOf(event)
    const latest = user === undefined ? latestOfDevice : latestOfUser
    const key = user ?? deviceOf(event)
    const before = latest.get(key)
    if (before !== undefined && time < before) return true
    latest.set(key, time)
    return false
  }

  return {
    ingest(api, events, nowMs) {
      const unique = events.filter((event) => !isRepeat(api, event, nowMs))
      let outOfOrder = 0
      for (const event of unique) if (isOutOfOrder(event)) outOfOrder++
      return { unique, outOfOrder }
    },
  }
}
