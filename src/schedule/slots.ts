import type { ScheduledRequest } from './contract.ts'
import { bucketsOf } from './entries-in-memory.ts'
import { isPaused, whenTokens } from './rate.ts'
import type { Bucket, Entry, Identity, Lane } from './scheduler-state.ts'
import type { Blocked } from './waiting-lanes.ts'

/** A place among the requests in flight. It lasts from the first request until all its events are settled or back in their lanes. */
export interface Slot<E> {
  readonly id: number
  /** When the first event of the current attempt was charged. */
  chargedAtMs: number
  /** The attempt in flight; empty while the next part waits. */
  entries: Entry<E>[]
  /** The parts to send after that, one after the other. */
  parts: Entry<E>[][]
  /** The end of the backoff before the first part. */
  notBeforeMs: number
  /** Tokens that the first part needs, while it waits for them. No lane may take tokens of these buckets meanwhile. */
  needs: Map<Bucket<E>, number> | null
}

/**
 * The slots with a request in flight, and the slots whose next part, a *repeat*, waits for its backoff and its tokens.
 * There are never more of them than requests may be in flight, so they are few.
 */
export interface Slots<E> {
  /** The request with `slot.entries`, which is in flight from now on. */
  send(slot: Slot<E>, bytes: number, repeated: boolean): ScheduledRequest<E>
  /** @throws Error when the request is not in flight */
  answered(request: ScheduledRequest<E>): Slot<E>
  /** How long ago the first event of the oldest request in flight was charged, in ms; 0 when none is in flight. */
  oldestMs(nowMs: number): number
  /** Makes the slot wait until its first part can be sent. */
  addRepeat(slot: Slot<E>): void
  removeRepeat(slot: Slot<E>, nowMs: number): void
  /** Takes a waiting slot whose first part can have its tokens now; null when there is none. The caller charges the tokens. */
  takeRepeat(nowMs: number): Slot<E> | null
  /** When `takeRepeat` may give a slot; Infinity when none waits. */
  repeatDueMs(): number
  repeats(): readonly Slot<E>[]
  /** Number of slots in flight or waiting. */
  size(): number
}

/** @param run the bucket of `--max-eps`, if there is one */
export function createSlots<E>(blocked: Blocked<E>, run: Bucket<E> | null): Slots<E> {
  /** The oldest first. */
  const inFlight = new Map<number, Slot<E>>()
  const repeats: Slot<E>[] = []

  function claim(slot: Slot<E>): Map<Bucket<E>, number> {
    const needs = needsOfFirst(slot.parts, run)
    for (const bucket of needs.keys()) bucket.barred += 1
    slot.needs = needs
    return needs
  }

  function removeRepeat(slot: Slot<E>, nowMs: number): void {
    const place = repeats.indexOf(slot)
    if (place >= 0) repeats.splice(place, 1)
    for (const bucket of slot.needs?.keys() ?? []) {
      bucket.barred -= 1
      if (bucket.barred === 0) blocked.reschedule(bucket, nowMs)
    }
    slot.needs = null
  }

  return {
    send(slot, bytes, repeated) {
      inFlight.set(slot.id, slot)
      return { slot: slot.id, events: slot.entries.map((entry) => entry.event), bytes, repeated }
    },
    answered(request) {
      const slot = inFlight.get(request.slot)
      if (slot === undefined) throw new Error(`Slot ${request.slot} has no request in flight`)
      // The slot is deleted, so that its next attempt comes last in the order of age.
      inFlight.delete(slot.id)
      return slot
    },
    oldestMs(nowMs) {
      for (const slot of inFlight.values()) return nowMs - slot.chargedAtMs
      return 0
    },
    addRepeat(slot) {
      repeats.push(slot)
    },
    removeRepeat,
    takeRepeat(nowMs) {
      for (const slot of repeats) {
        // Only after its backoff does a repeat claim the tokens that it needs, which keeps lanes from them.
        if (slot.notBeforeMs > nowMs || coveredAt(slot.needs ?? claim(slot)) > nowMs) continue
        removeRepeat(slot, nowMs)
        return slot
      }
      return null
    },
    repeatDueMs() {
      let next = Number.POSITIVE_INFINITY
      for (const { notBeforeMs, needs } of repeats) {
        next = Math.min(next, needs === null ? notBeforeMs : coveredAt(needs))
      }
      return next
    },
    repeats: () => repeats,
    size: () => inFlight.size + repeats.length,
  }
}

/**
 * Takes out of `parts` the events that carry a paused identity. The later events of the same lanes are taken out too, since
 * they must not overtake. All of these go back to their lanes.
 */
export function withdrawPaused<E>(
  parts: readonly Entry<E>[][],
  nowMs: number,
): { kept: Entry<E>[][]; back: Entry<E>[] } {
  const stopped = new Set<Lane<E>>()
  const kept: Entry<E>[][] = []
  const back: Entry<E>[] = []
  const isPausedNow = (identity: Identity<E> | null) =>
    identity !== null && isPaused(identity.rate, identity.fullAtMs, nowMs)
  for (const part of parts) {
    const stays: Entry<E>[] = []
    for (const entry of part) {
      if (isPausedNow(entry.user) || isPausedNow(entry.device)) stopped.add(entry.lane)
      if (stopped.has(entry.lane)) back.push(entry)
      else stays.push(entry)
    }
    if (stays.length > 0) kept.push(stays)
  }
  return { kept, back }
}

/**
 * The tokens that the first part needs of each bucket. The part is cut where it needs more tokens than a bucket can hold,
 * as the limit may be lower than when the request was filled.
 */
function needsOfFirst<E>(parts: Entry<E>[][], run: Bucket<E> | null): Map<Bucket<E>, number> {
  const needs = new Map<Bucket<E>, number>()
  const [part = []] = parts
  for (const [at, entry] of part.entries()) {
    const buckets = bucketsOf(entry, run)
    if (buckets.some((bucket) => (needs.get(bucket) ?? 0) >= Math.floor(bucket.rate.burst))) {
      parts.splice(0, 1, part.slice(0, at), part.slice(at))
      break
    }
    for (const bucket of buckets) needs.set(bucket, (needs.get(bucket) ?? 0) + 1)
  }
  return needs
}

function coveredAt<E>(needs: ReadonlyMap<Bucket<E>, number>): number {
  let at = Number.NEGATIVE_INFINITY
  for (const [bucket, count] of needs) at = Math.max(at, whenTokens(bucket.rate, bucket.fullAtMs, count))
  return at
}
