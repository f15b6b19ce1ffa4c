import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { API_LIMITS } from '../../src/amplitude/limits.ts'
import { createWordHasher } from '../../src/hash.ts'
import { estimate, type Load, type RateSettings } from '../../src/inspect/estimate.ts'
import { createHeaviest, type Spread } from '../../src/inspect/heaviest.ts'
import { textView } from '../../src/json/bytes.ts'
import { CAPPED, cappedSimulation, event } from '../schedule/scenarios.ts'
import { type Simulation, simulate } from '../schedule/simulator.ts'

const FREE: RateSettings = {
  batchSize: null,
  deviceEventsPerSecond: null,
  deviceBurst: null,
  maxEventsPerSecond: null,
  maxRequestsPerSecond: null,
}

/** A user with so many of all events. */
function loadOf(events: number, bytes: number, hottest: number): Load {
  return { events, bytes, users: [{ events: hottest, from: 0, to: events - 1 }], devices: [] }
}

/** What `inspect` would find. */
function inspected(events: Simulation['events']): Load {
  const hash = createWordHasher()
  const spreadOf = (idOf: (event: Simulation['events'][number]) => string | null): readonly Spread[] => {
    const heaviest = createHeaviest()
    for (const [place, each] of events.entries()) {
      const id = idOf(each)
      if (id === null) continue
      const bytes = Buffer.from(id)
      const { low, high } = hash(textView(bytes).view, 0, bytes.length)
      heaviest.add(low, high, bytes, 0, bytes.length, place)
    }
    return heaviest.top()
  }
  const bytes = events.reduce((sum, each) => sum + each.requestBytes, 0)
  return {
    events: events.length,
    bytes,
    users: spreadOf(({ user }) => user),
    devices: spreadOf(({ device }) => device),
  }
}

const near = (actual: number, expected: number) => assert.ok(Math.abs(actual / expected - 1) < 0.001, String(actual))

describe('the estimate of an upload', () => {
  test('of one hot identity is what its bucket lets pass: 28.02 a second, 280.2 on Batch', () => {
    const load = loadOf(20_000, 10_000_000, 10_000)
    const http = estimate(load, 'http', FREE)
    near(http.seconds, 10_000 / (870 / 31.05))
    assert.deepEqual([http.bound, http.atLeast, http.requests], ['identity', false, 11])
    near(estimate(load, 'batch', FREE).seconds, 10_000 / (8700 / 31.05))
  })

  test('takes rate and burst of the user', () => {
    const load = loadOf(1000, 1000, 1000)
    const settings = { ...FREE, deviceEventsPerSecond: 10, deviceBurst: 100 }
    near(estimate(load, 'http', settings).seconds, 1000 / (200 / 31.05))
  })

  test('is bound by a cap when that takes longer, less than one request a second too', () => {
    const load = loadOf(10_000, 1_000_000, 10)
    const capped = estimate(load, 'http', { ...FREE, maxEventsPerSecond: 100 })
    near(capped.seconds, 10_000 / (2900 / 31.05))
    assert.equal(capped.bound, 'rate_cap')
    const slow = estimate(load, 'http', { ...FREE, batchSize: 100, maxRequestsPerSecond: 0.5 })
    assert.deepEqual([slow.requests, slow.bound], [100, 'rate_cap'])
    near(slow.seconds, 100 / (14 / 31.05))
  })

  test('takes no more events in a request than the API does', () => {
    const load = loadOf(20_000, 10_000, 1)
    assert.equal(estimate(load, 'http', { ...FREE, batchSize: 2000 }).requests, 11)
    assert.equal(estimate(load, 'batch', { ...FREE, batchSize: 2000 }).requests, 10)
  })

  test('is bound by the daily quota of an identity with more than 490,000 events', () => {
    const { seconds, bound } = estimate(loadOf(1_000_000, 1, 1_000_000), 'batch', FREE)
    assert.equal(bound, 'daily_quota')
    near(seconds, 2 * 86_400 + 20_000 / (8700 / 31.05))
  })

  test('is not bound by a daily quota that a slow identity never reaches', () => {
    const slow = { ...FREE, deviceEventsPerSecond: 5 }
    const { seconds, bound } = estimate(loadOf(1_000_000, 1, 1_000_000), 'batch', slow)
    assert.equal(bound, 'identity')
    near(seconds, 1_000_000 / (145 / 31.05))
  })

  test('is only a lower bound when nothing known holds it', () => {
    const free = estimate(loadOf(1_000_000, 1, 3), 'http', FREE)
    assert.deepEqual([free.bound, free.atLeast], [null, true])
  })

  test('of nothing is nothing', () => {
    const nothing = { requests: 0, seconds: 0, bound: null, atLeast: true }
    assert.deepEqual(estimate(loadOf(0, 0, 0), 'http', FREE), nothing)
  })
})

describe('the estimate is within a tenth of what the scheduler takes in virtual time, for', () => {
  const others = (number: number) => event(number, `u${number}`, null)
  const CASES: readonly {
    name: string
    api?: 'http' | 'batch'
    make: (number: number) => Simulation['events'][number]
    settings?: Partial<RateSettings>
  }[] = [
    { name: 'a device at the start', make: (n) => (n < 900 ? event(n, null, 'hot') : others(n)) },
    { name: 'a device at the end', make: (n) => (n >= 2100 ? event(n, null, 'hot') : others(n)) },
    {
      name: 'a user among others, spread evenly',

      make: (n) => (n % 3 === 0 ? event(n, 'hot', `d${n}`) : others(n)),
    },
    {
      name: 'a device of several users',

      make: (n) => (n % 3 === 0 ? event(n, `u${n % 5}`, 'hot') : others(n)),
    },
    {
      name: 'a device on Batch',

      api: 'batch',
      make: (n) => event(n, null, 'hot'),
    },
    {
      name: '--device-eps and --device-burst',

      make: (n) => (n % 10 === 0 ? event(n, null, 'hot') : others(n)),
      settings: { deviceEventsPerSecond: 10, deviceBurst: 100 },
    },
    { name: '--max-eps', make: others, settings: { maxEventsPerSecond: 100 } },
    { name: '--max-rps', make: others, settings: { maxRequestsPerSecond: 2, batchSize: 100 } },
  ]

  for (const { name, api = 'http', make, settings = {} } of CASES) {
    test(name, () => {
      const events = Array.from({ length: 3000 }, (_, number) => make(number))
      const rates = { ...FREE, ...settings }
      const eventsPerSecond = rates.deviceEventsPerSecond ?? API_LIMITS[api].eventsPerSecond
      const { endMs, broken, refusals } = simulate({
        events,
        seed: 1,
        latencyMs: [5, 50],
        eventsPerSecond,
        ...(rates.deviceBurst === null ? {} : { burst: rates.deviceBurst }),
        ...(rates.maxEventsPerSecond === null ? {} : { maxEventsPerSecond: rates.maxEventsPerSecond }),
        ...(rates.maxRequestsPerSecond === null ? {} : { maxRequestsPerSecond: rates.maxRequestsPerSecond }),
        ...(rates.batchSize === null ? {} : { maxRequestEvents: rates.batchSize }),
      })
      assert.deepEqual([broken, refusals], [[], 0])
      const { seconds } = estimate(inspected(events), api, rates)
      assert.ok(Math.abs(endMs / 1000 / seconds - 1) < 0.1, `${endMs / 1000} s taken, ${seconds} s estimated`)
    })
  }

  for (const capped of CAPPED) {
    test(capped.name, () => {
      const { simulation } = cappedSimulation(capped, 0.1, 1)
      const { endMs, broken, refusals } = simulate(simulation)
      assert.deepEqual([broken, refusals], [[], 0])
      const { maxEventsPerSecond = null, maxRequestsPerSecond = null, maxRequestEvents = null } = simulation
      const settings = { ...FREE, maxEventsPerSecond, maxRequestsPerSecond, batchSize: maxRequestEvents }
      const { seconds } = estimate(inspected(simulation.events), 'http', settings)
      assert.ok(Math.abs(endMs / 1000 / seconds - 1) < 0.1, `${endMs / 1000} s taken, ${seconds} s estimated`)
    })
  }
})
