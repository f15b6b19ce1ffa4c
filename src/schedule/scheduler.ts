import { createBlocked, dropGrants, lackingBucket } from './blocked.ts'
import type { ScheduledRequest, Scheduler, SchedulerOptions } from './contract.ts'
import { createDelay, FILL_WAIT_MS } from './delay.ts'
import { createHotLanes } from './hot-lanes.ts'
import { createBucket, createIdentities } from './identities.ts'
import { createLane, createLaneList, dequeue, enqueue, enqueueAgain, makeReady, removeLane } from './lanes.ts'
import { createMemory, enterFlight, homeOf } from './memory.ts'
import { createDailyQuota } from './quota.ts'
import { charged, emptyUntil, tokensAt, whenTokens } from './rate.ts'
import type { Bucket, Entry, Identity, IdentityRef, Lane, QueuedEvent, ReadyLanes } from './records.ts'
import { createRepeats, type Slot, withdrawHeld } from './repeats.ts'

/** An identity with so much of its fill waiting in memory becomes hot; a run-wide cap makes the reader wait. */
const HELD_MS = 10_000
/** A hold longer than this makes an identity hot. */
const LONG_HOLD_MS = 60_000
/** Hot identities that can send this many events a second together keep every network busy. */
const HOT_EVENTS_PER_SECOND = 20_000
/** Forgotten per call of `next`, so that identities go although nothing is settled any more. */
const FORGOTTEN_PER_CALL = 1000

/** A scheduler with nothing to do. It has no timers and does no I/O. */
export function createScheduler<E extends QueuedEvent>(options: SchedulerOptions<E>): Scheduler<E> {
  const { startedMs, files, maxRequestEvents, memoryBytes } = options
  let { maxRequestBytes } = options

  const delay = createDelay(options)
  const rate = delay.rate
  const quota = createDailyQuota({
    limit: options.dailyQuota,
    wallClockOffsetMs: options.wallClockOffsetMs,
    saved: options.savedQuota ?? [],
  })
  const identities = createIdentities<E>(rate, startedMs, quota.find)
  const run: Bucket<E> | null = delay.runRate === null ? null : createBucket<E>(delay.runRate, startedMs)
  const requestBucket: Bucket<E> | null =
    delay.requestRate === null ? null : createBucket<E>(delay.requestRate, startedMs)
  const ready: ReadyLanes<E> = { hot: createLaneList<E>(), others: createLaneList<E>() }
  const blocked = createBlocked<E>(ready, run)
  const memory = createMemory<E>(identities)
  const repeats = createRepeats<E>(blocked, run)
  const hot = createHotLanes<E>({
    rate,
    run,
    ready,
    blocked,
    identities,
    memory,
    quota,
    files,
    proceedCold,
  })

  /** Attempts in flight, the oldest first. */
  const inFlight = new Map<number, Slot<E>>()
  let open: Slot<E> | null = null
  let openBytes = 0
  let lastSlot = 0
  let inputEnded = false
  let steps = 0
  const overQuota: Identity<E>[] = []

  function identityOf({ kind, id }: IdentityRef): Identity<E> {
    return identities.find(kind, id) ?? identities.add(kind, id)
  }

  function proceedCold(lane: Lane<E>): void {
    if (lane.inFlight > 0 || lane.list !== null || lane.file !== null) return
    if (lane.first !== null) makeReady(ready, lane)
  }

  function proceed(lane: Lane<E>, nowMs: number): void {
    if (lane.file === null) proceedCold(lane)
    else hot.proceed(lane, lane.file, nowMs)
  }

  function heatIfCrowded(identity: Identity<E> | null, nowMs: number): void {
    if (identity !== null && identity.held >= HELD_MS * rate.fillPerMs) hot.heat(identity, lastSlot, nowMs)
  }

  function charge(bucket: Bucket<E> | null, nowMs: number): void {
    if (bucket !== null) bucket.fullAtMs = charged(bucket.rate, bucket.fullAtMs, nowMs)
  }

  function chargeIdentity(identity: Identity<E> | null, nowMs: number): void {
    if (identity === null) return
    charge(identity, nowMs)
    if (identity.quota !== null && quota.count(identity.quota, nowMs)) overQuota.push(identity)
  }

  function chargeEvent(entry: Entry<E>, nowMs: number): void {
    chargeIdentity(entry.user, nowMs)
    chargeIdentity(entry.device, nowMs)
    charge(run, nowMs)
  }

  function holdThoseOverQuota(nowMs: number): void {
    for (let identity = overQuota.pop(); identity !== undefined; identity = overQuota.pop()) {
      if (identity.quota === null || identity.quota.heldUntilMs > nowMs) continue
      identity.quota.heldUntilMs = quota.oldestHourLeavesMs(identity.quota, nowMs)
      holdUntil(identity, identity.quota.heldUntilMs, nowMs)
    }
  }

  function holdUntil(identity: Identity<E>, untilMs: number, nowMs: number): void {
    identity.fullAtMs = Math.max(identity.fullAtMs, emptyUntil(rate, untilMs))
    identities.dropIfUnused(identity, nowMs)
    if (untilMs - nowMs > LONG_HOLD_MS) hot.heat(identity, lastSlot, nowMs)
    // A repeat must not keep its other events waiting for this one's.
    for (const slot of [...repeats.waiting()]) {
      repeats.remove(slot, nowMs)
      waitForRepeat(slot, nowMs)
    }
  }

  /** The identities of an entry that is in a request no longer; its lane is the caller's. */
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

  function settle(entry: Entry<E>, nowMs: number): void {
    entry.lane.inFlight -= 1
    leaveIdentities(entry, nowMs)
    if (entry.lane.inFlight === 0) proceed(entry.lane, nowMs)
    memory.release(entry, nowMs)
  }

  function putBack(entries: readonly Entry<E>[], nowMs: number): void {
    // All are back before any lane goes on: a hot lane must not start before the last event due ahead of its file.
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

  /** The slot's next part waits for its turn, or the slot is free. */
  function waitForRepeat(slot: Slot<E>, nowMs: number): void {
    const { kept, back } = withdrawHeld(slot.parts, nowMs)
    slot.parts = kept
    if (kept.length > 0) repeats.add(slot)
    if (back.length > 0) putBack(back, nowMs)
  }

  function answeredSlot(request: ScheduledRequest<E>, nowMs: number): Slot<E> {
    const slot = inFlight.get(request.slot)
    if (slot === undefined) throw new Error(`Slot ${request.slot} has no request in flight`)
    inFlight.delete(slot.id)
    delay.record(nowMs - slot.chargedAtMs, nowMs)
    return slot
  }

  function launch(slot: Slot<E>, bytes: number, repeated: boolean): ScheduledRequest<E> {
    // Set anew, so that the map stays in the order of the attempts' starts.
    inFlight.set(slot.id, slot)
    return { slot: slot.id, events: slot.entries.map((entry) => entry.event), bytes, repeated }
  }

  function launchRepeat(slot: Slot<E>, nowMs: number): ScheduledRequest<E> {
    charge(requestBucket, nowMs)
    slot.chargedAtMs = nowMs
    slot.entries = slot.parts.shift() ?? []
    let bytes = 0
    for (const entry of slot.entries) {
      chargeEvent(entry, nowMs)
      bytes += entry.event.requestBytes
    }
    return launch(slot, bytes, true)
  }

  function launchOpen(slot: Slot<E>): ScheduledRequest<E> {
    const bytes = openBytes
    open = null
    openBytes = 0
    return launch(slot, bytes, false)
  }

  function openSlot(nowMs: number): Slot<E> {
    lastSlot += 1
    charge(requestBucket, nowMs)
    open = { id: lastSlot, chargedAtMs: nowMs, entries: [], parts: [], notBeforeMs: 0, needs: null }
    return open
  }

  function requestAllowed(nowMs: number): boolean {
    return requestBucket === null || tokensAt(requestBucket.rate, requestBucket.fullAtMs, nowMs) >= 1
  }

  /** Takes what it can from the lane's head; true when the request is full. */
  function takeFrom(lane: Lane<E>, nowMs: number): boolean {
    let taken = 0
    let full = false
    for (let entry = lane.first; entry !== null; entry = lane.first) {
      const filled = open?.entries.length ?? 0
      const { requestBytes } = entry.event
      // One event always fits an empty request: whether it is too large is for Amplitude to say.
      full = filled > 0 && (filled >= maxRequestEvents || openBytes + requestBytes > maxRequestBytes)
      if (full) break
      const lacking = lackingBucket(entry, taken > 0, run, nowMs)
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
      chargeEvent(entry, nowMs)
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
    const mostOfHot = Math.max(1, maxRequestEvents / 2)
    const hotMayGo = open === null || (open.entries.length < mostOfHot && openBytes < maxRequestBytes / 2)
    return (hotMayGo ? ready.hot.first : null) ?? ready.others.first ?? ready.hot.first
  }

  /** Fills the open request from the ready lanes; true when it is full. */
  function fill(nowMs: number): boolean {
    steps += blocked.wake(nowMs)
    for (let lane = firstReady(); lane !== null; lane = firstReady()) {
      if (open === null && !requestAllowed(nowMs)) return false
      steps += 1
      if (lane.first === null) {
        removeLane(lane)
        proceed(lane, nowMs)
        continue
      }
      const full = takeFrom(lane, nowMs)
      if (overQuota.length > 0) holdThoseOverQuota(nowMs)
      if (full) return true
    }
    return open !== null && open.entries.length >= maxRequestEvents
  }

  function adjustDelay(nowMs: number): void {
    let oldestMs = 0
    for (const slot of inFlight.values()) {
      oldestMs = nowMs - slot.chargedAtMs
      break
    }
    const before = delay.adjust(oldestMs, nowMs)
    if (before !== null) identities.carryOver(nowMs, before, rate)
  }

  return {
    offer(event, nowMs) {
      const { userHash, deviceHash } = event
      let user = event.user === null ? null : (identities.find('user', event.user, userHash) ?? null)
      let device = event.device === null ? null : (identities.find('device', event.device, deviceHash) ?? null)
      const home = user === null && device === null ? null : homeOf(user, device)
      if (home !== null && home.hotSince > 0 && home.lane?.file) {
        hot.append(home, home.lane.file, event, nowMs)
        return
      }
      if (event.user !== null) user ??= identities.add('user', event.user, userHash)
      if (event.device !== null) device ??= identities.add('device', event.device, deviceHash)
      const owner = homeOf(user, device)
      const lane = owner.lane ?? createLane(owner)
      enqueue(memory.admit(event, user, device, lane), run)
      if (lane.list === null) proceed(lane, nowMs)
      heatIfCrowded(user, nowMs)
      heatIfCrowded(device, nowMs)
    },

    endInput() {
      inputEnded = true
    },

    readerShouldWait(nowMs) {
      if (memory.bytes() + files.pendingBytes >= memoryBytes) return true
      if (run !== null && run.held >= HELD_MS * run.rate.fillPerMs) return true
      if (requestBucket !== null) {
        const requests = HELD_MS * requestBucket.rate.fillPerMs
        if (memory.events() >= requests * maxRequestEvents) return true
      }
      const most = Math.ceil(HOT_EVENTS_PER_SECOND / (rate.fillPerMs * 1000))
      if (hot.all().size < most) return false
      // Those held for the day send nothing, and the reader never waits for one identity.
      let sending = 0
      for (const { quota: tracked } of hot.all()) if (tracked === null || tracked.heldUntilMs <= nowMs) sending += 1
      return sending >= most
    },

    readBack(ref, events, dropped, nowMs) {
      const lane = identities.find(ref.kind, ref.id)?.lane ?? null
      const file = lane?.file ?? null
      if (lane === null || file === null) throw new Error(`Events were read for a lane that is not hot: ${ref.id}`)
      const entries = events.map((event) => {
        const { user, device } = event
        return memory.admit(
          event,
          user === null ? null : identityOf({ kind: 'user', id: user }),
          device === null ? null : identityOf({ kind: 'device', id: device }),
          lane,
        )
      })
      hot.refill(lane, file, entries, dropped, nowMs)
    },

    restoreLaneFile(ref, unread, nowMs) {
      hot.restore(identityOf(ref), unread, nowMs)
    },

    next(nowMs, mayOpen) {
      adjustDelay(nowMs)
      identities.forgetLingering(FORGOTTEN_PER_CALL, nowMs)
      if (requestAllowed(nowMs)) {
        const slot = repeats.takeCovered(nowMs)
        if (slot !== null) {
          const request = launchRepeat(slot, nowMs)
          if (overQuota.length > 0) holdThoseOverQuota(nowMs)
          return request
        }
      }
      if (!mayOpen && open === null) return null
      const full = fill(nowMs)
      if (open === null) return null
      return full || inputEnded || nowMs >= open.chargedAtMs + FILL_WAIT_MS ? launchOpen(open) : null
    },

    nextWakeMs(nowMs, mayOpen) {
      const requestMs = requestBucket === null ? nowMs : whenTokens(requestBucket.rate, requestBucket.fullAtMs, 1)
      const lanesMs = firstReady() === null ? blocked.nextDueMs() : nowMs
      let next = Math.max(repeats.nextDueMs(), requestMs)
      // A request that is being filled has its token already.
      if (open !== null) next = Math.min(next, lanesMs, inputEnded ? nowMs : open.chargedAtMs + FILL_WAIT_MS)
      else if (mayOpen) next = Math.min(next, Math.max(lanesMs, requestMs))
      return Math.max(next, nowMs)
    },

    slotsInUse: () => inFlight.size + repeats.waiting().length + (open === null ? 0 : 1),

    settled(request, nowMs) {
      const slot = answeredSlot(request, nowMs)
      const { entries } = slot
      slot.entries = []
      slot.notBeforeMs = nowMs
      for (const entry of entries) settle(entry, nowMs)
      if (slot.parts.length > 0) waitForRepeat(slot, nowMs)
    },

    repeat(request, parts, notBeforeMs, nowMs) {
      const slot = answeredSlot(request, nowMs)
      const { entries } = slot
      const again = new Set<Entry<E>>()
      const ahead: Entry<E>[][] = []
      for (const indexes of parts) {
        const part: Entry<E>[] = []
        for (const index of indexes) {
          const entry = entries[index]
          if (entry === undefined || again.has(entry)) throw new Error(`No event to repeat at ${index}`)
          again.add(entry)
          part.push(entry)
        }
        if (part.length > 0) ahead.push(part)
      }
      slot.entries = []
      slot.parts = [...ahead, ...slot.parts]
      slot.notBeforeMs = notBeforeMs
      for (const entry of entries) if (!again.has(entry)) settle(entry, nowMs)
      if (slot.parts.length > 0) waitForRepeat(slot, nowMs)
    },

    hold(ref, untilMs, nowMs) {
      holdUntil(identityOf(ref), untilMs, nowMs)
    },

    holdForQuota(ref, nowMs) {
      const identity = identityOf(ref)
      identity.quota = quota.track(ref.kind, ref.id)
      identity.quota.heldUntilMs = quota.hourEndsMs(nowMs)
      holdUntil(identity, identity.quota.heldUntilMs, nowMs)
    },

    lowerLimit(eventsPerSecond, nowMs) {
      const before = delay.lowerLimit(eventsPerSecond)
      if (before !== null) identities.carryOver(nowMs, before, rate)
    },

    lowerRequestBytes(bytes) {
      maxRequestBytes = Math.min(maxRequestBytes, bytes)
    },

    isDrained: () => memory.events() === 0 && hot.counts().unread === 0,

    onlyQuotaLeftUntilMs(nowMs) {
      if (!inputEnded || memory.events() + hot.counts().unread === 0) return null
      if (inFlight.size > 0 || open !== null || repeats.waiting().length > 0 || firstReady() !== null) return null
      let untilMs = Number.POSITIVE_INFINITY
      let waiting = 0
      for (const bucket of blocked.buckets()) {
        const heldUntilMs = heldForQuotaUntil(bucket)
        if (heldUntilMs <= nowMs) return null
        waiting += bucket.waiting?.size ?? 0
        untilMs = Math.min(untilMs, heldUntilMs)
      }
      return waiting > 0 && untilMs > nowMs && everyHotLaneWaits() ? untilMs : null
    },

    saveQuota: (nowMs) => quota.save(nowMs),

    statistics: () => {
      const { unread, deferred, files: begun } = hot.counts()
      return {
        steps,
        deferredEvents: deferred,
        deferredFiles: begun,
        eventsInMemory: memory.events(),
        bytesInMemory: memory.bytes(),
        eventsInFiles: unread,
        hotIdentities: hot.all().size,
        identities: identities.size(),
        delayMs: delay.delayMs(),
        eventsPerSecond: rate.limitPerSecond,
      }
    },
  }

  function heldForQuotaUntil(bucket: Bucket<E>): number {
    for (const identity of hot.all()) if (identity === bucket) return identity.quota?.heldUntilMs ?? 0
    return 0
  }

  /** A hot lane that waits for its file, or for answers, is something else that is left. */
  function everyHotLaneWaits(): boolean {
    for (const { lane } of hot.all()) if (lane !== null && lane.list === null) return false
    return true
  }
}
