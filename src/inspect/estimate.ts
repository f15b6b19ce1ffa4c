import { API_LIMITS, type ApiName, BODY_MARGIN_BYTES, DAILY_QUOTA } from '../amplitude/limits.ts'
import type { Rate } from '../schedule/rate.ts'
import { createRunRates, MOST_WAITING_MS } from '../schedule/run-rates.ts'
import type { Spread } from './heaviest.ts'

/** How long an upload takes, from what bounds it: the rates are those that the scheduler starts with (schedule/README.md §1, §3). */

export interface Load {
  readonly events: number
  /** Bytes of all events. */
  readonly bytes: number
  /** Those with the most events, the first most. */
  readonly users: readonly Spread[]
  readonly devices: readonly Spread[]
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
/** With no more than this on top of what the cap takes, it is the cap that all wait for. */
const CAP_ALONE = 1.001
/** What one process sends when nothing holds it, in events a second: a low guess (src/README.md §6). */
export const FREE_EPS = 10_000

export function estimate({ events, bytes, users, devices }: Load, api: ApiName, settings: RateSettings): Estimate {
  const { maxEvents, maxBodyBytes, eventsPerSecond } = API_LIMITS[api]
  const eventsPerRequest = Math.min(settings.batchSize ?? maxEvents, maxEvents)
  const requests = Math.max(Math.ceil(events / eventsPerRequest), Math.ceil(bytes / (maxBodyBytes - BODY_MARGIN_BYTES)))
  const {
    identity: rate,
    run: runRate,
    requests: requestRate,
  } = createRunRates({
    eventsPerSecond: settings.deviceEventsPerSecond ?? eventsPerSecond,
    burst: settings.deviceBurst ?? undefined,
    maxEventsPerSecond: settings.maxEventsPerSecond ?? undefined,
    maxRequestsPerSecond: settings.maxRequestsPerSecond ?? undefined,
  })
  const hottest = Math.max(users[0]?.events ?? 0, devices[0]?.events ?? 0)
  const identity = secondsFor(hottest, rate)
  const quota = quotaSeconds(hottest, rate)
  const cap = Math.max(secondsFor(events, runRate), secondsFor(requests, requestRate))
  // An event of a hot user is of a hot device too, or not; nobody knows, so they are not added up.
  const behindCap =
    cap === 0 ? [] : [users, devices].map((hot) => secondsBehindCap(events, hot, events / cap, rate, requestRate))
  const seconds = Math.max(identity, quota, cap, ...behindCap)
  if (events === 0 || seconds < events / FREE_EPS) return { requests, seconds, bound: null, atLeast: true }
  const bound = seconds <= cap * CAP_ALONE ? 'rate_cap' : quota > identity ? 'daily_quota' : 'identity'
  return { requests, seconds, bound, atLeast: false }
}

/**
 * As the scheduler does it: the reader is held to what the cap lets pass, and those that take long are sent from when
 * they are known, first, up to their own rate and half of the cap.
 * @param cap events a second
 */
function secondsBehindCap(
  events: number,
  identities: readonly Spread[],
  cap: number,
  rate: Rate,
  requestRate: Rate | null,
): number {
  const long = identities.filter((each) => each.events > rate.burst).toSorted((a, b) => a.from - b.from)
  const others = Math.max(
    0,
    long.reduce((left, each) => left - each.events, events),
  )
  const ahead = (cap * MOST_WAITING_MS) / 1000
  const knownAt = long.map(({ from }) => {
    const before = long.reduce((left, each) => left - eventsBefore(each, from), from)
    return Math.min(others, Math.max(0, before - ahead))
  })
  // A request has no more of one identity than its burst.
  const most =
    1000 * Math.min(rate.fillPerMs, requestRate === null ? rate.fillPerMs : rate.burst * requestRate.fillPerMs)
  let left: number[] = []
  let next = 0
  let sent = 0
  let seconds = 0
  for (;;) {
    for (; next < long.length && (knownAt[next] ?? 0) <= sent; next++) left.push(long[next]?.events ?? 0)
    const each = left.length === 0 ? 0 : Math.min(most, (sent < others ? cap / 2 : cap) / left.length)
    const ofOthers = cap - each * left.length
    const stop = knownAt[next] ?? others
    const first = Math.min(...left)
    const untilFirst = left.length === 0 ? Number.POSITIVE_INFINITY : first / each
    const untilStop = sent < others ? (stop - sent) / ofOthers : Number.POSITIVE_INFINITY
    const step = Math.min(untilFirst, untilStop)
    if (step === Number.POSITIVE_INFINITY) return seconds
    seconds += step
    sent = sent < others ? (step === untilStop ? stop : sent + step * ofOthers) : sent
    left =
      step === untilFirst
        ? left.filter((events) => events > first).map((events) => events - first)
        : left.map((events) => events - step * each)
  }
}

function eventsBefore({ events, from, to }: Spread, place: number): number {
  return place <= from ? 0 : events * Math.min(1, (place - from) / (to - from))
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
