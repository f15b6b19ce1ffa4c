import type { Blocked } from './blocked.ts'
import { bucketsOf } from './memory.ts'
import { isHeld, whenTokens } from './rate.ts'
import type { Bucket, Entry, Lane } from './records.ts'

/** A place among the requests in flight, from its first request until every event of it is settled or back in its lane. */
export interface Slot<E> {
  readonly id: number
  /** When the first event of the current attempt was charged. */
  chargedAtMs: number
  /** The attempt in flight; empty while the next part waits. */
  entries: Entry<E>[]
  /** What follows, one part after the other. */
  parts: Entry<E>[][]
  /** The end of the backoff before the first part. */
  notBeforeMs: number
  /** Tokens the first part needs, while it waits for them; no lane may take any of these. */
  needs: Map<Bucket<E>, number> | null
}

/** The slots whose next part waits for its backoff and its tokens. They are few: never more than requests in flight. */
export interface Repeats<E> {
  add(slot: Slot<E>): void
  remove(slot: Slot<E>, nowMs: number): void
  /** One whose first part is covered, taken from those that wait; its tokens are the caller's to charge. */
  takeCovered(nowMs: number): Slot<E> | null
  /** When `takeCovered` may give one; Infinity when none waits. */
  nextDueMs(): number
  waiting(): readonly Slot<E>[]
}

export function createRepeats<E>(blocked: Blocked<E>, run: Bucket<E> | null): Repeats<E> {
  const waiting: Slot<E>[] = []

  function claim(slot: Slot<E>): Map<Bucket<E>, number> {
    cutToBurst(slot.parts, run)
    const needs = needsOf(slot.parts[0] ?? [], run)
    for (const bucket of needs.keys()) bucket.barred += 1
    slot.needs = needs
    return needs
  }

  function remove(slot: Slot<E>, nowMs: number): void {
    const place = waiting.indexOf(slot)
    if (place >= 0) waiting.splice(place, 1)
    for (const bucket of slot.needs?.keys() ?? []) {
      bucket.barred -= 1
      if (bucket.barred === 0) blocked.reschedule(bucket, nowMs)
    }
    slot.needs = null
  }

  return {
    add: (slot) => {
      waiting.push(slot)
    },
    remove,
    takeCovered(nowMs) {
      for (const slot of waiting) {
        // Only from the end of its backoff on does it keep lanes from the tokens it needs.
        if (slot.notBeforeMs > nowMs || coveredAt(slot.needs ?? claim(slot)) > nowMs) continue
        remove(slot, nowMs)
        return slot
      }
      return null
    },
    nextDueMs() {
      let next = Number.POSITIVE_INFINITY
      for (const { notBeforeMs, needs } of waiting) {
        next = Math.min(next, needs === null ? notBeforeMs : coveredAt(needs))
      }
      return next
    },
    waiting: () => waiting,
  }
}

/**
 * Takes out of `parts` the events that carry a held identity, and with each the later ones of its lane, which must not
 * overtake it. They are for their lanes again.
 */
export function withdrawHeld<E>(parts: readonly Entry<E>[][], nowMs: number): { kept: Entry<E>[][]; back: Entry<E>[] } {
  const stopped = new Set<Lane<E>>()
  const kept: Entry<E>[][] = []
  const back: Entry<E>[] = []
  for (const part of parts) {
    const stays: Entry<E>[] = []
    for (const entry of part) {
      if (carriesHeld(entry, nowMs)) stopped.add(entry.lane)
      if (stopped.has(entry.lane)) back.push(entry)
      else stays.push(entry)
    }
    if (stays.length > 0) kept.push(stays)
  }
  return { kept, back }
}

function carriesHeld<E>({ user, device }: Entry<E>, nowMs: number): boolean {
  return (
    (user !== null && isHeld(user.rate, user.fullAtMs, nowMs)) ||
    (device !== null && isHeld(device.rate, device.fullAtMs, nowMs))
  )
}

function needsOf<E>(part: readonly Entry<E>[], run: Bucket<E> | null): Map<Bucket<E>, number> {
  const needs = new Map<Bucket<E>, number>()
  for (const entry of part) {
    for (const bucket of bucketsOf(entry, run)) needs.set(bucket, (needs.get(bucket) ?? 0) + 1)
  }
  return needs
}

function coveredAt<E>(needs: ReadonlyMap<Bucket<E>, number>): number {
  let at = Number.NEGATIVE_INFINITY
  for (const [bucket, count] of needs) at = Math.max(at, whenTokens(bucket.rate, bucket.fullAtMs, count))
  return at
}

/** Cuts the first part where it needs more tokens of a bucket than one can hold: the limit may be lower than when it was filled. */
function cutToBurst<E>(parts: Entry<E>[][], run: Bucket<E> | null): void {
  const [part] = parts
  if (part === undefined) return
  const needs = new Map<Bucket<E>, number>()
  for (const [at, entry] of part.entries()) {
    for (const bucket of bucketsOf(entry, run)) {
      const count = (needs.get(bucket) ?? 0) + 1
      if (count > Math.floor(bucket.rate.burst)) {
        parts.splice(0, 1, part.slice(0, at), part.slice(at))
        return
      }
      needs.set(bucket, count)
    }
  }
}
