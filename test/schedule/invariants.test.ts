import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anySimulation, anyTroubledSimulation, crowdOf } from './arbitrary.ts'
import { idsOf } from './ids.ts'
import { createRandom } from './random.ts'
import { type Outcome, type SimulatedEvent, type Simulation, simulate } from './simulator.ts'

/** `SEED=… RUNS=…` repeat a failure or look further. Every process tries other seeds, so that few runs are enough here. */
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const RUNS = Number(process.env['RUNS'] ?? 100)

function check(name: string, arbitrary: fc.Arbitrary<Simulation>, property: (simulation: Simulation) => void): void {
  test(name, (t) => {
    t.diagnostic(`SEED=${SEED}`)
    // The simulation itself is named in full by its own seed and options; its events would fill screens.
    const summary = arbitrary.map((simulation) => Object.assign(simulation, { toString: () => describe(simulation) }))
    fc.assert(fc.property(summary, property), { seed: SEED, numRuns: RUNS, includeErrorInReport: true })
  })
}

function describe({ events, ...options }: Simulation): string {
  return JSON.stringify({ ...options, events: events.length })
}

function limitOf({ eventsPerSecond = 30 }: Simulation): number {
  return eventsPerSecond
}

function assertComplete({ events }: Simulation, { accepted, broken }: Outcome): void {
  assert.deepEqual(broken, [])
  assert.equal(accepted, events.length)
}

check('1: in any 30 s an identity has at most 30 times its limit at the server', anySimulation, (simulation) => {
  const outcome = simulate(simulation)
  assertComplete(simulation, outcome)
  assert.equal(outcome.refusals, 0)
  assert.ok(outcome.worstWindow <= 30 * limitOf(simulation), `${outcome.worstWindow} events in 30 s`)
})

/** By how much a request of these came late at most; one simulation alone may have none that does. */
let latestMs = 0

check(
  '1: also when requests arrive up to J late',
  fc
    .record({ simulation: anySimulation, lateShare: fc.constantFrom(0.05, 0.5, 1) })
    .map(({ simulation, lateShare }) => {
      const warmUp = { number: 0, ...idsOf('warm', null), hot: false, bytes: 1, requestBytes: 1 }
      const events = [warmUp, ...simulation.events.map((event) => ({ ...event, number: event.number + 1 }))]
      return { ...simulation, events, lateShare, lateMs: 20_000, warmUpMs: 9900 }
    }),
  (simulation) => {
    const outcome = simulate(simulation)
    assertComplete(simulation, outcome)
    assert.equal(outcome.refusals, 0)
    latestMs = Math.max(latestMs, outcome.mostDelayMs)
  },
)

test('1: … and requests did arrive as late as that', () => assert.ok(latestMs >= 9900, `${latestMs} ms`))

check('1: also when the process is killed again and again', anySimulation, (simulation) => {
  const outcome = simulate({ ...simulation, killEveryMs: 700, killsUntilMs: 20_000 })
  assertComplete(simulation, outcome)
  assert.equal(outcome.refusals, 0)
})

check('2: one request in flight per lane, and a lane sends in input order', anyTroubledSimulation, (simulation) => {
  // Both are checked by the simulator at every send and arrival, by pair of user and device.
  assertComplete(simulation, simulate(simulation))
})

check(
  '3: an event waits only for identities that it or an earlier event of its lane carries',
  anyTroubledSimulation,
  (troubled) => {
    const events: SimulatedEvent[] = []
    for (const event of troubled.events) {
      events.push({ ...event, number: events.length })
      const clean = { ...idsOf(`clean ${events.length}`, null), hot: true, bytes: 1000, requestBytes: 500 }
      if (event.number % 3 === 0) events.push({ ...clean, number: events.length })
    }
    const { maxEventsPerSecond: _, maxRequestsPerSecond: __, ...uncapped } = troubled
    const offeredAt = new Map<SimulatedEvent, number>()
    let longestMs = 0
    const simulation = {
      ...uncapped,
      events,
      readPerSecond: 1000,
      memoryBytes: 96_000_000,
      slots: 100_000,
      onOffer: (event: SimulatedEvent, nowMs: number) => {
        if (event.hot) offeredAt.set(event, nowMs)
      },
      onSend: (sent: readonly SimulatedEvent[], nowMs: number) => {
        for (const event of sent) {
          longestMs = Math.max(longestMs, nowMs - (offeredAt.get(event) ?? nowMs))
          offeredAt.delete(event)
        }
      },
    }
    assertComplete(simulation, simulate(simulation))
    // Its own first token, as all buckets are empty at the start, and 50 ms in a request that is being filled.
    const firstTokenMs = (1000 * 31.05 * 1.001) / Math.max(29 * limitOf(simulation), 1)
    assert.ok(longestMs <= firstTokenMs + 51, `waited ${longestMs} ms`)
  },
)

check('4: a deferred event is written once and read once', anyTroubledSimulation, (simulation) => {
  const outcome = simulate(simulation)
  assertComplete(simulation, outcome)
  assert.equal(outcome.filesReadBack, outcome.deferredEvents)
})

check(
  '5: memory depends on the events in memory and on those of the last moments, not on the identities seen',
  anySimulation,
  (simulation) => {
    const passed: { atMs: number; count: number }[] = []
    let first = 0
    let recent = 0
    const fillMs = (1000 * 40.05) / 29
    function pass(count: number, atMs: number): void {
      passed.push({ atMs, count })
      recent += count
    }
    const outcome = simulate({
      ...simulation,
      // At the start all buckets fill, also those of events that were only deferred.
      onOffer: (_, nowMs) => {
        if (nowMs < fillMs) pass(1, nowMs)
      },
      onSend: (events, nowMs) => pass(events.length, nowMs),
      onStep: ({ identities, eventsInMemory, hotIdentities }, nowMs) => {
        for (let old = passed[first]; old !== undefined && old.atMs < nowMs - fillMs; old = passed[first]) {
          recent -= old.count
          first += 1
        }
        // Forgotten a thousand at a time and when their turn comes: a few linger, whatever their number was before.
        const most = 3 * (eventsInMemory + recent) + hotIdentities + 16
        assert.ok(identities <= most, `${identities} identities, ${eventsInMemory} events, ${recent} passed`)
      },
    })
    assertComplete(simulation, outcome)
  },
)

check(
  '6: at a clean stop every record read is settled, in a lane file, or read again',
  fc
    .record({ simulation: anyTroubledSimulation, stopAtMs: fc.integer({ min: 0, max: 20_000 }) })
    .map(({ simulation, stopAtMs }) => ({ ...simulation, stopAtMs })),
  (simulation) => {
    // The simulator compares the books at the stop, then goes on with a new process until all is settled once.
    assertComplete(simulation, simulate(simulation))
  },
)

check('nobody starves: all is done soon after the busiest identity could be', anySimulation, (simulation) => {
  const { events, maxEventsPerSecond = Number.POSITIVE_INFINITY } = simulation
  const fast = {
    ...simulation,
    events,
    slots: 100,
    maxRequestEvents: 2000,
    maxRequestBytes: 1_000_000,
    memoryBytes: 96_000_000,
  }
  const { maxRequestsPerSecond: _, ...simple } = fast
  const outcome = simulate({ ...simple, unavailableShare: 0, badShare: 0, lostShare: 0, readPerSecond: 1_000_000 })
  assertComplete(simulation, outcome)
  const busiest = Math.max(...countsOf(events).values())
  const bestMs = 1000 * Math.max(busiest / limitOf(simulation), events.length / maxEventsPerSecond)
  assert.ok(outcome.endMs <= 2 * bestMs + 10_000, `${outcome.endMs} ms, at best ${bestMs}`)
})

check(
  'nobody starves behind a cap: whoever is alone in a lane waits no longer than half of it takes for all before',
  fc
    .record({
      cap: fc.constantFrom(1, 3, 5, 20, 100),
      hotShare: fc.constantFrom(0.1, 0.8),
      eventsPerSecond: fc.constantFrom(10, 300),
      longestLatencyMs: fc.constantFrom(10, 900),
      seed: fc.integer({ min: 1, max: 1_000_000 }),
    })
    .map(({ cap, hotShare, eventsPerSecond, longestLatencyMs, seed }) => {
      const random = createRandom(seed)
      const events = Array.from({ length: 80 * cap }, (_, number) => {
        const hot = random() < hotShare
        const user = hot ? `hot ${Math.floor(2 * random())}` : `alone ${number}`
        return { ...idsOf(user, null), number, hot, bytes: 1000, requestBytes: 100 }
      })
      return { seed, events, eventsPerSecond, maxEventsPerSecond: cap, latencyMs: [1, longestLatencyMs] as const }
    }),
  (simulation) => {
    const offeredAt = new Map<SimulatedEvent, number>()
    let longestMs = 0
    const { maxEventsPerSecond: cap = 1 } = simulation
    const outcome = simulate({
      ...simulation,
      slots: 1000,
      onOffer: (event, nowMs) => {
        if (!event.hot) offeredAt.set(event, nowMs)
      },
      onSend: (sent, nowMs) => {
        for (const event of sent) longestMs = Math.max(longestMs, nowMs - (offeredAt.get(event) ?? nowMs))
      },
    })
    assertComplete(simulation, outcome)
    // 10 s of the cap may wait before it, and its own second's worth; its own first token has to grow as well.
    const halfMs = 2 * (10_000 + 1500 + 3000 / cap)
    const firstTokenMs = (1000 * 31.05) / (29 * Math.max(1, limitOf(simulation)))
    assert.ok(longestMs <= halfMs + firstTokenMs, `waited ${longestMs} ms of ${halfMs}`)
  },
)

function countsOf(events: readonly SimulatedEvent[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { user, device } of events) {
    if (user !== null) counts.set(`user ${user}`, (counts.get(`user ${user}`) ?? 0) + 1)
    if (device !== null) counts.set(`device ${device}`, (counts.get(`device ${device}`) ?? 0) + 1)
  }
  return counts
}

test('the crowds of these tests make identities hot, defer events, repeat requests, and share identities', () => {
  const seen = { hot: 0, deferred: 0, repeated: 0 }
  for (const simulation of fc.sample(anyTroubledSimulation, { seed: 1, numRuns: 20 })) {
    const { mostHot, deferredEvents, repeatedRequests } = simulate(simulation)
    if (mostHot > 2) seen.hot += 1
    if (deferredEvents > 100) seen.deferred += 1
    if (repeatedRequests > 10) seen.repeated += 1
  }
  assert.ok(seen.hot >= 3 && seen.deferred >= 3 && seen.repeated >= 3, JSON.stringify(seen))
  const crowd = crowdOf({ count: 9, users: 1, devices: 1, skew: 1, withoutUser: 0, withoutDevice: 0 }, 1)
  assert.ok(crowd.every(({ user, device }) => user === device))
})
