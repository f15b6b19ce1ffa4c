import { API_LIMITS, type ApiName, BODY_MARGIN_BYTES, DAILY_QUOTA } from '../amplitude/limits.ts'
import { createDelay } from '../schedule/delay.ts'
import type { Rate } from '../schedule/rate.ts'

/** How long an upload takes, from what bounds it: the rates are those that the scheduler starts with (DESIGN §4). */

export interface Load {
  readonly events: number
  /** Bytes of all events. */
  readonly bytes: number
  /** Events of the identity that has the most. */
  readonly hottest: number
}

/** What the user sets; null for the API's own. */
export interface RateSettings {
  readonly batchSize: number | null
  readonly deviceEventsPerSecond: number | null
  readonly deviceBurst: number | null
  readonly maxEventsPerSecond: number | null
  readonly maxRequestsPerSecond: number | null
}

export interface Estimate {
  /** At the least: while events wait for a limit, requests go partly filled. */
  readonly requests: number
  readonly seconds: number
  /** What it waits for: one identity's limit, a cap of the whole run, the daily quota of one identity; null for nothing known. */
  readonly bound: 'identity' | 'rate_cap' | 'daily_quota' | null
  /** True when nothing known bounds it: the line and Amplitude decide, and it takes at least so long. */
  readonly atLeast: boolean
}

const DAY_S = 86_400
/** What one process sends when nothing holds it, in events a second: a low guess (DESIGN §8). */
export const FREE_EPS = 10_000

export function estimate({ events, bytes, hottest }: Load, api: ApiName, settings: RateSettings): Estimate {
  const { maxEvents, maxBodyBytes, eventsPerSecond } = API_LIMITS[api]
  const eventsPerRequest = Math.min(settings.batchSize ?? maxEvents, maxEvents)
  const requests = Math.max(Math.ceil(events / eventsPerRequest), Math.ceil(bytes / (maxBodyBytes - BODY_MARGIN_BYTES)))
  const { rate, runRate, requestRate } = createDelay({
    eventsPerSecond: settings.deviceEventsPerSecond ?? eventsPerSecond,
    burst: settings.deviceBurst ?? undefined,
    maxEventsPerSecond: settings.maxEventsPerSecond ?? undefined,
    maxRequestsPerSecond: settings.maxRequestsPerSecond ?? undefined,
  })
  const identity = secondsFor(hottest, rate)
  const quota = quotaSeconds(hottest, rate)
  const cap = Math.max(secondsFor(events, runRate), secondsFor(requests, requestRate))
  const seconds = Math.max(identity, quota, cap)
  if (events === 0 || seconds < events / FREE_EPS) return { requests, seconds, bound: null, atLeast: true }
  const bound = seconds === cap ? 'rate_cap' : quota > identity ? 'daily_quota' : 'identity'
  return { requests, seconds, bound, atLeast: false }
}

/** Every bucket is empty when a run starts, so that each token has to grow. */
function secondsFor(tokens: number, rate: Rate | null): number {
  return rate === null ? 0 : tokens / (rate.fillPerMs * 1000)
}

/** The rest of a day is waited for whenever its quota is used up. */
function quotaSeconds(events: number, rate: Rate): number {
  const fullDays = Math.max(0, Math.ceil(events / DAILY_QUOTA) - 1)
  return fullDays * Math.max(DAY_S, secondsFor(DAILY_QUOTA, rate)) + secondsFor(events - fullDays * DAILY_QUOTA, rate)
}
