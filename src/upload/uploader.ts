import { API_LIMITS, BODY_MARGIN_BYTES } from '../amplitude/limits.ts'
import type { Clock } from '../clock.ts'
import type { EventTypes, MappedChunk } from '../model.ts'
import { withRecordTexts } from '../record-text.ts'
import type { IdentityRef, ScheduledRequest } from '../schedule/contract.ts'
import type { DailyQuota } from '../schedule/quota.ts'
import { createScheduler } from '../schedule/scheduler.ts'
import type { Sink } from '../sink.ts'
import type { TrafficFigures } from '../state/checkpoint.ts'
import { stoppedByDisk } from '../state/file-system.ts'
import type { LaneFiles, RecalledLine } from '../state/lane-file.ts'
import { type Ledger, UNKNOWN_DETAIL } from '../state/ledger.ts'
import type { ChunkTicket } from '../state/settled.ts'
import type { DeadEvent } from './classify.ts'
import { createConcurrency } from './concurrency.ts'
import { createDeadLetterWriter, type LetterLog, type Rejection } from './dead-letter-writer.ts'
import { createDelivery } from './deliver.ts'
import { createEventSlabs } from './event-slabs.ts'
import type { HttpClient } from './http-client.ts'
import { createPause } from './pause.ts'
import { createQuotaWatch } from './quota-watch.ts'
import { createRequestBuilder } from './request.ts'
import type { Traffic } from './traffic.ts'
import { eventOfLine, type UploadEvent } from './upload-event.ts'
import { eventsPerSecondOf, type UploadSettings } from './upload-settings.ts'
import { createWakeUp } from './wake-up.ts'

/** What the uploader asks of the lane files. */
export type LaneStore = Pick<LaneFiles, 'append' | 'read' | 'delete' | 'pendingBytes' | 'longest' | 'restored' | 'idle'>

export interface UploaderOptions {
  readonly settings: UploadSettings
  readonly key: string
  /** The caller closes the client. */
  readonly client: Pick<HttpClient, 'post' | 'sendPlain'>
  readonly ledger: Pick<Ledger, 'acceptEvent' | 'rejectEvent' | 'recall' | 'warn' | 'hasTooManyErrors'>
  readonly letters: LetterLog
  readonly lanes: LaneStore
  /** `traffic` and `quota` count the events that are sent. */
  readonly traffic: Traffic
  readonly quota: DailyQuota
  /** The mapping's event types, numbered as in chunks. */
  readonly types: EventTypes
  readonly clock: Clock
  /** From 0 to below 1. */
  readonly random: () => number
  /** Rejects the lines of lane files whose outcome is unknown, instead of sending them again. */
  readonly rejectsUnknown: boolean
  /** Called when records may have been settled. */
  readonly onSettled: () => void
  /** The user's wish to stop. */
  readonly signal: AbortSignal
  /** Aborts when the run cannot go on. The uploader, too, may abort it. */
  readonly failure: AbortController
  /** Shows one line. */
  readonly tell: (line: string) => void
}

/** Where an upload stands, for progress and for the summary. */
export interface UploadFigures extends TrafficFigures {
  /** The rate of accepted events over the last minute, or since the start. */
  readonly eventsPerSecond: number
  readonly inFlight: number
  readonly concurrency: number
  /** Identities whose events wait in lane files. */
  readonly hotIdentities: number
  readonly eventsInFiles: number
  /** Events in memory, whether in flight or waiting. */
  readonly eventsInMemory: number
  /** Events in the fullest lane file. */
  readonly longestLane: number
  /** Events that one identity may send in a second, as of now. */
  readonly eventsPerSecondOfIdentity: number
}

export interface Uploader extends Sink {
  figures(): UploadFigures
  /** After the end: true when every answer came, and told what became of the events. */
  isClean(): boolean
}

/** Most bytes of events and records in memory (schedule/README.md §3). */
const MEMORY_BYTES = 96 << 20
/** Most bytes of it that lane files may hold unwritten. More would not make the disk faster. */
const MOST_UNWRITTEN_BYTES = 4 << 20
/** How long a stop waits for the answers of requests in flight (state/README.md §7). */
const LAST_ANSWERS_MS = 10_000
const OUTCOME_UNKNOWN: DeadEvent = { at: 0, reason: 'outcome_unknown', detail: UNKNOWN_DETAIL }
/** `--concurrency auto` */
const FIRST_CONCURRENCY = 4
export const MOST_CONCURRENCY = 32

/**
 * The sink that sends events to Amplitude. The scheduler says which event goes when, `deliver.ts` acts on answers. The uploader reads the
 * lane files of the previous process at once. So make it only once a checkpoint is durable that does not call the run clean.
 */
export function createUploader(options: UploaderOptions): Uploader {
  const { settings, client, ledger, letters, lanes, traffic, types, clock, random, signal, failure, tell } = options
  const limits = API_LIMITS[settings.api]
  let stopping = AbortSignal.any([signal, failure.signal])
  const eventSlabs = createEventSlabs()
  const builder = createRequestBuilder(options.key)
  const pause = createPause(random)
  const most = settings.concurrency === 'auto' ? MOST_CONCURRENCY : settings.concurrency
  const concurrency = createConcurrency({
    start: Math.min(most, settings.concurrency === 'auto' ? FIRST_CONCURRENCY : most),
    max: most,
  })
  const typeName = (type: number) => types.typeNames[type] ?? null
  const deadLetters = createDeadLetterWriter({ letters, ledger, typeName, wallClock: clock.wallClock })
  const wakeUp = createWakeUp(clock, pump)

  const scheduler = createScheduler<UploadEvent>({
    eventsPerSecond: eventsPerSecondOf(settings),
    burst: settings.deviceBurst ?? undefined,
    maxEventsPerSecond: settings.maxEventsPerSecond ?? undefined,
    maxRequestsPerSecond: settings.maxRequestsPerSecond ?? undefined,
    maxRequestEvents: Math.min(settings.batchSize ?? limits.maxEvents, limits.maxEvents),
    maxRequestBytes: limits.maxBodyBytes - BODY_MARGIN_BYTES - builder.envelopeBytes,
    memoryBytes: MEMORY_BYTES,
    quota: options.quota,
    files: {
      append(identity, event) {
        lanes.append(identity, event)
        eventSlabs.release(event)
      },
      read: readLane,
      delete: lanes.delete,
      get pendingBytes() {
        return lanes.pendingBytes
      },
    },
    startedMs: clock.now(),
  })
  const delivery = createDelivery({
    scheduler,
    ledger,
    deadLetters,
    concurrency,
    pause,
    traffic,
    clock,
    api: settings.api,
    key: options.key,
    giveUpAfterMs: settings.giveUpAfterMs,
    random,
    release: eventSlabs.release,
    sendPlain: () => client.sendPlain(),
    stop: fail,
    tell,
  })

  const quotaWatch = createQuotaWatch({ onQuota: settings.onQuota, clock, stop: fail, tell })

  /** Requests whose answers are not dealt with yet. */
  let underWay = 0
  let readsUnderWay = 0
  let inputEnded = false
  let isSettlingSuspects = false
  /** True when acting on an answer has failed: what became of that request is unknown. */
  let isBroken = false
  /** True when some events under way were settled without their answers. */
  let hasGivenUp = false
  /** Called at every change, so that each waiter checks its own condition again. */
  let waiters: (() => void)[] = []

  function fail(error: unknown): void {
    if (!failure.signal.aborted) failure.abort(error)
    wakeWaiters()
  }

  function onDiskFailure(error: Error): void {
    fail(stoppedByDisk(error))
  }

  function wakeWaiters(): void {
    const all = waiters
    waiters = []
    for (const wake of all) wake()
  }

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        waiters.push(resolve)
      })
    }
  }

  function readLane(owner: IdentityRef, count: number): void {
    readsUnderWay += 1
    lanes
      .read(owner, count)
      .then((lines) => takeBack(owner, lines))
      .catch(onDiskFailure)
      .finally(() => {
        readsUnderWay -= 1
        pump()
      })
  }

  function takeBack(owner: IdentityRef, lines: readonly RecalledLine[]): void {
    const events: UploadEvent[] = []
    const unknown: Rejection[] = []
    for (const line of lines) {
      const event = eventOfLine(line, line.eventType === null ? -1 : types.planOf(line.eventType).number)
      ledger.recall(event)
      if (options.rejectsUnknown && event.ticket.isUnknown) unknown.push({ event, dead: OUTCOME_UNKNOWN, status: null })
      else events.push(event)
    }
    deadLetters.reject(unknown).catch(onDiskFailure)
    scheduler.readBack(owner, events, unknown.length, clock.now())
  }

  /** Sends the requests that may go now, and sets the timer for the next one. */
  function pump(): void {
    if (!mustStop()) {
      const nowMs = clock.now()
      if (pause.endsAtMs() > nowMs) {
        wakeUp.by(pause.endsAtMs())
      } else {
        sendAll(nowMs)
        if (inputEnded) quotaWatch.look(scheduler.onlyQuotaLeftUntilMs(nowMs), nowMs)
      }
    }
    traffic.scheduled(scheduler.statistics())
    wakeWaiters()
  }

  function sendAll(nowMs: number): void {
    const mayOpen = () => scheduler.slotsInUse() < concurrency.limit()
    while (concurrency.hasRoom()) {
      const request = scheduler.next(nowMs, mayOpen())
      if (request === null) {
        wakeUp.by(scheduler.nextWakeMs(nowMs, mayOpen()))
        return
      }
      send(request, nowMs)
    }
  }

  function send(request: ScheduledRequest<UploadEvent>, nowMs: number): void {
    underWay += 1
    traffic.sent(request.repeated)
    const body = builder.build(request.events)
    concurrency
      .run(() => client.post(body))
      .then(async (answer) => {
        // When a request is refused early, the rest of its body may still be on its way out.
        if (answer.is === 'failure' || answer.status === 200) builder.reuse(body)
        traffic.answered(answer)
        if (hasGivenUp) return
        await delivery.answered(request, answer, nowMs)
      })
      .catch((error: unknown) => {
        isBroken = true
        fail(stoppedByDisk(error))
      })
      .finally(() => {
        underWay -= 1
        options.onSettled()
        if (ledger.hasTooManyErrors()) wakeWaiters()
        pump()
      })
  }

  function isDone(): boolean {
    return scheduler.isDrained() && underWay === 0 && !isSettlingSuspects
  }

  function mustStop(): boolean {
    return stopping.aborted || ledger.hasTooManyErrors()
  }

  async function deliverAll(): Promise<void> {
    for (;;) {
      pump()
      await until(() => mustStop() || isDone())
      if (mustStop()) return
      isSettlingSuspects = true
      const hadSuspects = await delivery.resolveSuspects().finally(() => {
        isSettlingSuspects = false
      })
      if (!hadSuspects) return
    }
  }

  /** After a stop: waits for the answers of requests in flight, 10 s at most. Events without an answer by then stay pending. */
  async function lastAnswers(): Promise<void> {
    wakeUp.cancel()
    const waited = new AbortController()
    await Promise.race([clock.sleep(LAST_ANSWERS_MS, waited.signal), until(() => underWay === 0)])
    waited.abort()
  }

  signal.addEventListener('abort', wakeWaiters, { once: true })
  failure.signal.addEventListener('abort', wakeWaiters, { once: true })

  for (const { owner, unread } of lanes.restored()) scheduler.restoreLaneFile(owner, unread, clock.now())

  return {
    failed: failure.signal,
    async put(chunk: MappedChunk, ticket: ChunkTicket | null) {
      if (ticket === null) throw new Error('an upload settles what it sends')
      // The failure is handled at once: it may come while something else is awaited.
      const added = chunk.details.size > 0 ? deadLetters.addRecords(chunk).catch(onDiskFailure) : null
      let nowMs = clock.now()
      for (const events of eventSlabs.keep({ ...chunk, raw: withRecordTexts(chunk.raw) }, ticket)) {
        for (const event of events) {
          scheduler.offer(event, nowMs)
          // One event can make an identity hot, and move hundreds of events to a lane file.
          if (lanes.pendingBytes < MOST_UNWRITTEN_BYTES) continue
          await lanes.idle()
          nowMs = clock.now()
        }
        pump()
      }
      options.onSettled()
      await added
      await until(() => mustStop() || !scheduler.readerShouldWait(clock.now()))
    },
    async end(stop) {
      stopping = AbortSignal.any([stopping, stop])
      inputEnded = true
      scheduler.endInput()
      if (!mustStop()) await deliverAll()
      if (mustStop()) await lastAnswers()
      wakeUp.cancel()
      await until(() => readsUnderWay === 0)
      try {
        await lanes.idle()
        await letters.flush()
      } catch (error) {
        fail(stoppedByDisk(error))
      }
    },
    async giveUp(origin, detail) {
      hasGivenUp = true
      // Answers that come from now on are ignored.
      isBroken ||= underWay > 0
      const left = [...eventSlabs.kept()].filter(({ ticket }) => ticket.origin === origin)
      const dead: DeadEvent = { at: 0, reason: 'input_replaced', detail }
      await delivery.giveUp(left.map((event) => ({ event, dead, status: null })))
      await letters.flush().catch((error: Error) => {
        throw stoppedByDisk(error)
      })
      return left.length
    },
    isClean: () => !isBroken && underWay === 0 && delivery.doubtful() === 0,
    figures() {
      const statistics = scheduler.statistics()
      return {
        ...traffic.figures(),
        eventsPerSecond: traffic.eventsPerSecond(),
        inFlight: concurrency.inFlight(),
        concurrency: concurrency.limit(),
        hotIdentities: statistics.hotIdentities,
        eventsInFiles: statistics.eventsInFiles,
        eventsInMemory: statistics.eventsInMemory,
        longestLane: lanes.longest(),
        eventsPerSecondOfIdentity: statistics.eventsPerSecond,
      }
    },
  }
}
