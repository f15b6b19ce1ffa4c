import { createLongestAttempt } from './longest-attempt.ts'
import { createRate, type Rate, setDelay } from './rate.ts'

/** An identity with so much of its fill waiting in memory becomes hot; a run-wide cap makes the reader wait (schedule/README.md §2, §3). */
export const HELD_MS = 10_000
/** An opened request waits this long for more events before it goes partly filled (schedule/README.md §2). */
export const FILL_WAIT_MS = 50
/** What an event may be charged before its request is sent counts too: J is that much more than the attempt. */
const SHORTEST_DELAY_MS = 1000 + FILL_WAIT_MS
const LONGEST_DELAY_MS = 10_000 + FILL_WAIT_MS
/** J moves in steps, so that it does not change with every answer. */
const STEP_MS = 50

/** The run's rates and J, the delay between charging and arrival that all of them allow for (schedule/README.md §1). */
export interface Delay {
  /** Of every device and user. */
  readonly rate: Rate
  /** `--max-eps`, half of it for long lanes, and `--max-rps` */
  readonly runRate: Rate | null
  readonly shareRate: Rate | null
  readonly requestRate: Rate | null
  record(attemptMs: number, nowMs: number): void
  /** Sets the fill to the longest attempt of the last 60 s, or the one in flight if that is longer. Gives `rate` as it was if it changed. */
  adjust(oldestInFlightMs: number, nowMs: number): Readonly<Rate> | null
  /** Takes `eventsPerSecond` as the limit of devices and users, if lower. Gives `rate` as it was if it changed. */
  lowerLimit(eventsPerSecond: number): Readonly<Rate> | null
  /** J */
  delayMs(): number
}

interface DelayOptions {
  readonly eventsPerSecond: number
  readonly burst?: number | undefined
  readonly maxEventsPerSecond?: number | undefined
  readonly maxRequestsPerSecond?: number | undefined
}

/** The rates of a run that starts now: as long as no attempt was long, J is at its shortest. */
export function createDelay(options: DelayOptions): Delay {
  const { eventsPerSecond, burst, maxEventsPerSecond, maxRequestsPerSecond } = options
  const attempts = createLongestAttempt()
  let delayMs = SHORTEST_DELAY_MS
  const rate = createRate(eventsPerSecond, burst, delayMs)
  const runRate = maxEventsPerSecond === undefined ? null : createRate(maxEventsPerSecond, undefined, delayMs)
  const shareRate = runRate === null ? null : { ...runRate }
  const requestRate = maxRequestsPerSecond === undefined ? null : createRate(maxRequestsPerSecond, undefined, delayMs)

  function halve(): void {
    if (runRate === null || shareRate === null) return
    shareRate.limitPerSecond = runRate.limitPerSecond / 2
    shareRate.burst = Math.max(1, runRate.burst / 2)
    shareRate.fillPerMs = runRate.fillPerMs / 2
  }

  halve()
  return {
    rate,
    runRate,
    shareRate,
    requestRate,
    record: attempts.record,
    adjust(oldestInFlightMs, nowMs) {
      const longestMs = Math.max(oldestInFlightMs, attempts.longestMs(nowMs))
      const boundedMs = Math.min(Math.max(longestMs, SHORTEST_DELAY_MS), LONGEST_DELAY_MS)
      const wanted = Math.ceil(boundedMs / STEP_MS) * STEP_MS
      if (wanted === delayMs) return null
      const before = { ...rate }
      delayMs = wanted
      for (const each of [rate, runRate, requestRate]) if (each !== null) setDelay(each, delayMs)
      halve()
      return before
    },
    lowerLimit(lower) {
      if (!(lower > 0 && lower < rate.limitPerSecond)) return null
      const before = { ...rate }
      rate.limitPerSecond = lower
      rate.burst = Math.min(rate.burst, Math.max(1, lower))
      setDelay(rate, delayMs)
      return before
    },
    delayMs: () => delayMs,
  }
}
