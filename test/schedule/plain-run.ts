import type { LaneFiles, QueuedEvent, ScheduledRequest } from '../../src/schedule/contract.ts'
import { createDailyQuota, type DailyQuota } from '../../src/schedule/quota.ts'
import type { SchedulerOptions } from '../../src/schedule/scheduler.ts'
import { createScheduler } from '../../src/schedule/scheduler.ts'

/** Lane files that no test of this kind expects to be used. */
const noLaneFiles: LaneFiles<QueuedEvent> = {
  pendingBytes: 0,
  append: () => {
    throw new Error('nothing should be deferred')
  },
  read: () => {},
  delete: () => {},
}

/** A quota that nobody has used anything of. */
export function unusedQuota(limit = 490_000): DailyQuota {
  return createDailyQuota({ limit, wallClockOffsetMs: 0, saved: [] })
}

export const OPTIONS: Omit<SchedulerOptions<QueuedEvent>, 'quota'> = {
  eventsPerSecond: 30,
  maxRequestEvents: 1999,
  maxRequestBytes: 1_000_000,
  memoryBytes: 96_000_000,
  files: noLaneFiles,
  startedMs: 0,
}

/** Requests in flight at once. */
const SLOTS = 8

/**
 * Sends `count` events over a network that answers after 200 ms, with nothing around the scheduler.
 * Returns what is remembered at the end, and the scheduler, so that nothing of it is collected before.
 */
export function runPlainly(count: number, eventAt: (number: number) => QueuedEvent) {
  const scheduler = createScheduler<QueuedEvent>({ ...OPTIONS, quota: unusedQuota() })
  const inFlight: { answeredMs: number; request: ScheduledRequest<QueuedEvent> }[] = []
  let now = 0
  let offered = 0
  let settled = 0
  while (settled < count) {
    for (let first = inFlight[0]; first !== undefined && first.answeredMs <= now; first = inFlight[0]) {
      inFlight.shift()
      settled += first.request.events.length
      scheduler.settled(first.request, now)
    }
    while (offered < count && !scheduler.readerShouldWait(now)) {
      scheduler.offer(eventAt(offered), now)
      offered += 1
    }
    if (offered === count) scheduler.endInput()
    for (;;) {
      const request = scheduler.next(now, scheduler.slotsInUse() < SLOTS)
      if (request === null) break
      inFlight.push({ answeredMs: now + 200, request })
    }
    const next = Math.min(
      inFlight[0]?.answeredMs ?? Infinity,
      scheduler.nextWakeMs(now, scheduler.slotsInUse() < SLOTS),
    )
    now = Math.max(now, next)
  }
  scheduler.next(now + 2000, true)
  return { scheduler, identitiesLeft: scheduler.statistics().identities }
}
