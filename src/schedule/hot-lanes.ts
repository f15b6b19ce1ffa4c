import type { LaneFiles, QueuedEvent } from './contract.ts'
import { type Memory, waitingEntriesOf } from './entries-in-memory.ts'
import type { Identities } from './identities.ts'
import { createLane, dequeue, enqueue, makeReady, removeLane } from './lanes.ts'
import type { DailyQuota } from './quota.ts'
import { isPaused, type Rate } from './rate.ts'
import type { Entry, Identity, Lane, LaneFileState, ReadyLanes, RunBucket } from './scheduler-state.ts'
import { type Blocked, dropGrants } from './waiting-lanes.ts'

/** A hot lane keeps this many ms of its fill in memory: its window. */
const FILE_WINDOW_MS = 2000

/** The identities whose waiting events are in lane files. */
export interface HotLanes<E extends QueuedEvent> {
  /** Makes `identity` hot: one sweep moves its waiting events into a new file. Its lane starts when those in flight are answered. */
  heat(identity: Identity<E>, lastSlot: number, nowMs: number): void
  /** Appends an event to the file of `identity`, which is hot. */
  append(identity: Identity<E>, file: LaneFileState, event: E, nowMs: number): void
  /** Puts events that were read from the file of `lane` into its window; `dropped` other events were read and never will be sent. */
  refill(lane: Lane<E>, file: LaneFileState, entries: readonly Entry<E>[], dropped: number, nowMs: number): void
  /** Makes an identity hot whose lane file, with `unread` events, comes from an earlier process. */
  restore(identity: Identity<E>, unread: number, nowMs: number): void
  /** Notes that an event in flight that carries the hot `identity` was answered. */
  answered(identity: Identity<E>, slot: number, nowMs: number): void
  /** Lets the lane go on if it can: it reads from its file, becomes ready, or ends together with its file. */
  proceed(lane: Lane<E>, file: LaneFileState, nowMs: number): void
  /** All hot identities, in the order in which they became hot. */
  all(): ReadonlySet<Identity<E>>
  counts(): HotCounts
}

interface HotCounts {
  /** Events in lane files that were not read back. */
  unread: number
  /** Events that this process wrote to lane files, and lane files that it began. */
  deferred: number
  files: number
}

interface Parts<E extends QueuedEvent> {
  readonly rate: Rate
  readonly run: RunBucket<E> | null
  readonly ready: ReadyLanes<E>
  readonly blocked: Blocked<E>
  readonly identities: Identities<E>
  readonly memory: Memory<E>
  readonly quota: DailyQuota
  readonly files: LaneFiles<E>
  /** Lets a lane go on or end after a sweep took its first entry. */
  readonly proceedCold: (lane: Lane<E>) => void
}

export function createHotLanes<E extends QueuedEvent>(parts: Parts<E>): HotLanes<E> {
  const { rate, run, ready, blocked, identities, memory, quota, files, proceedCold } = parts
  const hot = new Set<Identity<E>>()
  const counts = { unread: 0, deferred: 0, files: 0 }
  let order = 0

  function open(identity: Identity<E>, unread: number, startsAfterSlot: number): Lane<E> {
    order += 1
    identity.hotSince = order
    hot.add(identity)
    if (run !== null) run.hot = hot.size
    identity.quota = quota.track(identity.kind, identity.id)
    identity.quota.pinned = true
    const lane = identity.lane ?? createLane(identity)
    removeLane(lane)
    lane.file = {
      unread,
      reading: false,
      exists: unread > 0,
      startsAfterSlot,
      startsAfterEvents: identity.inFlight,
    }
    return lane
  }

  function cool(lane: Lane<E>, nowMs: number): void {
    const { identity } = lane
    hot.delete(identity)
    if (run !== null) run.hot = hot.size
    identity.hotSince = 0
    if (identity.quota !== null) identity.quota.pinned = false
    lane.file = null
    identities.dropIfUnused(identity, nowMs)
  }

  function write(identity: Identity<E>, file: LaneFileState, event: E): void {
    if (!file.exists) counts.files += 1
    file.exists = true
    file.unread += 1
    counts.unread += 1
    counts.deferred += 1
    files.append(identity, event)
  }

  function sweep(identity: Identity<E>, nowMs: number): E[] {
    const swept: E[] = []
    const headless = new Set<Lane<E>>()
    for (const entry of waitingEntriesOf(identity)) {
      const { lane } = entry
      if (lane.first === entry) {
        dropGrants(lane, run)
        headless.add(lane)
      }
      dequeue(entry, run)
      swept.push(entry.event)
      memory.release(entry, nowMs)
    }
    for (const lane of headless) {
      // The lane waits no longer: perhaps only the swept event needed the token that it waited for.
      removeLane(lane)
      proceedCold(lane)
    }
    return swept
  }

  function readOn(lane: Lane<E>, file: LaneFileState): void {
    const window = Math.max(2, Math.ceil(FILE_WINDOW_MS * rate.fillPerMs))
    if (file.reading || file.unread === 0 || file.startsAfterEvents > 0 || lane.length * 2 >= window) return
    file.reading = true
    files.read(lane.identity, Math.min(file.unread, window - lane.length))
  }

  function proceed(lane: Lane<E>, file: LaneFileState, nowMs: number): void {
    readOn(lane, file)
    if (lane.inFlight > 0 || lane.list !== null || file.startsAfterEvents > 0) return
    if (lane.first !== null) {
      makeReady(ready, lane)
      return
    }
    if (file.unread > 0 || file.reading) return
    if (file.exists) files.delete(lane.identity)
    file.exists = false
    // A paused identity stays hot: the events that come during the pause would fill the memory otherwise.
    if (isPaused(rate, lane.identity.fullAtMs, nowMs)) blocked.wait(lane, lane.identity, nowMs)
    else cool(lane, nowMs)
  }

  return {
    heat(identity, lastSlot, nowMs) {
      if (identity.hotSince > 0) return
      // The identity becomes hot before the sweep: releasing its last event would forget it otherwise.
      identity.hotSince = order + 1
      const swept = sweep(identity, nowMs)
      const lane = open(identity, 0, lastSlot)
      if (lane.file === null) return
      for (const event of swept) write(identity, lane.file, event)
      blocked.release(identity)
      proceed(lane, lane.file, nowMs)
    },
    append(identity, file, event, nowMs) {
      write(identity, file, event)
      if (identity.lane !== null) proceed(identity.lane, file, nowMs)
    },
    refill(lane, file, entries, dropped, nowMs) {
      file.reading = false
      file.unread -= entries.length + dropped
      counts.unread -= entries.length + dropped
      for (const entry of entries) enqueue(entry, run)
      proceed(lane, file, nowMs)
    },
    restore(identity, unread, nowMs) {
      const lane = open(identity, unread, 0)
      counts.unread += unread
      if (lane.file !== null) proceed(lane, lane.file, nowMs)
    },
    answered(identity, slot, nowMs) {
      const lane = identity.lane
      const file = lane?.file ?? null
      if (lane === null || file === null || file.startsAfterEvents === 0 || slot > file.startsAfterSlot) return
      file.startsAfterEvents -= 1
      if (file.startsAfterEvents === 0) proceed(lane, file, nowMs)
    },
    proceed,
    all: () => hot,
    counts: () => counts,
  }
}
