import fc from 'fast-check'
import { idsOf } from './ids.ts'
import { createRandom } from './random.ts'
import type { SimulatedEvent, Simulation } from './simulator.ts'

interface Crowd {
  readonly count: number
  readonly users: number
  readonly devices: number
  /** How uneven: the larger, the more events the first users and devices have. */
  readonly skew: number
  readonly withoutUser: number
  readonly withoutDevice: number
}

/** Events of users and devices that overlap at random; user `3` and device `3` are different identities. */
export function crowdOf(
  { count, users, devices, skew, withoutUser, withoutDevice }: Crowd,
  seed: number,
): SimulatedEvent[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, number) => {
    const user = String(Math.floor(users * random() ** skew))
    const device = String(Math.floor(devices * random() ** skew))
    const kind = random()
    return {
      number,
      ...idsOf(
        kind < withoutUser ? null : user,
        kind >= withoutUser && kind < withoutUser + withoutDevice ? null : device,
      ),
      hot: false,
      bytes: 500 + Math.floor(random() * 1000),
      requestBytes: 100 + Math.floor(random() * 400),
    }
  })
}

const crowd = fc.record({
  count: fc.integer({ min: 1, max: 2500 }),
  users: fc.integer({ min: 1, max: 400 }),
  devices: fc.integer({ min: 1, max: 400 }),
  skew: fc.integer({ min: 1, max: 4 }),
  withoutUser: fc.constantFrom(0, 0.2, 0.5),
  withoutDevice: fc.constantFrom(0, 0.2, 0.5),
})

/** Any crowd over any network whose attempts stay below the shortest J. */
export const anySimulation: fc.Arbitrary<Simulation> = fc
  .record({
    crowd,
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    eventsPerSecond: fc.constantFrom(1, 3, 10, 30, 300),
    slots: fc.integer({ min: 1, max: 12 }),
    latency: fc.integer({ min: 1, max: 950 }),
    readPerSecond: fc.constantFrom(50, 1000, Number.POSITIVE_INFINITY),
    maxRequestEvents: fc.constantFrom(1, 10, 100, 2000),
    maxRequestBytes: fc.constantFrom(600, 10_000, 1_000_000),
    memoryBytes: fc.constantFrom(20_000, 300_000, 96_000_000),
    maxEventsPerSecond: fc.constantFrom(undefined, undefined, 40, 400, 5),
    maxRequestsPerSecond: fc.constantFrom(undefined, undefined, 20),
    laneFileDelayMs: fc.constantFrom(0, 5, 300),
    unavailableShare: fc.constantFrom(0, 0.1),
    badShare: fc.constantFrom(0, 0.1),
    lostShare: fc.constantFrom(0, 0.1),
  })
  .map(({ crowd, seed, latency, maxEventsPerSecond, maxRequestsPerSecond, ...rest }) => ({
    ...rest,
    ...(maxEventsPerSecond === undefined ? {} : { maxEventsPerSecond }),
    ...(maxRequestsPerSecond === undefined ? {} : { maxRequestsPerSecond }),
    seed,
    events: crowdOf(crowd, seed),
    latencyMs: [1, latency] as const,
  }))

/** The same with what may not happen to the first invariant: refusals, and arrivals later than the scheduler expects. */
export const anyTroubledSimulation: fc.Arbitrary<Simulation> = fc
  .record({
    simulation: anySimulation,
    lateShare: fc.constantFrom(0, 0.02, 0.2),
    refusedShare: fc.constantFrom(0, 0.02, 0.2),
  })
  .map(({ simulation, ...trouble }) => ({ ...simulation, ...trouble }))
