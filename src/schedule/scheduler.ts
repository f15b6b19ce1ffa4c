import { createBlocked } from './blocked.ts'
import { createCharges } from './charges.ts'
import type { ScheduledRequest, Scheduler, SchedulerOptions } from './contract.ts'
import { createDelay, FILL_WAIT_MS, HELD_MS } from './delay.ts'
import { createFilling } from './filling.ts'
import { createFlight } from './flight.ts'
import { createHotLanes } from './hot-lanes.ts'
import { createBucket, createIdentities } from './identities.ts'
import { createLanding } from './landing.ts'
import { createLane, createLaneList, enqueue, isLong, makeReady, removeLane } from './lanes.ts'
import { createMemory, homeOf } from './memory.ts'
import { quotaLeftUntilMs } from './quota-left.ts'
import { emptyUntil } from './rate.ts'
import type { Bucket, Entry, Identity, IdentityRef, Lane, QueuedEvent, ReadyLanes } from './records.ts'
import { createRepeats, type Slot } from './repeats.ts'
import { createRunBucket } from './run-cap.ts'

/** A hold longer than this makes an identity hot. */
const LONG_HOLD_MS = 60_000
/** Hot identities that can send this many events a second together keep every network busy. */
const HOT_EVENTS_PER_SECOND = 20_000
/** Forgotten per call of `next`, so that identities go although nothing is settled any more. */
const FORGOTTEN_PER_CALL = 1000

/** A scheduler with nothing to do. It has no timers and does no I/O. */
export function createScheduler<E extends QueuedEvent>(options: SchedulerOptions<E>): Scheduler<E> {
  const { startedMs, files, quota, maxRequestEvents, memoryBytes } = options
  const delay = createDelay(options)
  const rate = delay.rate
  const identities = createIdentities<E>(rate, startedMs, quota.find)
  const { runRate, shareRate } = delay
  const run = runRate === null || shareRate === null ? null : createRunBucket<E>(runRate, shareRate, rate, startedMs)
  const requestBucket: Bucket<E> | null =
    delay.requestRate === null ? null : createBucket<E>(delay.requestRate, startedMs)
  const isCapped = run !== null || requestBucket !== null
  const ready: ReadyLanes<E> = { long: createLaneList<E>(), others: createLaneList<E>(), isCapped }
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

  const charges = createCharges<E>(quota, run, requestBucket)
  const flight = createFlight<E>()
  const landing = createLanding<E>({ run, hot, memory, repeats, proceed, heatIfCrowded })
  const filling = createFilling<E>({
    maxRequestEvents,
    maxRequestBytes: options.maxRequestBytes,
    ready,
    blocked,
    run,
    charges,
    proceed,
    holdThoseOverQuota,
  })
  let inputEnded = false

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
    if (identity !== null && identity.held >= HELD_MS * rate.fillPerMs) hot.heat(identity, filling.lastSlot(), nowMs)
  }

  function holdThoseOverQuota(nowMs: number): void {
    for (let identity = charges.takeOverQuota(); identity !== undefined; identity = charges.takeOverQuota()) {
      if (identity.quota === null || identity.quota.heldUntilMs > nowMs) continue
      identity.quota.heldUntilMs = quota.oldestHourLeavesMs(identity.quota, nowMs)
      holdUntil(identity, identity.quota.heldUntilMs, nowMs)
    }
  }

  function holdUntil(identity: Identity<E>, untilMs: number, nowMs: number): void {
    identity.fullAtMs = Math.max(identity.fullAtMs, emptyUntil(rate, untilMs))
    identities.dropIfUnused(identity, nowMs)
    if (untilMs - nowMs > LONG_HOLD_MS) hot.heat(identity, filling.lastSlot(), nowMs)
    // A repeat must not keep its other events waiting for this one's.
    for (const slot of [...repeats.waiting()]) {
      repeats.remove(slot, nowMs)
      landing.waitForRepeat(slot, nowMs)
    }
  }

  function answeredSlot(request: ScheduledRequest<E>, nowMs: number): Slot<E> {
    const slot = flight.land(request)
    delay.record(nowMs - slot.chargedAtMs, nowMs)
    return slot
  }

  function launchRepeat(slot: Slot<E>, nowMs: number): ScheduledRequest<E> {
    charges.chargeRequest(nowMs)
    slot.chargedAtMs = nowMs
    slot.entries = slot.parts.shift() ?? []
    let bytes = 0
    for (const entry of slot.entries) {
      charges.chargeEvent(entry, nowMs)
      bytes += entry.event.requestBytes
    }
    const request = flight.launch(slot, bytes, true)
    holdThoseOverQuota(nowMs)
    return request
  }

  function launchOpen(): ScheduledRequest<E> | null {
    const taken = filling.take()
    return taken === null ? null : flight.launch(taken.slot, taken.bytes, false)
  }

  function adjustDelay(nowMs: number): void {
    const before = delay.adjust(flight.oldestMs(nowMs), nowMs)
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
      else if (isCapped && isLong(ready, lane) && (lane.list === ready.others || lane.list === run?.waiting)) {
        removeLane(lane)
        makeReady(ready, lane)
      }
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
      if (charges.requestAllowed(nowMs)) {
        const slot = repeats.takeCovered(nowMs)
        if (slot !== null) return launchRepeat(slot, nowMs)
      }
      if (!mayOpen && filling.open() === null) return null
      const isFull = filling.fill(nowMs)
      const open = filling.open()
      if (open === null) return null
      return isFull || inputEnded || nowMs >= open.chargedAtMs + FILL_WAIT_MS ? launchOpen() : null
    },

    nextWakeMs(nowMs, mayOpen) {
      const requestMs = charges.requestAllowedAtMs(nowMs)
      const lanesMs = filling.hasReady() ? nowMs : blocked.nextDueMs()
      const open = filling.open()
      let next = Math.max(repeats.nextDueMs(), requestMs)
      // A request that is being filled has its token already.
      if (open !== null) next = Math.min(next, lanesMs, inputEnded ? nowMs : open.chargedAtMs + FILL_WAIT_MS)
      else if (mayOpen) next = Math.min(next, Math.max(lanesMs, requestMs))
      return Math.max(next, nowMs)
    },

    slotsInUse: () => flight.size() + repeats.waiting().length + (filling.open() === null ? 0 : 1),

    settled(request, nowMs) {
      const slot = answeredSlot(request, nowMs)
      const { entries } = slot
      slot.entries = []
      slot.notBeforeMs = nowMs
      landing.settleAll(entries, nowMs)
      if (slot.parts.length > 0) landing.waitForRepeat(slot, nowMs)
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
      for (const entry of entries) if (!again.has(entry)) landing.settle(entry, nowMs)
      if (slot.parts.length > 0) landing.waitForRepeat(slot, nowMs)
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

    lowerRequestBytes: filling.lowerBytes,

    isDrained: () => memory.events() === 0 && hot.counts().unread === 0,

    onlyQuotaLeftUntilMs(nowMs) {
      if (!inputEnded || memory.events() + hot.counts().unread === 0) return null
      const isIdle = flight.size() === 0 && filling.open() === null && repeats.waiting().length === 0
      return isIdle && !filling.hasReady() ? quotaLeftUntilMs(blocked, hot.all(), nowMs) : null
    },

    statistics: () => {
      const { unread, deferred, files: begun } = hot.counts()
      return {
        steps: filling.steps(),
        deferredEvents: deferred,
        deferredFiles: begun,
        eventsInMemory: memory.events(),
        bytesInMemory: memory.bytes(),
        eventsInFiles: unread,
        hotIdentities: hot.all().size,
        busiest: charges.mostOfOne(),
        identities: identities.size(),
        delayMs: delay.delayMs(),
        eventsPerSecond: rate.limitPerSecond,
      }
    },
  }
}
