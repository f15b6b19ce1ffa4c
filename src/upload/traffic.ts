import type { Clock } from '../clock.ts'
import type { IdentityRef, SchedulerStatistics } from '../schedule/contract.ts'
import type { TrafficFigures } from '../state/checkpoint.ts'
import type { Answer } from './classify.ts'

/** What this process has sent, counted for progress, checkpoint and summary. */
export interface Traffic {
  sent(isRepeat: boolean): void
  answered(answer: Answer): void
  /** Notes how many events were accepted just now. */
  accepted(count: number): void
  /** Notes that a 429 pauses this identity. */
  paused(identity: IdentityRef, forMs: number): void
  /** Takes over the present counts of the scheduler. */
  scheduled(statistics: Pick<SchedulerStatistics, 'deferredEvents' | 'deferredFiles' | 'busiest'>): void
  figures(): TrafficFigures
  /** The rate of accepted events over the last minute, or since the start. */
  eventsPerSecond(): number
}

const SECONDS = 60
const BEST_OVER_SECONDS = 10

/** Counts from now on. */
export function createTraffic(clock: Pick<Clock, 'now'>): Traffic {
  const startedMs = clock.now()
  const byStatus = new Map<string, number>()
  const pausedUntilMs = new Map<string, number>()
  const acceptedIn = new Float64Array(SECONDS)
  let requests = 0
  let retries = 0
  let pausedMs = 0
  let total = 0
  let second = 0
  let best = 0
  let scheduled = { deferredEvents: 0, deferredFiles: 0, busiest: 0 }

  function lastSeconds(count: number): number {
    let sum = 0
    for (let back = 0; back < count; back++) sum += acceptedIn[(second - back + SECONDS) % SECONDS] ?? 0
    return sum
  }

  function turnTo(nowMs: number): void {
    const current = Math.floor(nowMs / 1000)
    const passed = Math.min(current - second, SECONDS)
    for (let step = 0; step < passed; step++) acceptedIn[(current - step) % SECONDS] = 0
    second = Math.max(second, current)
  }

  return {
    sent(isRepeat) {
      requests += 1
      if (isRepeat) retries += 1
    },
    answered(answer) {
      const name = answer.is === 'response' ? String(answer.status) : answer.kind
      byStatus.set(name, (byStatus.get(name) ?? 0) + 1)
    },
    accepted(count) {
      turnTo(clock.now())
      const place = second % SECONDS
      acceptedIn[place] = (acceptedIn[place] ?? 0) + count
      total += count
      best = Math.max(best, lastSeconds(BEST_OVER_SECONDS) / BEST_OVER_SECONDS)
    },
    paused({ kind, id }, forMs) {
      const name = `${kind} ${id}`
      const nowMs = clock.now()
      const fromMs = Math.max(nowMs, pausedUntilMs.get(name) ?? 0)
      const untilMs = Math.max(nowMs + forMs, fromMs)
      pausedMs += untilMs - fromMs
      pausedUntilMs.set(name, untilMs)
    },
    scheduled({ deferredEvents, deferredFiles, busiest }) {
      scheduled = { deferredEvents, deferredFiles, busiest }
    },
    figures() {
      const durationMs = clock.now() - startedMs
      return {
        requests,
        byStatus: Object.fromEntries(byStatus),
        retries,
        heldIdentities: pausedUntilMs.size,
        heldMs: Math.round(pausedMs),
        ...scheduled,
        // In the first seconds `best` divides by ten seconds that have not passed yet: the average is higher then.
        bestEventsPerSecond: Math.max(best, total / Math.max(0.001, durationMs / 1000)),
        durationMs,
      }
    },
    eventsPerSecond() {
      turnTo(clock.now())
      const seconds = Math.min(SECONDS, Math.max(1, (clock.now() - startedMs) / 1000))
      return lastSeconds(SECONDS) / seconds
    },
  }
}
