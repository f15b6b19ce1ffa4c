import { API_LIMITS, type ApiName, BODY_MARGIN_BYTES, DAILY_QUOTA } from '../amplitude/limits.ts'
import type { Rate } from '../schedule/rate.ts'
import { createRunRates, MOST_WAITING_MS } from '../schedule/run-rates.ts'
import type { Spread } from './heaviest.ts'

/** The events of an upload, as `inspect` found them. */
export interface Load {
  readonly events: number
  /** Bytes of all events. */
  readonly bytes: number
  /** The users with the most events, the first most; and so the devices. */
  readonly users: readonly Spread[]
  readonly devices: readonly Spread[]
}

/** What the flags set; null for the API's own. */
export interface RateSettings {
  readonly batchSize: number | null
  readonly deviceEventsPerSecond: number | null
  readonly deviceBurst: number | null
  readonly maxEventsPerSecond: number | null
  readonly maxRequestsPerSecond: number | null
}

export interface Estimate {
  /** The least number: while events wait for a limit, requests go partly filled. */
  readonly requests: number
  readonly seconds: number
  /** What the upload waits for: one identity's limit, a cap of the whole run, the daily quota of one identity; null for nothing known. */
  readonly bound: 'identity' | 'rate_cap' | 'daily_quota' | null
  /** Nothing known bounds the upload: the network and Amplitude decide, and it takes at least `seconds`. */
  readonly atLeast: boolean
}

const DAY_S = 86_400
/** An upload that takes up to so many times what the cap alone takes is bound by the cap. */
const CAP_ALONE = 1.001
/** What one process sends when nothing limits it, in events a second: a low guess (src/README.md §6). */
export const FREE_EPS = 10_000

/** How long an upload takes. The rates are those that the scheduler starts with (schedule/README.md §1, §3). */
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
  // Whether the events of a hot user are also of a hot device is not known, so the two are not added up.
  const behindCap =
    cap === 0 ? [] : [users, devices].map((hot) => secondsBehindCap(events, hot, events / cap, rate, requestRate))
  const seconds = Math.max(identity, quota, cap, ...behindCap)
  if (events === 0 || seconds < events / FREE_EPS) return { requests, seconds, bound: null, atLeast: true }
  const bound = seconds <= cap * CAP_ALONE ? 'rate_cap' : quota > identity ? 'daily_quota' : 'identity'
  return { requests, seconds, bound, atLeast: false }
}

/**
 * How long an upload under a cap takes. As in the scheduler, the reader keeps to what the cap lets pass. Identities that
 * take long come first from when they are known, up to their own rate and half of the cap.
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

/** How long tokens take to grow. Every bucket is empty when a run starts, so all of them have to. */
function secondsFor(tokens: number, rate: Rate | null): number {
  return rate === null ? 0 : tokens / (rate.fillPerMs * 1000)
}

/** How long the events of one identity take. Whenever the quota of a day is used up, the rest of the day is waited for. */
function quotaSeconds(events: number, rate: Rate): number {
  const fullDays = Math.max(0, Math.ceil(events / DAILY_QUOTA) - 1)
  return fullDays * Math.max(DAY_S, secondsFor(DAILY_QUOTA, rate)) + secondsFor(events - fullDays * DAILY_QUOTA, rate)
}
