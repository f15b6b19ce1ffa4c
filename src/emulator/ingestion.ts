import { type Api, REPEAT_SPAN_MS } from './documented-limits.ts'
import { deviceOf, userOf } from './event-identities.ts'
import type { RawEvent } from './validate-event.ts'

const GENERATION_SECONDS = 24 * 60 * 60
// A Map holds at most 16.7 million keys, so a busy day gets several generations.
const MAX_KEYS = 8_000_000

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

/**
 * Remembers `insert_id`s for 7 days (amplitude/README.md §2). `seen(key, nowMs)` says whether the key came before, and remembers it if not;
 * a repeat does not start the 7 days again. Memory: some 100 bytes per event of the last 7 days, released by the day.
 */
function createRepeats(): { seen(key: string, nowMs: number): boolean } {
  let generations: { readonly startedAt: number; readonly firstSeen: Map<string, number> }[] = []
  const spanSeconds = REPEAT_SPAN_MS / 1000

  return {
    seen(key, nowMs) {
      const now = Math.floor(nowMs / 1000) // small integers: a float would take an object each
      let newest = generations.at(-1)
      if (newest === undefined || now - newest.startedAt >= GENERATION_SECONDS || newest.firstSeen.size >= MAX_KEYS) {
        newest = { startedAt: now, firstSeen: new Map() }
        generations = generations.filter(({ startedAt }) => now - startedAt < spanSeconds + GENERATION_SECONDS)
        generations.push(newest)
      }
      for (const { firstSeen } of generations) {
        const at = firstSeen.get(key)
        if (at !== undefined && now - at < spanSeconds) return true
      }
      newest.firstSeen.set(key, now)
      return false
    },
  }
}
