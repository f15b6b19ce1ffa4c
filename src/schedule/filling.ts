import { type Blocked, dropGrants, lackingBucket } from './blocked.ts'
import type { Charges } from './charges.ts'
import { dequeue, removeLane } from './lanes.ts'
import { enterFlight } from './memory.ts'
import type { Lane, QueuedEvent, ReadyLanes, RunBucket } from './records.ts'
import type { Slot } from './repeats.ts'
import { chargeShare } from './run-cap.ts'

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
  readonly charges: Charges<E>
  /** A lane that was taken from, or has nothing to send, goes on or ends. */
  readonly proceed: (lane: Lane<E>, nowMs: number) => void
  /** Something was charged: identities whose daily quota that used up are held. */
  readonly holdThoseOverQuota: (nowMs: number) => void
}

export function createFilling<E extends QueuedEvent>(parts: Parts<E>): Filling<E> {
  const { maxRequestEvents, ready, blocked, run, charges, proceed, holdThoseOverQuota } = parts
  let { maxRequestBytes } = parts
  let open: Slot<E> | null = null
  let openBytes = 0
  let lastSlot = 0
  /** What long lanes may take before the others, in requests: half of each, and what they left of the last few. */
  let longCredit = 0
  let steps = 0

  function openSlot(nowMs: number): Slot<E> {
    lastSlot += 1
    charges.chargeRequest(nowMs)
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
      charges.chargeEvent(entry, nowMs)
      enterFlight(entry, slot.id)
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
        if (open === null && !charges.requestAllowed(nowMs)) return false
        steps += 1
        if (lane.first === null) {
          removeLane(lane)
          proceed(lane, nowMs)
          continue
        }
        const full = takeFrom(lane, nowMs)
        holdThoseOverQuota(nowMs)
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
