import { prefetched } from '../cpu-prefetch.ts'
import type { QueuedEvent } from './contract.ts'
import { homeOf, type Memory } from './entries-in-memory.ts'
import type { HotLanes } from './hot-lanes.ts'
import { createLane, enqueueAgain, removeLane } from './lanes.ts'
import type { Entry, Identity, Lane, RunBucket } from './scheduler-state.ts'
import { type Slot, type Slots, withdrawPaused } from './slots.ts'
import { dropGrants } from './waiting-lanes.ts'

/** What becomes of events whose request was answered: they are settled, wait to be sent again, or go back to their lanes. */
export interface Answered<E extends QueuedEvent> {
  settle(entries: readonly Entry<E>[], nowMs: number): void
  /** Makes the slot's next part, if there is one, wait for its turn. Events of paused identities go back to their lanes. */
  waitForRepeat(slot: Slot<E>, nowMs: number): void
}

interface Parts<E extends QueuedEvent> {
  readonly run: RunBucket<E> | null
  readonly hot: HotLanes<E>
  readonly memory: Memory<E>
  readonly slots: Slots<E>
  /** Lets a lane without a request in flight go on or end. */
  readonly proceed: (lane: Lane<E>, nowMs: number) => void
  /** Makes the identity hot if too many of its events wait in memory by now. */
  readonly heatIfCrowded: (identity: Identity<E> | null, nowMs: number) => void
}

/** Entries that are loaded into the processor's cache at once. */
const PREFETCHED = 64

function prefetch<E extends QueuedEvent>(entries: readonly Entry<E>[]): void {
  let sum = 0
  for (const { event, lane, user, device } of entries) {
    sum += event.bytes + lane.inFlight + (user?.inFlight ?? 0) + (device?.inFlight ?? 0)
  }
  prefetched(sum)
}

export function createAnswered<E extends QueuedEvent>(parts: Parts<E>): Answered<E> {
  const { run, hot, memory, slots, proceed, heatIfCrowded } = parts

  /** Notes that the entry's identities are no longer busy with it. The caller does the same for the entry's lane. */
  function leaveIdentities(entry: Entry<E>, nowMs: number): void {
    const { user, device, slot } = entry
    entry.slot = 0
    if (user !== null) leaveIdentity(user, slot, nowMs)
    if (device !== null) leaveIdentity(device, slot, nowMs)
  }

  function leaveIdentity(identity: Identity<E>, slot: number, nowMs: number): void {
    identity.inFlight -= 1
    if (identity.hotSince > 0) hot.answered(identity, slot, nowMs)
  }

  function putBack(entries: readonly Entry<E>[], nowMs: number): void {
    // All events are back before any lane goes on: a hot lane must not start before the last event due ahead of its file.
    const lanes = new Set<Lane<E>>()
    for (const entry of entries) {
      const home = homeOf(entry.user, entry.device)
      lanes.add(entry.lane)
      entry.lane.inFlight -= 1
      entry.lane = home.lane ?? createLane(home)
      if (entry.lane.first === null || entry.lane.first.sequence > entry.sequence) dropGrants(entry.lane, run)
      removeLane(entry.lane)
      enqueueAgain(entry, run)
      lanes.add(entry.lane)
    }
    for (const entry of entries) leaveIdentities(entry, nowMs)
    for (const lane of lanes) proceed(lane, nowMs)
    for (const { user, device } of entries) {
      heatIfCrowded(user, nowMs)
      heatIfCrowded(device, nowMs)
    }
  }

  function settleOne(entry: Entry<E>, nowMs: number): void {
    entry.lane.inFlight -= 1
    leaveIdentities(entry, nowMs)
    if (entry.lane.inFlight === 0) proceed(entry.lane, nowMs)
    memory.release(entry, nowMs)
  }

  return {
    settle(entries, nowMs) {
      for (let from = 0; from < entries.length; from += PREFETCHED) {
        const some = entries.slice(from, from + PREFETCHED)
        prefetch(some)
        for (const entry of some) settleOne(entry, nowMs)
      }
    },
    waitForRepeat(slot, nowMs) {
      const { kept, back } = withdrawPaused(slot.parts, nowMs)
      slot.parts = kept
      if (kept.length > 0) slots.addRepeat(slot)
      if (back.length > 0) putBack(back, nowMs)
    },
  }
}
