import type { QueuedEvent } from './contract.ts'
import { enterRequest } from './entries-in-memory.ts'
import { dequeue, removeLane } from './lanes.ts'
import type { DailyQuota } from './quota.ts'
import { charged, tokensAt, whenTokens } from './rate.ts'
import { chargeShare } from './run-cap.ts'
import type { Bucket, Entry, Identity, Lane, ReadyLanes, RunBucket } from './scheduler-state.ts'
import type { Slot } from './slots.ts'
import { type Blocked, dropGrants, lackingBucket } from './waiting-lanes.ts'

/** Spends the tokens of events and of requests, and notes whose daily quota that used up. */
export interface Spending<E> {
  chargeEvent(entry: Entry<E>, nowMs: number): void
  chargeRequest(nowMs: number): void
  /** `--max-rps` lets a request begin. */
  requestAllowed(nowMs: number): boolean
  /** When `--max-rps` lets a request begin; in the past when it has done so for some time. */
  requestAllowedAtMs(nowMs: number): number
  /** The most events that were charged to an identity without a break in which it was full and had none. */
  mostOfOne(): number
  /** An identity whose daily quota was used up since the last call. */
  takeOverQuota(): Identity<E> | undefined
}

/** @param run the bucket of `--max-eps`, @param requests that of `--max-rps`; null without them */
export function createSpending<E>(quota: DailyQuota, run: Bucket<E> | null, requests: Bucket<E> | null): Spending<E> {
  const overQuota: Identity<E>[] = []
  let most = 0

  function charge(bucket: Bucket<E> | null, nowMs: number): void {
    if (bucket !== null) bucket.fullAtMs = charged(bucket.rate, bucket.fullAtMs, nowMs)
  }

  function chargeIdentity(identity: Identity<E> | null, nowMs: number): void {
    if (identity === null) return
    charge(identity, nowMs)
    identity.charged += 1
    if (identity.charged > most) most = identity.charged
    if (identity.quota !== null && quota.count(identity.quota, nowMs)) overQuota.push(identity)
  }

  return {
    chargeEvent({ user, device }, nowMs) {
      chargeIdentity(user, nowMs)
      chargeIdentity(device, nowMs)
      charge(run, nowMs)
    },
    chargeRequest: (nowMs) => charge(requests, nowMs),
    requestAllowed: (nowMs) => requests === null || tokensAt(requests.rate, requests.fullAtMs, nowMs) >= 1,
    requestAllowedAtMs: (nowMs) => (requests === null ? nowMs : whenTokens(requests.rate, requests.fullAtMs, 1)),
    mostOfOne: () => most,
    takeOverQuota: () => overQuota.pop(),
  }
}

/** The request that is being filled from the lanes that are ready; one at a time. */
export interface Filling<E extends QueuedEvent> {
  /** Takes what may go now; true when the request is full. */
  fill(nowMs: number): boolean
  /** The open request; null when nothing was taken. */
  open(): Slot<E> | null
  /** Gives the open request away, to be sent. */
  take(): { readonly slot: Slot<E>; readonly bytes: number } | null
  /** Some lane is ready. */
  hasReady(): boolean
  /** The number of the slot that was opened last. */
  lastSlot(): number
  /** The byte target from now on, if lower. */
  lowerBytes(bytes: number): void
  /** Lanes looked at and lanes woken. */
  steps(): number
}

/** In requests. Long lanes are all in flight now and then, and lose no tokens by it. */
const MOST_CREDIT = 2

interface Parts<E extends QueuedEvent> {
  readonly maxRequestEvents: number
  readonly maxRequestBytes: number
  readonly ready: ReadyLanes<E>
  readonly blocked: Blocked<E>
  readonly run: RunBucket<E> | null
  readonly spending: Spending<E>
  /** A lane that was taken from, or has nothing to send, goes on or ends. */
  readonly proceed: (lane: Lane<E>, nowMs: number) => void
  /** Something was charged. An identity whose daily quota that used up is paused. */
  readonly pauseThoseOverQuota: (nowMs: number) => void
}

export function createFilling<E extends QueuedEvent>(parts: Parts<E>): Filling<E> {
  const { maxRequestEvents, ready, blocked, run, spending, proceed, pauseThoseOverQuota } = parts
  let { maxRequestBytes } = parts
  let open: Slot<E> | null = null
  let openBytes = 0
  let lastSlot = 0
  /** What long lanes may take before the others, in requests: half of each, and what they left of the last few. */
  let longCredit = 0
  let steps = 0

  function openSlot(nowMs: number): Slot<E> {
    lastSlot += 1
    spending.chargeRequest(nowMs)
    longCredit = Math.min(MOST_CREDIT, longCredit + 0.5)
    open = { id: lastSlot, chargedAtMs: nowMs, entries: [], parts: [], notBeforeMs: 0, needs: null }
    return open
  }

  /** Long lanes have had their half, and the others enough for what is left of this request. */
  function othersHaveTheRest(): boolean {
    if (longCredit > 0 || open === null) return false
    const filled = open.entries.length
    const others = ready.others.size
    return filled + others >= maxRequestEvents || openBytes + (others * openBytes) / filled >= maxRequestBytes
  }

  /** Takes what it can from the lane's head; true when the request is full. */
  function takeFrom(lane: Lane<E>, nowMs: number): boolean {
    const isLong = lane.list === ready.long
    let taken = 0
    let full = false
    for (let entry = lane.first; entry !== null; entry = lane.first) {
      const filled = open?.entries.length ?? 0
      const { requestBytes } = entry.event
      // One event always fits an empty request: whether it is too large is for Amplitude to say.
      full = filled > 0 && (filled >= maxRequestEvents || openBytes + requestBytes > maxRequestBytes)
      if (full || (isLong && taken > 0 && othersHaveTheRest())) break
      const lacking = lackingBucket(entry, taken > 0, isLong, run, nowMs)
      if (lacking !== null) {
        if (taken === 0) {
          removeLane(lane)
          blocked.wait(lane, lacking, nowMs)
        }
        break
      }
      const slot = open ?? openSlot(nowMs)
      dropGrants(lane, run)
      dequeue(entry, run)
      if (isLong) {
        longCredit = Math.max(0, longCredit - Math.max(1 / maxRequestEvents, requestBytes / maxRequestBytes))
        if (run !== null) chargeShare(run, nowMs)
      }
      spending.chargeEvent(entry, nowMs)
      enterRequest(entry, slot.id)
      slot.entries.push(entry)
      openBytes += requestBytes
      taken += 1
    }
    if (taken > 0) {
      removeLane(lane)
      proceed(lane, nowMs)
    }
    return full
  }

  function firstReady(): Lane<E> | null {
    const longMayGo = open === null || longCredit > 0
    return (longMayGo ? ready.long.first : null) ?? ready.others.first ?? ready.long.first
  }

  return {
    fill(nowMs) {
      steps += blocked.wake(nowMs)
      for (let lane = firstReady(); lane !== null; lane = firstReady()) {
        if (open === null && !spending.requestAllowed(nowMs)) return false
        steps += 1
        if (lane.first === null) {
          removeLane(lane)
          proceed(lane, nowMs)
          continue
        }
        const full = takeFrom(lane, nowMs)
        pauseThoseOverQuota(nowMs)
        if (full) return true
      }
      return open !== null && open.entries.length >= maxRequestEvents
    },
    open: () => open,
    take() {
      if (open === null) return null
      const taken = { slot: open, bytes: openBytes }
      open = null
      openBytes = 0
      return taken
    },
    hasReady: () => firstReady() !== null,
    lastSlot: () => lastSlot,
    lowerBytes(bytes) {
      maxRequestBytes = Math.min(maxRequestBytes, bytes)
    },
    steps: () => steps,
  }
}
