import type { IdentityRef } from '../schedule/contract.ts'
import type { Answer } from './classify.ts'

/** What went over the wire in this run, for the summary and for progress. */
export interface Traffic {
  sent(isRepeat: boolean): void
  answered(answer: Answer): void
  /** Events that were accepted just now. */
  accepted(count: number, nowMs: number): void
  /** A 429 holds this identity. */
  held(identity: IdentityRef, untilMs: number, nowMs: number): void
  figures(nowMs: number): TrafficFigures
}

export interface TrafficFigures {
  readonly requests: number
  /** By HTTP status; `timeout` and `network` have none. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly retries: number
  /** Identities that a 429 ever held. */
  readonly heldIdentities: number
  readonly heldMs: number
  /** Over the last minute, or since the start. */
  readonly eventsPerSecond: number
  /** The best that was seen over ten seconds; the average of a run that took less. */
  readonly bestEventsPerSecond: number
}

const SECONDS = 60
const BEST_OVER_SECONDS = 10

export function createTraffic(startedMs: number): Traffic {
  const byStatus = new Map<string, number>()
  const heldUntilMs = new Map<string, number>()
  const acceptedIn = new Float64Array(SECONDS)
  let requests = 0
  let retries = 0
  let heldMs = 0
  let total = 0
  let second = 0
  let best = 0

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
    accepted(count, nowMs) {
      turnTo(nowMs)
      const place = second % SECONDS
      acceptedIn[place] = (acceptedIn[place] ?? 0) + count
      total += count
      best = Math.max(best, lastSeconds(BEST_OVER_SECONDS) / BEST_OVER_SECONDS)
    },
    held({ kind, id }, untilMs, nowMs) {
      const name = `${kind} ${id}`
      const from = Math.max(nowMs, heldUntilMs.get(name) ?? 0)
      heldMs += Math.max(0, untilMs - from)
      heldUntilMs.set(name, Math.max(untilMs, from))
    },
    figures(nowMs) {
      turnTo(nowMs)
      const seconds = Math.min(SECONDS, Math.max(1, (nowMs - startedMs) / 1000))
      return {
        requests,
        byStatus: Object.fromEntries(byStatus),
        retries,
        heldIdentities: heldUntilMs.size,
        heldMs: Math.round(heldMs),
        eventsPerSecond: lastSeconds(SECONDS) / seconds,
        // In the first seconds the average is more.
        bestEventsPerSecond: Math.max(best, total / Math.max(0.001, (nowMs - startedMs) / 1000)),
      }
    },
  }
}
