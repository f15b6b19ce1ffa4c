import { API_LIMITS, type ApiName, BODY_MARGIN_BYTES, DAILY_QUOTA } from '../amplitude/limits.ts'

/** How long an upload takes, from what bounds it (DESIGN §4). */

export interface Load {
  readonly events: number
  /** Bytes of all events. */
  readonly bytes: number
  /** Events of the identity that has the most. */
  readonly hottest: number
}

/** What the user sets; null for the API's own. */
export interface Caps {
  readonly identityEps: number | null
  readonly identityBurst: number | null
  readonly maxEps: number | null
  readonly maxRps: number | null
}

export interface Estimate {
  readonly requests: number
  readonly seconds: number
  /** What it waits for: one identity's limit, a cap of the whole run, the daily quota of one identity; null for nothing known. */
  readonly bound: 'identity' | 'rate_cap' | 'daily_quota' | null
  /** True when nothing known bounds it: the line and Amplitude decide, and it takes at least so long. */
  readonly atLeast: boolean
}

/** Seconds over which Amplitude counts (AMPLITUDE.md §1). */
const WINDOW_S = 30
/** The longest request attempt that is reckoned with, in seconds: J at its least. */
const ATTEMPT_S = 1
const DAY_S = 86_400
/** What one process sends when nothing holds it, in events a second: a low guess (DESIGN §8). */
const FREE_EPS = 10_000

/** The rate at which a limit of `perSecond` lets events pass for good, its burst spent. */
function fillRate(perSecond: number, burst: number): number {
  return (perSecond * WINDOW_S - burst) / (WINDOW_S + ATTEMPT_S)
}

export function estimate({ events, bytes, hottest }: Load, api: ApiName, caps: Caps): Estimate {
  const { maxEvents, maxBodyBytes, eventsPerSecond } = API_LIMITS[api]
  const requests = Math.max(Math.ceil(events / maxEvents), Math.ceil(bytes / (maxBodyBytes - BODY_MARGIN_BYTES)))
  const limit = caps.identityEps ?? eventsPerSecond
  const rate = fillRate(limit, caps.identityBurst ?? limit)
  const days = hottest > DAILY_QUOTA ? Math.ceil(hottest / DAILY_QUOTA) - 1 : 0
  const identity = days * DAY_S + (hottest - days * DAILY_QUOTA) / rate
  const byEvents = caps.maxEps === null ? 0 : events / fillRate(caps.maxEps, caps.maxEps)
  const byRequests = caps.maxRps === null ? 0 : requests / fillRate(caps.maxRps, caps.maxRps)
  const cap = Math.max(byEvents, byRequests)
  const seconds = Math.max(identity, cap)
  if (seconds < events / FREE_EPS) return { requests, seconds, bound: null, atLeast: true }
  const bound = seconds === cap ? 'rate_cap' : days > 0 ? 'daily_quota' : 'identity'
  return { requests, seconds, bound: events === 0 ? null : bound, atLeast: events === 0 }
}
