import type { QueuedEvent } from './contract.ts'
import { enterRequest } from './entries-in-memory.ts'
import { dequeue, removeLane } from './lanes.ts'
import type { DailyQuota } from './quota.ts'
import { charged, tokensAt, whenTokens } from './rate.ts'
import { chargeShare } from './run-cap.ts'
import type { Bucket, Entry, Identity, Lane, ReadyLanes, RunBucket } from './scheduler-state.ts'
import type { Slot } from './slots.ts'
import { type Blocked, dropGrants, lackingBucket } from './waiting-lanes.ts'

/** Spends the tokens of events and requests, and notes the identities whose daily quota is used up. */
export interface Spending<E> {
  chargeEvent(entry: Entry<E>, nowMs: number): void
  chargeRequest(nowMs: number): void
  /** True when `--max-rps` lets a request begin. */
  requestAllowed(nowMs: number): boolean
  /** When `--max-rps` lets a request begin; may be in the past. */
  requestAllowedAtMs(nowMs: number): number
  /** The most events that were charged to one identity without a break in which its bucket was full and it had no event. */
  mostOfOne(): number
  /** Takes an identity from those whose daily quota was used up; undefined when none is left. */
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

/** Fills a request from the lanes that are ready, one request at a time. */
export interface Filling<E extends QueuedEvent> {
  /** Takes the events that may be sent now; true when the request is full. */
  fill(nowMs: number): boolean
  /** The request that is being filled; null when it has no event yet. */
  open(): Slot<E> | null
  /** Gives the open request to the caller, who sends it; null when there is none. */
  take(): { readonly slot: Slot<E>; readonly bytes: number } | null
  /** True when a lane is ready. */
  hasReady(): boolean
  /** The number of the slot that was opened last. */
  lastSlot(): number
  /** Sets the byte target of later requests, if it is lower. */
  lowerBytes(bytes: number): void
  /** Lanes looked at and lanes woken. */
  steps(): number
}

/** The most `longCredit`, in requests. With it, long lanes catch up after a moment in which all of them were in flight. */
const MOST_CREDIT = 2

interface Parts<E extends QueuedEvent> {
  readonly maxRequestEvents: number
  readonly maxRequestBytes: number
  readonly ready: ReadyLanes<E>
  readonly blocked: Blocked<E>
  readonly run: RunBucket<E> | null
  readonly spending: Spending<E>
  /** Lets a lane go on or end, after events were taken from it, or when it has none to send. */
  readonly proceed: (lane: Lane<E>, nowMs: number) => void
  /** Pauses the identities whose daily quota the last charges used up. */
  readonly pauseThoseOverQuota: (nowMs: number) => void
}

export function createFilling<E extends QueuedEvent>(parts: Parts<E>): Filling<E> {
  const { maxRequestEvents, ready, blocked, run, spending, proceed, pauseThoseOverQuota } = parts
  let { maxRequestBytes } = parts
  let open: Slot<E> | null = null
  let openBytes = 0
  let lastSlot = 0
  /** What long lanes may take before the others, in requests: half of each request, and what they left of the last few. */
  let longCredit = 0
  let steps = 0

  function openSlot(nowMs: number): Slot<E> {
    lastSlot += 1
    spending.chargeRequest(nowMs)
    longCredit = Math.min(MOST_CREDIT, longCredit + 0.5)
    open = { id: lastSlot, chargedAtMs: nowMs, entries: [], parts: [], notBeforeMs: 0, needs: null }
    return open
  }

  /** True when long lanes have had their half, and the other lanes have enough events for the rest of this request. */
  function othersHaveTheRest(): boolean {
    if (longCredit > 0 || open === null) return false
    const filled = open.entries.length
    const others = ready.others.size
    return filled + others >= maxRequestEvents || openBytes + (others * openBytes) / filled >= maxRequestBytes
  }

  /** Takes as many events as it can from the lane's head; true when the request is full. */
  function takeFrom(lane: Lane<E>, nowMs: number): boolean {
    const isLong = lane.list === ready.long
    let taken = 0
    let full = false
    for (let entry = lane.first; entry !== null; entry = lane.first) {
      const filled = open?.entries.length ?? 0
      const { requestBytes } = entry.event
      // A single event always goes into an empty request: Amplitude is to say whether it is too large.
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
