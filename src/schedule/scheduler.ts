import { createAnswered } from './answered.ts'
import type { IdentityRef, LaneFiles, QueuedEvent, ScheduledRequest, Scheduler } from './contract.ts'
import { createMemory, homeOf } from './entries-in-memory.ts'
import { createFilling, createSpending } from './filling.ts'
import { createHotLanes } from './hot-lanes.ts'
import { createBucket, createIdentities } from './identities.ts'
import { createLane, createLaneList, enqueue, isLong, makeReady, removeLane } from './lanes.ts'
import { type DailyQuota, quotaLeftUntilMs } from './quota.ts'
import { emptyUntil, type Rate } from './rate.ts'
import { createRunBucket } from './run-cap.ts'
import { createRunRates, FILL_WAIT_MS, MOST_WAITING_MS } from './run-rates.ts'
import type { Bucket, Entry, Identity, Lane, ReadyLanes } from './scheduler-state.ts'
import { createSlots, type Slot } from './slots.ts'
import { createBlocked } from './waiting-lanes.ts'

/** A pause longer than this makes an identity hot. */
const LONG_PAUSE_MS = 60_000
/** Hot identities that can send this many events a second together keep every network busy. */
const HOT_EVENTS_PER_SECOND = 20_000
/** Identities to forget per call of `next`: they must be forgotten even when no event is settled any more. */
const FORGOTTEN_PER_CALL = 1000

export interface SchedulerOptions<E extends QueuedEvent> {
  /** L: events per second of each device and each user. */
  readonly eventsPerSecond: number
  /** B: events that an idle identity may send at once; by default, one second's worth. */
  readonly burst?: number | undefined
  /** `--max-eps` */
  readonly maxEventsPerSecond?: number | undefined
  /** `--max-rps` */
  readonly maxRequestsPerSecond?: number | undefined
  readonly maxRequestEvents: number
  readonly maxRequestBytes: number
  /** The reader waits while records and events in memory are this many bytes. */
  readonly memoryBytes: number
  /** What identities have sent in the last 24 h. The scheduler counts it, and the caller saves it. */
  readonly quota: DailyQuota
  readonly files: LaneFiles<E>
  /** The monotonic time now, at which all buckets count as empty. */
  readonly startedMs: number
}

/** A scheduler with nothing to do. It has no timers and does no I/O. */
export function createScheduler<E extends QueuedEvent>(options: SchedulerOptions<E>): Scheduler<E> {
  const { startedMs, files, quota, maxRequestEvents, memoryBytes } = options
  const rates = createRunRates(options)
  const rate = rates.identity
  const identities = createIdentities<E>(rate, startedMs, quota.find)
  const run =
    rates.run === null || rates.share === null ? null : createRunBucket<E>(rates.run, rates.share, rate, startedMs)
  const requestBucket: Bucket<E> | null = rates.requests === null ? null : createBucket<E>(rates.requests, startedMs)
  const isCapped = run !== null || requestBucket !== null
  const ready: ReadyLanes<E> = { long: createLaneList<E>(), others: createLaneList<E>(), isCapped }
  const blocked = createBlocked<E>(ready, run)
  const memory = createMemory<E>(identities)
  const slots = createSlots<E>(blocked, run)
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

  const spending = createSpending<E>(quota, run, requestBucket)
  const answered = createAnswered<E>({ run, hot, memory, slots, proceed, heatIfCrowded })
  const filling = createFilling<E>({
    maxRequestEvents,
    maxRequestBytes: options.maxRequestBytes,
    ready,
    blocked,
    run,
    spending,
    proceed,
    pauseThoseOverQuota,
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
    if (identity !== null && identity.waitingEvents >= MOST_WAITING_MS * rate.fillPerMs)
      hot.heat(identity, filling.lastSlot(), nowMs)
  }

  function pauseThoseOverQuota(nowMs: number): void {
    for (let identity = spending.takeOverQuota(); identity !== undefined; identity = spending.takeOverQuota()) {
      if (identity.quota === null || identity.quota.pausedUntilMs > nowMs) continue
      identity.quota.pausedUntilMs = quota.oldestHourLeavesMs(identity.quota, nowMs)
      pauseUntil(identity, identity.quota.pausedUntilMs, nowMs)
    }
  }

  function pauseUntil(identity: Identity<E>, untilMs: number, nowMs: number): void {
    identity.fullAtMs = Math.max(identity.fullAtMs, emptyUntil(rate, untilMs))
    identities.dropIfUnused(identity, nowMs)
    if (untilMs - nowMs > LONG_PAUSE_MS) hot.heat(identity, filling.lastSlot(), nowMs)
    // The events of this identity leave the repeats, so that the other events of a repeat do not wait for them.
    for (const slot of [...slots.repeats()]) {
      slots.removeRepeat(slot, nowMs)
      answered.waitForRepeat(slot, nowMs)
    }
  }

  function answeredSlot(request: ScheduledRequest<E>, nowMs: number): Slot<E> {
    const slot = slots.answered(request)
    rates.record(nowMs - slot.chargedAtMs, nowMs)
    return slot
  }

  function sendRepeat(slot: Slot<E>, nowMs: number): ScheduledRequest<E> {
    spending.chargeRequest(nowMs)
    slot.chargedAtMs = nowMs
    slot.entries = slot.parts.shift() ?? []
    let bytes = 0
    for (const entry of slot.entries) {
      spending.chargeEvent(entry, nowMs)
      bytes += entry.event.requestBytes
    }
    const request = slots.send(slot, bytes, true)
    pauseThoseOverQuota(nowMs)
    return request
  }

  function sendOpen(): ScheduledRequest<E> | null {
    const taken = filling.take()
    return taken === null ? null : slots.send(taken.slot, taken.bytes, false)
  }

  function carryOver(before: Readonly<Rate> | null, nowMs: number): void {
    if (before !== null) identities.carryOver(before, nowMs)
  }

  function slotsInUse(): number {
    return slots.size() + (filling.open() === null ? 0 : 1)
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
      else if (isCapped && isLong(ready, lane) && (lane.list === ready.others || lane.list === run?.waitingLanes)) {
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
      if (run !== null && run.waitingEvents >= MOST_WAITING_MS * run.rate.fillPerMs) return true
      if (requestBucket !== null) {
        const requests = MOST_WAITING_MS * requestBucket.rate.fillPerMs
        if (memory.events() >= requests * maxRequestEvents) return true
      }
      const most = Math.ceil(HOT_EVENTS_PER_SECOND / (rate.fillPerMs * 1000))
      if (hot.all().size < most) return false
      // Identities paused for their daily quota send nothing. They do not count, since the reader never waits for one identity.
      let sending = 0
      for (const { quota: tracked } of hot.all()) if (tracked === null || tracked.pausedUntilMs <= nowMs) sending += 1
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
      carryOver(rates.adjust(slots.oldestMs(nowMs), nowMs), nowMs)
      identities.forgetLingering(FORGOTTEN_PER_CALL, nowMs)
      if (spending.requestAllowed(nowMs)) {
        const slot = slots.takeRepeat(nowMs)
        if (slot !== null) return sendRepeat(slot, nowMs)
      }
      if (!mayOpen && filling.open() === null) return null
      const isFull = filling.fill(nowMs)
      const open = filling.open()
      if (open === null) return null
      return isFull || inputEnded || nowMs >= open.chargedAtMs + FILL_WAIT_MS ? sendOpen() : null
    },

    nextWakeMs(nowMs, mayOpen) {
      const requestMs = spending.requestAllowedAtMs(nowMs)
      const lanesMs = filling.hasReady() ? nowMs : blocked.nextDueMs()
      const open = filling.open()
      let next = Math.max(slots.repeatDueMs(), requestMs)
      // The request that is being filled has its token of `--max-rps` already.
      if (open !== null) next = Math.min(next, lanesMs, inputEnded ? nowMs : open.chargedAtMs + FILL_WAIT_MS)
      else if (mayOpen) next = Math.min(next, Math.max(lanesMs, requestMs))
      return Math.max(next, nowMs)
    },

    slotsInUse,

    settled(request, nowMs) {
      const slot = answeredSlot(request, nowMs)
      const { entries } = slot
      slot.entries = []
      slot.notBeforeMs = nowMs
      answered.settle(entries, nowMs)
      answered.waitForRepeat(slot, nowMs)
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
      const settled = entries.filter((entry) => !again.has(entry))
      answered.settle(settled, nowMs)
      answered.waitForRepeat(slot, nowMs)
    },

    pause(ref, untilMs, nowMs) {
      pauseUntil(identityOf(ref), untilMs, nowMs)
    },

    pauseForQuota(ref, nowMs) {
      const identity = identityOf(ref)
      identity.quota = quota.track(ref.kind, ref.id)
      identity.quota.pausedUntilMs = quota.hourEndsMs(nowMs)
      pauseUntil(identity, identity.quota.pausedUntilMs, nowMs)
    },

    lowerLimit(eventsPerSecond, nowMs) {
      carryOver(rates.lowerLimit(eventsPerSecond), nowMs)
    },

    lowerRequestBytes: filling.lowerBytes,

    isDrained: () => memory.events() === 0 && hot.counts().unread === 0,

    onlyQuotaLeftUntilMs(nowMs) {
      if (!inputEnded || memory.events() + hot.counts().unread === 0) return null
      return slotsInUse() === 0 && !filling.hasReady() ? quotaLeftUntilMs(blocked, hot.all(), nowMs) : null
    },

    statistics: () => {
      const { unread, deferred, files: begun } = hot.counts()
      return {
        deferredEvents: deferred,
        deferredFiles: begun,
        eventsInMemory: memory.events(),
        eventsInFiles: unread,
        hotIdentities: hot.all().size,
        busiest: spending.mostOfOne(),
        eventsPerSecond: rate.limitPerSecond,
        steps: filling.steps(),
        identities: identities.size(),
        delayMs: rates.delayMs(),
      }
    },
  }
}
