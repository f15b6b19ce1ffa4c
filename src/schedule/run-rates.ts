import { createLongestAttempt } from './longest-attempt.ts'
import { createRate, type Rate, setDelay } from './rate.ts'

/**
 * An identity becomes hot when this many ms of its fill wait in memory. The reader waits when this many ms of a run-wide
 * cap do (schedule/README.md §2, §3).
 */
export const MOST_WAITING_MS = 10_000
/** An opened request waits this long for more events before it goes partly filled (schedule/README.md §2). */
export const FILL_WAIT_MS = 50
/** An event may be charged up to `FILL_WAIT_MS` before its request is sent, so the bounds of J are that much longer. */
const SHORTEST_DELAY_MS = 1000 + FILL_WAIT_MS
const LONGEST_DELAY_MS = 10_000 + FILL_WAIT_MS
/** J moves in steps, so that it does not change with every answer. */
const STEP_MS = 50

/** The rates of a run, and J, the delay between charging and arrival that all of them allow for (schedule/README.md §1). */
export interface RunRates {
  /** The rate of every device and user. */
  readonly identity: Rate
  /** The rate of `--max-eps`, and the half of it that is for long lanes. */
  readonly run: Rate | null
  readonly share: Rate | null
  /** `--max-rps` */
  readonly requests: Rate | null
  /** Notes that an attempt was answered after `attemptMs`. */
  record(attemptMs: number, nowMs: number): void
  /**
   * Sets J to the longest attempt of the last 60 s, or to the oldest attempt in flight if that is longer. If the rate of
   * identities changes, returns the rate before.
   */
  adjust(oldestInFlightMs: number, nowMs: number): Readonly<Rate> | null
  /** Makes `eventsPerSecond` the limit of identities, if it is lower. If their rate changes, returns the rate before. */
  lowerLimit(eventsPerSecond: number): Readonly<Rate> | null
  /** J */
  delayMs(): number
}

interface RunRatesOptions {
  readonly eventsPerSecond: number
  readonly burst?: number | undefined
  readonly maxEventsPerSecond?: number | undefined
  readonly maxRequestsPerSecond?: number | undefined
}

/** The rates of a run that starts now. J is at its shortest until an attempt takes longer. */
export function createRunRates(options: RunRatesOptions): RunRates {
  const { eventsPerSecond, burst, maxEventsPerSecond, maxRequestsPerSecond } = options
  const attempts = createLongestAttempt()
  let delayMs = SHORTEST_DELAY_MS
  const identity = createRate(eventsPerSecond, burst, delayMs)
  const run = maxEventsPerSecond === undefined ? null : createRate(maxEventsPerSecond, undefined, delayMs)
  const share = run === null ? null : { ...run }
  const requests = maxRequestsPerSecond === undefined ? null : createRate(maxRequestsPerSecond, undefined, delayMs)

  function halve(): void {
    if (run === null || share === null) return
    share.limitPerSecond = run.limitPerSecond / 2
    share.burst = Math.max(1, run.burst / 2)
    share.fillPerMs = run.fillPerMs / 2
  }

  halve()
  return {
    identity,
    run,
    share,
    requests,
    record: attempts.record,
    adjust(oldestInFlightMs, nowMs) {
      const longestMs = Math.max(oldestInFlightMs, attempts.longestMs(nowMs))
      const boundedMs = Math.min(Math.max(longestMs, SHORTEST_DELAY_MS), LONGEST_DELAY_MS)
      const wanted = Math.ceil(boundedMs / STEP_MS) * STEP_MS
      if (wanted === delayMs) return null
      const before = { ...identity }
      delayMs = wanted
      for (const rate of [identity, run, requests]) if (rate !== null) setDelay(rate, delayMs)
      halve()
      return before
    },
    lowerLimit(lower) {
      if (!(lower > 0 && lower < identity.limitPerSecond)) return null
      const before = { ...identity }
      identity.limitPerSecond = lower
      identity.burst = Math.min(identity.burst, Math.max(1, lower))
      setDelay(identity, delayMs)
      return before
    },
    delayMs: () => delayMs,
  }
}
