import type {
  IdentityRef,
  LaneFiles,
  QueuedEvent,
  ScheduledRequest,
  Scheduler,
  SchedulerStatistics,
} from '../../src/schedule/contract.ts'
import { createDailyQuota, type DailyQuota } from '../../src/schedule/quota.ts'
import { createScheduler } from '../../src/schedule/scheduler.ts'
import { createAgenda } from './agenda.ts'
import { createRandom } from './random.ts'
import { createServer } from './server.ts'

export interface SimulatedEvent extends QueuedEvent {
  /** Input order, from 0. */
  readonly number: number
  /** It is of the hot part of the scenario: the others are timed apart. */
  readonly hot: boolean
}

export interface Simulation {
  readonly events: readonly SimulatedEvent[]
  readonly seed: number
  readonly eventsPerSecond?: number
  readonly burst?: number
  readonly maxEventsPerSecond?: number
  readonly maxRequestsPerSecond?: number
  readonly maxRequestEvents?: number
  readonly maxRequestBytes?: number
  readonly memoryBytes?: number
  readonly dailyQuota?: number
  /** Requests in flight at once. */
  readonly slots?: number
  /** Events the reader reads in a second; as fast as it may, unless given. */
  readonly readPerSecond?: number
  /** Round trips, evenly spread between. */
  readonly latencyMs?: readonly [number, number]
  /** Share of requests that arrive later by up to `lateMs`. */
  readonly lateShare?: number
  readonly lateMs?: number
  /** Share of answers that are lost after the server counted; the client sees a reset. */
  readonly lostShare?: number
  /** Share of requests answered 503, not counted. */
  readonly unavailableShare?: number
  /** Share of requests in which one event is bad: it is dead-lettered and the rest sent again, or the request halved. */
  readonly badShare?: number
  /** Share of requests in which one identity, chosen at random, is refused for 30 s. */
  readonly refusedShare?: number
  /** Kills the process so often, and starts another. */
  readonly killEveryMs?: number
  readonly killsUntilMs?: number
  /** Stops cleanly then: no new requests, answers awaited; then another process goes on. */
  readonly stopAtMs?: number
  readonly laneFileDelayMs?: number
  readonly onQuota?: 'wait' | 'stop'
  /** The first event goes alone and takes so long; after that no attempt takes longer than the scheduler allows for. */
  readonly warmUpMs?: number
  /** Called at every offer, send and step, for checks of a test's own. */
  readonly onOffer?: (event: SimulatedEvent, nowMs: number) => void
  readonly onSend?: (events: readonly SimulatedEvent[], nowMs: number) => void
  readonly onStep?: (statistics: SchedulerStatistics, nowMs: number) => void
}

export interface Outcome {
  readonly endMs: number
  readonly lastOtherMs: number
  readonly accepted: number
  readonly refusals: number
  readonly worstWindow: number
  readonly requests: number
  readonly repeatedRequests: number
  /** A message for each broken promise; the first few. */
  readonly broken: string[]
  readonly mostEventsInMemory: number
  readonly mostIdentities: number
  readonly mostHot: number
  readonly deferredEvents: number
  readonly filesReadBack: number
  readonly steps: number
  readonly mostDelayMs: number
  readonly quotaLeftUntilMs: number | null
  readonly inFiles: number[]
  readonly unsettled: number[]
}

const PAUSE_MS = 30_000

/** Runs a scheduler in virtual time against a server and a network, until everything is settled. */
export function simulate(simulation: Simulation): Outcome {
  const {
    events,
    slots = 4,
    latencyMs: [shortest, longest] = [20, 1000],
    lateShare = 0,
    lateMs = 10_000,
    lostShare = 0,
    unavailableShare = 0,
    badShare = 0,
    refusedShare = 0,
    eventsPerSecond = 30,
    readPerSecond = Number.POSITIVE_INFINITY,
    laneFileDelayMs = 5,
  } = simulation
  const random = createRandom(simulation.seed)
  const server = createServer(eventsPerSecond)
  const agenda = createAgenda()
  const settled = new Uint8Array(events.length)
  const pairInFlight = new Map<string, number>()
  const lastOfPair = new Map<string, number>()
  const broken: string[] = []
  let now = 0
  let life = 0
  let lastOtherMs = 0
  let settledCount = 0
  let requests = 0
  let repeatedRequests = 0
  let mostEventsInMemory = 0
  let mostIdentities = 0
  let mostHot = 0
  let mostDelayMs = 0
  let written = 0
  let readBack = 0
  let stepsBefore = 0
  let quotaLeftUntilMs: number | null = null

  const lanes = new Map<string, { ref: IdentityRef; numbers: number[]; read: number }>()
  const inFile = new Uint8Array(events.length)
  const wasAccepted = new Uint8Array(events.length)
  let restarted = false
  let quota = newQuota()
  let scheduler = start()
  let nextToRead = 0
  let stopped = false

  function breaks(message: string): void {
    if (broken.length < 5) broken.push(`${message} (at ${now} ms, seed ${simulation.seed})`)
  }

  function createLaneFiles(): LaneFiles<SimulatedEvent> {
    const ofLife = life
    return {
      pendingBytes: 0,
      append(ref, event) {
        const key = `${ref.kind} ${ref.id}`
        const file = lanes.get(key) ?? { ref: { kind: ref.kind, id: ref.id }, numbers: [], read: 0 }
        lanes.set(key, file)
        file.numbers.push(event.number)
        if (inFile[event.number] === 1) breaks(`event ${event.number} is deferred twice`)
        inFile[event.number] = 1
        written += 1
      },
      read(ref, count) {
        const file = lanes.get(`${ref.kind} ${ref.id}`)
        if (file === undefined || file.read + count > file.numbers.length)
          return breaks('asked for more than the file has')
        // Some answers are short, as a reader of blocks gives them.
        const some = count > 1 && random() < 0.2 ? Math.ceil(count / 2) : count
        const numbers = file.numbers.slice(file.read, file.read + some)
        file.read += some
        readBack += some
        agenda.note(now + laneFileDelayMs, () => {
          if (ofLife === life)
            scheduler.readBack(
              ref,
              numbers.flatMap((number) => events[number] ?? []),
              0,
              now,
            )
        })
      },
      delete(ref) {
        const key = `${ref.kind} ${ref.id}`
        const file = lanes.get(key)
        if (file === undefined) return breaks('a file is deleted twice')
        if (file.numbers.some((number) => settled[number] === 0)) breaks('a file is deleted before it is drained')
        lanes.delete(key)
      },
    }
  }

  function newQuota(): DailyQuota {
    const limit = simulation.dailyQuota ?? Number.POSITIVE_INFINITY
    return createDailyQuota({ limit, wallClockOffsetMs: 0, saved: [] })
  }

  function start(): Scheduler<SimulatedEvent> {
    return createScheduler<SimulatedEvent>({
      eventsPerSecond,
      burst: simulation.burst,
      maxEventsPerSecond: simulation.maxEventsPerSecond,
      maxRequestsPerSecond: simulation.maxRequestsPerSecond,
      maxRequestEvents: simulation.maxRequestEvents ?? 1000,
      maxRequestBytes: simulation.maxRequestBytes ?? 1_000_000,
      memoryBytes: simulation.memoryBytes ?? 96_000_000,
      quota,
      files: createLaneFiles(),
      startedMs: now,
    })
  }

  function pairOf({ user, device }: SimulatedEvent): string {
    return `${user}\n${device}`
  }

  function send(request: ScheduledRequest<SimulatedEvent>): void {
    requests += 1
    if (request.repeated) repeatedRequests += 1
    simulation.onSend?.(request.events, now)
    for (const event of request.events) {
      const pair = pairOf(event)
      const slot = pairInFlight.get(pair)
      if (slot !== undefined && slot !== request.slot) breaks(`${pair} is in two requests`)
      pairInFlight.set(pair, request.slot)
      if (settled[event.number] === 1) breaks(`event ${event.number} is sent after it was settled`)
    }
    const ofLife = life
    const latency = shortest + random() * (longest - shortest)
    const late = random() < lateShare ? random() * lateMs : 0
    const { arrivesMs, answeredMs } = arrival(latency, late)
    const fate = random()
    if (fate < unavailableShare) {
      agenda.note(answeredMs, () => {
        if (ofLife === life) unknown(request)
      })
      return
    }
    agenda.note(arrivesMs, () => {
      if (refusedShare > 0 && random() < refusedShare) refuseOne(request.events)
      const answer = server.arrive(request.events, now)
      if (answer.status === 200 && ofLife === life) checkOrder(request.events)
      agenda.note(answeredMs, () => {
        if (ofLife !== life) return
        if (fate < unavailableShare + lostShare) unknown(request)
        else if (answer.status === 429) refused(request, answer.throttled)
        else if (random() < badShare) bad(request)
        else accept(request)
      })
    })
  }

  function arrival(latency: number, late: number): { arrivesMs: number; answeredMs: number } {
    const { warmUpMs } = simulation
    const arrivesMs = now + latency * random() + late
    if (warmUpMs === undefined) return { arrivesMs, answeredMs: Math.max(arrivesMs, now + latency) }
    if (requests === 1) return { arrivesMs: now + warmUpMs, answeredMs: now + warmUpMs }
    // An event may have been charged 50 ms before.
    const latestMs = now + scheduler.statistics().delayMs - 50
    const boundedMs = Math.min(arrivesMs, latestMs)
    return { arrivesMs: boundedMs, answeredMs: Math.max(boundedMs, Math.min(now + latency, latestMs)) }
  }

  function refuseOne(sent: readonly SimulatedEvent[]): void {
    const event = sent[Math.floor(random() * sent.length)]
    if (event === undefined) return
    const { user, device } = event
    if (user !== null && (device === null || random() < 0.5)) server.block({ kind: 'user', id: user }, now + PAUSE_MS)
    else if (device !== null) server.block({ kind: 'device', id: device }, now + PAUSE_MS)
  }

  /** The first time each event is accepted, those of a pair of user and device come in input order. */
  function checkOrder(accepted: readonly SimulatedEvent[]): void {
    for (const event of accepted) {
      // A crash leaves open what came before what is in a lane file; repeats of what came are no new arrivals.
      if (restarted || wasAccepted[event.number] === 1) continue
      wasAccepted[event.number] = 1
      const pair = pairOf(event)
      const last = lastOfPair.get(pair) ?? -1
      if (event.number < last) breaks(`${pair} sends ${event.number} after ${last}`)
      lastOfPair.set(pair, event.number)
    }
  }

  function answered(request: ScheduledRequest<SimulatedEvent>): void {
    for (const event of request.events) pairInFlight.delete(pairOf(event))
  }

  function settleEvent(event: SimulatedEvent): void {
    if (settled[event.number] === 1) breaks(`event ${event.number} is settled twice`)
    settled[event.number] = 1
    settledCount += 1
    if (!event.hot) lastOtherMs = now
  }

  function accept(request: ScheduledRequest<SimulatedEvent>): void {
    answered(request)
    for (const event of request.events) settleEvent(event)
    scheduler.settled(request, now)
  }

  function unknown(request: ScheduledRequest<SimulatedEvent>): void {
    answered(request)
    scheduler.repeat(request, [request.events.map((_, at) => at)], now + random() * 500, now)
  }

  function bad(request: ScheduledRequest<SimulatedEvent>): void {
    answered(request)
    const all = request.events.map((_, at) => at)
    if (random() < 0.5 && all.length > 1) {
      const half = all.length >> 1
      scheduler.repeat(request, [all.slice(0, half), all.slice(half)], now, now)
      return
    }
    const at = Math.floor(random() * all.length)
    const event = request.events[at]
    if (event !== undefined) settleEvent(event)
    scheduler.repeat(request, [all.filter((each) => each !== at)], now, now)
  }

  function refused(request: ScheduledRequest<SimulatedEvent>, throttled: readonly IdentityRef[]): void {
    answered(request)
    for (const ref of throttled) scheduler.pause(ref, now + PAUSE_MS, now)
    scheduler.repeat(request, [request.events.map((_, at) => at)], now, now)
  }

  /** After a clean stop, what was read is settled, in a lane file, or in memory and so read again. */
  function checkStop(): void {
    const readBackOf = new Set<number>()
    for (const file of lanes.values()) for (const number of file.numbers.slice(0, file.read)) readBackOf.add(number)
    let inMemory = 0
    for (let number = 0; number < nextToRead; number += 1) {
      if (settled[number] === 0 && (inFile[number] === 0 || readBackOf.has(number))) inMemory += 1
    }
    const { eventsInMemory, eventsInFiles } = scheduler.statistics()
    if (eventsInMemory !== inMemory) breaks(`${eventsInMemory} events are in memory, not ${inMemory}`)
    const unread = [...lanes.values()].reduce((sum, file) => sum + file.numbers.length - file.read, 0)
    if (eventsInFiles !== unread) breaks(`${eventsInFiles} events are in files, not ${unread}`)
  }

  function kill(): void {
    restarted = true
    life += 1
    pairInFlight.clear()
    stepsBefore += scheduler.statistics().steps
    quota = newQuota()
    scheduler = start()
    for (const [key, file] of lanes) {
      file.numbers = file.numbers.filter((number) => settled[number] === 0)
      file.read = 0
      if (file.numbers.length === 0) lanes.delete(key)
      else scheduler.restoreLaneFile(file.ref, file.numbers.length, now)
    }
    nextToRead = 0
    const { killEveryMs, killsUntilMs = 0 } = simulation
    if (killEveryMs !== undefined && now + killEveryMs <= killsUntilMs) agenda.note(now + killEveryMs, kill)
  }

  /** Events the reader may have read by now, going by its speed. */
  function readable(): number {
    const byNow = readPerSecond === Number.POSITIVE_INFINITY ? events.length : (now * readPerSecond) / 1000
    return Math.min(events.length, Math.floor(byNow))
  }

  function read(): void {
    const upTo = simulation.warmUpMs !== undefined && settledCount === 0 ? 1 : readable()
    while (nextToRead < upTo && !scheduler.readerShouldWait(now)) {
      const event = events[nextToRead]
      nextToRead += 1
      if (event !== undefined && settled[event.number] === 0 && inFile[event.number] === 0) {
        simulation.onOffer?.(event, now)
        scheduler.offer(event, now)
      }
    }
    if (nextToRead === events.length) scheduler.endInput()
    const { eventsInMemory, identities, hotIdentities, delayMs } = scheduler.statistics()
    mostEventsInMemory = Math.max(mostEventsInMemory, eventsInMemory)
    mostIdentities = Math.max(mostIdentities, identities)
    mostHot = Math.max(mostHot, hotIdentities)
    mostDelayMs = Math.max(mostDelayMs, delayMs)
  }

  function mayOpen(): boolean {
    return scheduler.slotsInUse() < slots
  }

  if (simulation.killEveryMs !== undefined) agenda.note(now + simulation.killEveryMs, kill)
  if (simulation.stopAtMs !== undefined) {
    agenda.note(simulation.stopAtMs, () => {
      stopped = true
    })
  }
  let idle = 0
  for (;;) {
    agenda.pass(now)
    if (settledCount === events.length) break
    if (!stopped) {
      read()
      for (let request = scheduler.next(now, mayOpen()); request !== null; request = scheduler.next(now, mayOpen())) {
        send(request)
      }
      simulation.onStep?.(scheduler.statistics(), now)
    }
    if (scheduler.onlyQuotaLeftUntilMs(now) !== null) {
      quotaLeftUntilMs ??= scheduler.onlyQuotaLeftUntilMs(now)
      if (simulation.onQuota === 'stop') break
    }
    let next = Math.min(agenda.nextMs(), stopped ? Number.POSITIVE_INFINITY : scheduler.nextWakeMs(now, mayOpen()))
    const waits = scheduler.readerShouldWait(now)
    if (!stopped && nextToRead < events.length && !waits && readPerSecond !== Number.POSITIVE_INFINITY) {
      next = Math.min(next, Math.max(now + 10, ((nextToRead + 1) / readPerSecond) * 1000))
    }
    if (next === Number.POSITIVE_INFINITY) {
      if (stopped) {
        checkStop()
        kill()
        stopped = false
        continue
      }
      breaks(`nothing will ever happen, ${events.length - settledCount} events are left`)
      break
    }
    idle = next > now ? 0 : idle + 1
    if (idle > 10_000) {
      breaks('time stands still')
      break
    }
    now = Math.max(now, next)
  }

  const { deferredEvents, steps } = scheduler.statistics()
  if (life === 0 && deferredEvents !== written) breaks('the scheduler miscounts what it defers')
  if (settledCount === events.length && !scheduler.isDrained() && life === 0) {
    breaks('the scheduler thinks that something is left')
  }
  if (settledCount === events.length && life === 0 && written !== readBack)
    breaks('not all deferred events were read once')
  return {
    endMs: now,
    lastOtherMs,
    accepted: settledCount,
    refusals: server.refusals(),
    worstWindow: server.worstWindow(),
    requests,
    repeatedRequests,
    broken,
    mostEventsInMemory,
    mostIdentities,
    mostHot,
    mostDelayMs,
    deferredEvents: written,
    filesReadBack: readBack,
    steps: stepsBefore + steps,
    quotaLeftUntilMs,
    inFiles: [...lanes.values()].flatMap((file) => file.numbers.filter((number) => settled[number] === 0)),
    unsettled: events.filter((event) => settled[event.number] === 0).map((event) => event.number),
  }
}
