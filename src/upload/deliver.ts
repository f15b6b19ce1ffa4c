import {
  type ApiName,
  EXCERPT_CHARACTERS,
  FAILURES_BEFORE_SPLIT,
  LOWEST_BODY_BYTES,
  SHOWN_CHARACTERS,
} from '../amplitude/limits.ts'
import type { Clock } from '../clock.ts'
import { StoppedError } from '../errors.ts'
import type { ScheduledRequest, Scheduler } from '../schedule/contract.ts'
import type { Ledger } from '../state/ledger.ts'
import { type Answer, classify, type DeadEvent, type Hold, type Verdict } from './classify.ts'
import type { Concurrency } from './concurrency.ts'
import type { DeadLetterWriter, Rejection } from './dead-letter-writer.ts'
import type { Pause } from './pause.ts'
import { backoffMs } from './pause.ts'
import { createReachability } from './reachability.ts'
import { createSuspects } from './suspects.ts'
import type { Traffic } from './traffic.ts'
import type { Trouble, UploadEvent } from './upload-event.ts'

type Request = ScheduledRequest<UploadEvent>

/**
 * Acts on answers until every event of a request is settled: accepted, or rejected. Events that are sent again go through the scheduler
 * in the slot of their request, so that no event is ever in two requests.
 */
export interface Delivery {
  /** Does what the answer asks for. Resolves when that is done; rejects when dead letters cannot be written. */
  answered(request: Request, answer: Answer, sentAtMs: number): Promise<void>
  /** Sends the suspects once more, or rejects them, when nothing else is left to send. True when there were any. */
  resolveSuspects(): Promise<boolean>
  /** Rejects events at the end of a run that sends nothing more and waits for no answer. Resolves when there is room for more. */
  giveUp(rejections: readonly Rejection[]): Promise<void>
  /** Events that were sent and are not settled, but that Amplitude may have all the same: an answer was lost, or was a 5xx. */
  doubtful(): number
}

interface DeliveryOptions {
  readonly scheduler: Scheduler<UploadEvent>
  readonly ledger: Pick<Ledger, 'acceptEvent' | 'warn'>
  readonly deadLetters: DeadLetterWriter
  readonly concurrency: Pick<Concurrency, 'good' | 'bad'>
  readonly pause: Pause
  readonly traffic: Traffic
  readonly clock: Clock
  readonly api: ApiName
  readonly key: string
  readonly giveUpAfterMs: number
  /** From 0 to below 1. */
  readonly random: () => number
  /** Lets go of the bytes of an event that is settled. */
  readonly release: (event: UploadEvent) => void
  readonly sendPlain: () => void
  /** Ends the run: no more requests are sent. */
  readonly stop: (error: StoppedError) => void
  readonly tell: (line: string) => void
}

const HOUR_MS = 3_600_000
/** The user is told after this many failures: fewer are a hiccup, and silence for the half hour until the run gives up helps nobody. */
const TOLD_AFTER_FAILURES = 3

export function createDelivery(options: DeliveryOptions): Delivery {
  const { scheduler, ledger, deadLetters, concurrency, pause, traffic, clock, api, key, random } = options
  const reachability = createReachability(options.giveUpAfterMs)
  const suspects = createSuspects()
  let lastPassedMs = Number.NEGATIVE_INFINITY
  let oversized = 0
  let toldTrouble = false
  let doubtful = 0

  async function rejectAll(rejections: readonly Rejection[]): Promise<void> {
    const written = deadLetters.reject(rejections)
    for (const { event } of rejections) {
      if (event.trouble.failures > 0) doubtful -= 1
      options.release(event)
    }
    await written
  }

  function settleAll(request: Request, nowMs: number): void {
    for (const event of request.events) {
      if (event.trouble.failures > 0) doubtful -= 1
      ledger.acceptEvent(event)
      options.release(event)
    }
    traffic.accepted(request.events.length)
    scheduler.settled(request, nowMs)
  }

  async function settle(request: Request, ingested: number, sentAtMs: number): Promise<void> {
    const nowMs = clock.now()
    reachability.reached(nowMs)
    pause.passed()
    toldTrouble = false
    concurrency.good(nowMs)
    lastPassedMs = Math.max(lastPassedMs, sentAtMs)
    const missing = request.events.length - ingested
    if (missing > 0 && !troubleOf(request).sentForCount) {
      mark(request, { sentForCount: true })
      repeatAll(request, nowMs, nowMs)
    } else {
      if (missing > 0) {
        ledger.warn('ingested_fewer', missing)
        options.tell(
          `Amplitude says it took ${ingested} of ${request.events.length} events, twice; they count as accepted`,
        )
      }
      settleAll(request, nowMs)
    }
    await rejectAll(suspects.passed(sentAtMs))
  }

  function repeatAll(request: Request, notBeforeMs: number, nowMs: number): void {
    scheduler.repeat(request, [request.events.map((_, at) => at)], notBeforeMs, nowMs)
  }

  function repeatHalves(request: Request, notBeforeMs: number, nowMs: number): void {
    const all = request.events.map((_, at) => at)
    const half = (all.length + 1) >> 1
    scheduler.repeat(request, [all.slice(0, half), all.slice(half)], notBeforeMs, nowMs)
  }

  /** Rejects the `dead` events of the request and sends the others again, those of held identities later. */
  async function reject(request: Request, dead: readonly DeadEvent[], status: number | null, holds: readonly Hold[]) {
    const rejections: Rejection[] = []
    for (const each of dead) {
      const event = request.events[each.at]
      if (event !== undefined) rejections.push({ event, dead: each, status })
    }
    await rejectAll(rejections)
    const nowMs = clock.now()
    hold(holds, nowMs)
    const isDead = new Set(dead.map(({ at }) => at))
    const rest = [...request.events.keys()].filter((at) => !isDead.has(at))
    if (rest.length === 0) scheduler.settled(request, nowMs)
    else scheduler.repeat(request, [rest], nowMs, nowMs)
  }

  function hold(holds: readonly Hold[], nowMs: number): void {
    for (const { identity, forMs, forQuota } of holds) {
      if (forQuota) {
        const untilNextHourMs = HOUR_MS - (clock.wallClock() % HOUR_MS)
        traffic.paused(identity, untilNextHourMs)
        scheduler.pauseForQuota(identity, nowMs)
      } else {
        traffic.paused(identity, forMs)
        scheduler.pause(identity, nowMs + forMs, nowMs)
      }
    }
  }

  async function split(request: Request, detail: string, status: number | null): Promise<void> {
    const nowMs = clock.now()
    if (request.events.length === 1) {
      oversized = 0
      await reject(request, [{ at: 0, reason: 'too_large', detail }], status, [])
      return
    }
    // One oversized event must not shrink every later request: the byte target falls only after a second such request.
    if (!request.repeated) oversized += 1
    if (!request.repeated && oversized > 1) {
      scheduler.lowerRequestBytes(Math.max(LOWEST_BODY_BYTES, request.bytes >> 1))
    }
    repeatHalves(request, nowMs, nowMs)
  }

  async function findCulprit(request: Request, dead: DeadEvent, status: number | null): Promise<void> {
    const nowMs = clock.now()
    const { refusedAtMs } = troubleOf(request)
    mark(request, { refusedAtMs: Math.min(refusedAtMs, nowMs) })
    const [event] = request.events
    if (request.events.length > 1 || event === undefined) {
      repeatHalves(request, nowMs, nowMs)
      return
    }
    switch (suspects.refused({ event, dead, status })) {
      case 'guilty':
        await reject(request, [dead], status, [])
        return
      case 'suspected':
        // The suspect waits for another request to pass. It leaves the scheduler, and so holds up no other event.
        scheduler.settled(request, nowMs)
        return
      case 'everything':
        options.stop(
          new StoppedError(`Amplitude refuses every request: ${dead.detail.slice(0, SHOWN_CHARACTERS)}`, {
            stopped: 'refused',
            hint: 'Nothing was dead-lettered for it. Look at --endpoint and the proxy in between; the same command goes on.',
          }),
        )
    }
  }

  async function backOff(
    request: Request,
    verdict: Extract<Verdict, { do: 'backOff' }>,
    status: number | null,
    sentAtMs: number,
  ): Promise<void> {
    const nowMs = clock.now()
    concurrency.bad(nowMs)
    const before = troubleOf(request)
    const failures = before.failures + 1
    const failingSinceMs = Math.min(before.failingSinceMs, sentAtMs)
    if (verdict.scope !== 'run') {
      for (const { trouble } of request.events) if (trouble.failures === 0) doubtful += 1
      mark(request, { failures, failingSinceMs })
    }
    const { detail: why, excerpt } = verdict
    const gaveUp = reachability.failed({ detail: why, excerpt, sentAtMs, nowMs })
    if (gaveUp !== null) {
      options.stop(gaveUp)
      return
    }
    const deadlineMs = reachability.deadlineMs()
    if (failures === TOLD_AFTER_FAILURES && lastPassedMs < failingSinceMs && !toldTrouble) {
      toldTrouble = true
      options.tell(`Amplitude takes nothing: ${why.slice(0, EXCERPT_CHARACTERS)}; trying again`)
    }
    if (verdict.scope === 'run') {
      repeatAll(request, pause.begin(nowMs, verdict.retryAfterMs, deadlineMs), nowMs)
      return
    }
    if (failures < FAILURES_BEFORE_SPLIT || lastPassedMs < failingSinceMs) {
      const waitMs = verdict.retryAfterMs ?? backoffMs(failures, random())
      repeatAll(request, Math.min(nowMs + waitMs, deadlineMs), nowMs)
    } else if (request.events.length > 1) {
      repeatHalves(request, nowMs + backoffMs(1, random()), nowMs)
    } else {
      const detail = `failed ${failures} times while others passed: ${why}`
      await reject(request, [{ at: 0, reason: 'server_error', detail }], status, [])
    }
  }

  /** The return type is not `void`, so that the compiler reports a verdict that is forgotten here. */
  function act(request: Request, verdict: Verdict, status: number | null, sentAtMs: number): Promise<void> | undefined {
    const nowMs = clock.now()
    switch (verdict.do) {
      case 'settle':
        return settle(request, verdict.ingested, sentAtMs)
      case 'deadLetter':
        reachability.reached(nowMs)
        return reject(request, verdict.dead, status, verdict.holds)
      case 'split':
        return split(request, verdict.detail, status)
      case 'hold':
        reachability.reached(nowMs)
        if (verdict.runEventsPerSecond !== null) scheduler.lowerLimit(verdict.runEventsPerSecond, nowMs)
        hold(verdict.holds, nowMs)
        repeatAll(request, nowMs, nowMs)
        return undefined
      case 'backOff':
        return backOff(request, verdict, status, sentAtMs)
      case 'requestRefused':
        return findCulprit(request, { at: 0, reason: verdict.reason, detail: verdict.detail }, status)
      case 'sendPlain':
        options.sendPlain()
        repeatAll(request, nowMs, nowMs)
        return undefined
      case 'stop':
        options.stop(verdict.error)
        return undefined
    }
  }

  return {
    async answered(request, answer, sentAtMs) {
      const verdict = classify(answer, { events: request.events, api, key, wallClockMs: clock.wallClock() })
      await act(request, verdict, answer.is === 'response' ? answer.status : null, sentAtMs)
    },
    async resolveSuspects() {
      if (suspects.count() === 0) return false
      const { again, guilty } = suspects.takeAll()
      const nowMs = clock.now()
      for (const event of again) scheduler.offer(event, nowMs)
      await rejectAll(guilty)
      return true
    },
    giveUp: rejectAll,
    doubtful: () => doubtful,
  }
}

/** The least trouble of the request's events. It may differ: events that went back to their lanes may share a request with others. */
function troubleOf({ events }: Request): Trouble {
  const [first] = events
  if (first === undefined) throw new Error('A request without events')
  let least = first.trouble
  for (const { trouble } of events) {
    if (trouble === least) continue
    least = {
      failures: Math.min(least.failures, trouble.failures),
      failingSinceMs: Math.max(least.failingSinceMs, trouble.failingSinceMs),
      refusedAtMs: Math.max(least.refusedAtMs, trouble.refusedAtMs),
      sentForCount: least.sentForCount && trouble.sentForCount,
    }
  }
  return least
}

function mark(request: Request, changed: Partial<Trouble>): void {
  const trouble = { ...troubleOf(request), ...changed }
  for (const event of request.events) event.trouble = trouble
}
