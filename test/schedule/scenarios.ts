/**
 * The scenarios of the scheduler at full size, in virtual time: `node dist/test/schedule/scenarios.js [name]`
 * prints required against measured. `scenarios.test.ts` asserts the same figures.
 */
import { pathToFileURL } from 'node:url'
import { idsOf } from './ids.ts'
import { createRandom } from './random.ts'
import { type Outcome, type SimulatedEvent, type Simulation, simulate } from './simulator.ts'

const LIMIT = 30
const EVENT_BYTES = 1000
const REQUEST_BYTES = 400

export interface Scenario {
  readonly name: string
  readonly required: string
  /** What the test suite runs, where the whole takes long. */
  readonly testScale: number
  /** `scale` 1 is the full size. */
  run(scale: number, seed: number): Measured
}

export interface Measured {
  readonly outcome: Outcome
  /** Figure by figure: what was measured, and what it may be at most. */
  readonly figures: readonly { readonly name: string; readonly measured: number; readonly atMost: number }[]
}

export function event(number: number, user: string | null, device: string | null, hot = false): SimulatedEvent {
  return { number, ...idsOf(user, device), hot, bytes: EVENT_BYTES, requestBytes: REQUEST_BYTES }
}

function build(count: number, make: (number: number) => SimulatedEvent): SimulatedEvent[] {
  return Array.from({ length: count }, (_, number) => make(number))
}

/** Events a second that full requests carry: what all events are measured by. */
function throughputOf({
  slots = 4,
  maxRequestEvents = 1000,
  latencyMs: [least, most] = [20, 1000],
}: Simulation): number {
  return (slots * maxRequestEvents * 1000) / ((least + most) / 2)
}

/** 1.0 is the best that limit and network allow: `max(all / throughput, hot / limit)`. */
function efficiency(simulation: Simulation, outcome: Outcome): number {
  const hot = simulation.events.reduce((count, each) => count + (each.hot ? 1 : 0), 0)
  const bestMs = Math.max((simulation.events.length / throughputOf(simulation)) * 1000, (hot / LIMIT) * 1000)
  return outcome.endMs / bestMs
}

function othersBoundSeconds(simulation: Simulation): number {
  return simulation.events.filter(({ hot }) => !hot).length / throughputOf(simulation)
}

function othersOverBound(simulation: Simulation, outcome: Outcome): number {
  return outcome.lastOtherMs / 1000 / othersBoundSeconds(simulation)
}

function figure(name: string, measured: number, atMost: number) {
  return { name, measured, atMost }
}

function usual(outcome: Outcome) {
  return [
    figure('refusals', outcome.refusals, 0),
    figure('events in 30 s', outcome.worstWindow, LIMIT * 30),
    figure('broken promises', outcome.broken.length, 0),
  ]
}

function saturated(scale: number, seed: number): Simulation {
  return { seed, events: build(Math.round(LIMIT * 3600 * scale), (number) => event(number, null, 'hot', true)) }
}

/** Hot users under a run-wide cap. */
interface Capped {
  readonly name: string
  readonly count: number
  readonly settings: Pick<Simulation, 'maxEventsPerSecond' | 'maxRequestsPerSecond' | 'maxRequestEvents'>
  /** The hot user that has the event; null for one whose only event it is. `place` goes from 0 to 1. */
  readonly hotUser: (place: number, random: () => number) => string | null
}

const one = (share: number) => (_: number, random: () => number) => (random() < share ? 'hot' : null)
const ten = (share: number) => (_: number, random: () => number) =>
  random() < share ? `hot ${Math.floor(random() * 10)}` : null
const inSecondHalf = (place: number, random: () => number) => (place >= 0.5 && random() < 0.2 ? 'hot' : null)
const inLastTenth = (place: number) => (place >= 0.9 ? 'hot' : null)

const REQUESTS_OF_100 = { maxRequestsPerSecond: 3, maxRequestEvents: 100 }

/** The cap is as short as the limit of the hot, if not said otherwise: either alone takes as long, so nothing may wait for it in vain. */
export const CAPPED: readonly Capped[] = [
  { name: '--max-eps, a user with 10%', count: 200_000, settings: { maxEventsPerSecond: 300 }, hotUser: one(0.1) },
  {
    name: '--max-eps, ten users with 5% each',
    count: 200_000,
    settings: { maxEventsPerSecond: 600 },
    hotUser: ten(0.5),
  },
  {
    name: '--max-eps, ten users with 1% each',
    count: 200_000,
    settings: { maxEventsPerSecond: 300 },
    hotUser: ten(0.1),
  },
  {
    name: '--max-eps, a user with 10%, in the second half',
    count: 200_000,
    settings: { maxEventsPerSecond: 300 },
    hotUser: inSecondHalf,
  },
  {
    name: '--max-eps, a user with 10%, the last tenth',
    count: 200_000,
    settings: { maxEventsPerSecond: 300 },
    hotUser: inLastTenth,
  },
  {
    name: '--max-eps below the limit of a user, who has 60%',
    count: 40_000,
    settings: { maxEventsPerSecond: 20 },
    hotUser: one(0.6),
  },
  { name: '--max-rps, a user with 10%', count: 200_000, settings: REQUESTS_OF_100, hotUser: one(0.1) },
  {
    name: '--max-rps, ten users with 5% each',
    count: 200_000,
    settings: { ...REQUESTS_OF_100, maxRequestsPerSecond: 6 },
    hotUser: ten(0.5),
  },
  {
    name: '--max-rps, a user with 10%, in the second half',
    count: 200_000,
    settings: REQUESTS_OF_100,
    hotUser: inSecondHalf,
  },
  {
    name: '--max-rps, a user with 10%, the last tenth',
    count: 200_000,
    settings: REQUESTS_OF_100,
    hotUser: inLastTenth,
  },
  {
    name: '--max-rps below the limit of a user, who has 60%',
    count: 40_000,
    settings: { maxRequestsPerSecond: 1, maxRequestEvents: 20 },
    hotUser: one(0.6),
  },
]

export function cappedSimulation({ count, settings, hotUser }: Capped, scale: number, seed: number) {
  const random = createRandom(seed)
  const events = build(count * scale, (number) => {
    const hot = hotUser(number / (count * scale), random)
    return event(number, hot ?? `u${number}`, null, hot !== null)
  })
  const { maxEventsPerSecond = Number.POSITIVE_INFINITY, maxRequestsPerSecond, maxRequestEvents = 1000 } = settings
  const cap = Math.min(maxEventsPerSecond, (maxRequestsPerSecond ?? Number.POSITIVE_INFINITY) * maxRequestEvents)
  return { cap, simulation: { seed, events, ...settings } }
}

/** What the reader has waiting under a cap, in seconds of it: nothing behind it is known. */
const KNOWN_AHEAD_SECONDS = 10

/** The best that cap and limits allow to whoever does not know a hot user before the reader comes to it. */
function knowableSeconds(events: readonly SimulatedEvent[], cap: number): number {
  const left = new Map<string | null, number>()
  for (const { hot, user } of events) if (hot) left.set(user, (left.get(user) ?? 0) + 1)
  let others = 0
  let seconds = events.length / cap
  for (const { hot, user } of events) {
    if (!hot) others += 1
    const ofUser = left.get(user) ?? 0
    const knownAt = Math.max(0, others / cap - KNOWN_AHEAD_SECONDS)
    if (hot) seconds = Math.max(seconds, knownAt + ofUser / LIMIT)
    if (hot) left.set(user, ofUser - 1)
  }
  return seconds
}

function runCapped(capped: Capped, scale: number, seed: number): Measured {
  const { simulation, cap } = cappedSimulation(capped, scale, seed)
  const offeredAt = new Map<number, number>()
  let longestMs = 0
  const outcome = simulate({
    ...simulation,
    onOffer: ({ hot, number }, nowMs) => {
      if (!hot) offeredAt.set(number, nowMs)
    },
    onSend: (sent, nowMs) => {
      for (const { number } of sent) longestMs = Math.max(longestMs, nowMs - (offeredAt.get(number) ?? nowMs))
    },
  })
  return {
    outcome,
    figures: [
      ...usual(outcome),
      figure('× bound', outcome.endMs / 1000 / knowableSeconds(simulation.events, cap), 1.1),
      // They pass what is waiting, 10 s of the cap, at half of it.
      figure('s that one of the others waited', longestMs / 1000, 2 * KNOWN_AHEAD_SECONDS + 5),
    ],
  }
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'one saturated device for an hour',
    testScale: 0.5,
    required: '0 refusals, ≤ 1.08 × events/limit',
    run(scale, seed) {
      const simulation = saturated(scale, seed)
      const outcome = simulate(simulation)
      return { outcome, figures: [...usual(outcome), figure('× bound', efficiency(simulation, outcome), 1.08)] }
    },
  },
  {
    name: 'hot device with 10% of 300,000 events over 100,000 users',
    testScale: 0.1,
    required: '≤ 1.10 × max(hot/limit, all/throughput); the others within 2 × their own bound',
    run(scale, seed) {
      const random = createRandom(seed)
      const users = 100_000 * scale
      const events = build(300_000 * scale, (number) => {
        const user = `u${Math.floor(random() * users)}`
        return random() < 0.1 ? event(number, null, 'hot', true) : event(number, user, `d${user}`)
      })
      const simulation = { seed, events }
      const outcome = simulate(simulation)
      return {
        outcome,
        figures: [
          ...usual(outcome),
          figure('× bound', efficiency(simulation, outcome), 1.1),
          figure('others × bound', othersOverBound(simulation, outcome), 2),
        ],
      }
    },
  },
  {
    name: 'hot device with 1% of 600,000, all in the first tenth, cold part as long as the hot',
    testScale: 0.25,
    required: '≤ 1.10 × the larger, not the sum',
    run(scale, seed) {
      const random = createRandom(seed)
      const count = 600_000 * scale
      const events = build(count, (number) => {
        const user = `u${Math.floor(random() * count)}`
        const hot = number < count / 10 && random() < 0.1
        return hot ? event(number, null, 'hot', true) : event(number, user, null)
      })
      // 3,000 a second: 200 s for all, and 200 s for the hot 6,000 at 30 a second.
      const simulation = { seed, events, slots: 3, maxRequestEvents: 510 }
      const outcome = simulate(simulation)
      return { outcome, figures: [...usual(outcome), figure('× bound', efficiency(simulation, outcome), 1.1)] }
    },
  },
  {
    name: 'one device shared by 100,000 users with 10% of 600,000; memory for 40,000',
    testScale: 0.1,
    required: 'others within 2 × their own bound, total ≤ 1.10 ×, ≤ 3 steps per event',
    run(scale, seed) {
      const random = createRandom(seed)
      const users = 100_000 * scale
      const events = build(600_000 * scale, (number) => {
        const user = `u${Math.floor(random() * users)}`
        return random() < 0.1 ? event(number, user, 'shared', true) : event(number, user, `d${user}`)
      })
      return shared(seed, events)
    },
  },
  {
    name: 'one user on 100,000 devices with 10% of 600,000; memory for 40,000',
    testScale: 0.1,
    required: 'others within 2 × their own bound, total ≤ 1.10 ×, ≤ 3 steps per event',
    run(scale, seed) {
      const random = createRandom(seed)
      const devices = 100_000 * scale
      const events = build(600_000 * scale, (number) => {
        const device = `d${Math.floor(random() * devices)}`
        return random() < 0.1 ? event(number, 'everywhere', device, true) : event(number, `u${device}`, device)
      })
      return shared(seed, events)
    },
  },
  {
    name: 'one user on 50 devices, 30/s each',
    testScale: 0.3,
    required: "the user's limit holds",
    run(scale, seed) {
      const events = build(60_000 * scale, (number) => event(number, 'user', `d${number % 50}`, true))
      const simulation = { seed, events, readPerSecond: 1500 }
      const outcome = simulate(simulation)
      return { outcome, figures: [...usual(outcome), figure('× bound', efficiency(simulation, outcome), 1.1)] }
    },
  },
  {
    name: '--max-eps 100 over 1 M events, evenly spread',
    testScale: 0.05,
    required: 'lane files under 1% of the input, memory flat',
    run(scale, seed) {
      const random = createRandom(seed)
      const count = 1_000_000 * scale
      const events = build(count, (number) => event(number, `u${Math.floor(random() * 10_000)}`, null))
      const outcome = simulate({ seed, events, maxEventsPerSecond: 100 })
      return {
        outcome,
        figures: [
          ...usual(outcome),
          figure('% of the input in lane files', (100 * outcome.deferredEvents) / count, 1),
          figure('most events in memory', outcome.mostEventsInMemory, 1200),
          figure('× bound', outcome.endMs / (count * 10), 1.1),
        ],
      }
    },
  },
  {
    name: 'a kill and restart every second for five minutes, saturated device',
    testScale: 1,
    required: '0 refusals',
    run(scale, seed) {
      const simulation = {
        ...saturated(1 / 6, seed),
        killEveryMs: 1000,
        killsUntilMs: 300_000 * scale,
      }
      const outcome = simulate(simulation)
      return { outcome, figures: usual(outcome) }
    },
  },
  {
    name: '4% of answers lost after the server counted',
    testScale: 0.25,
    required: '0 refusals, ≤ 1.15 ×',
    run(scale, seed) {
      const simulation = { ...saturated(scale, seed), lostShare: 0.04 }
      const outcome = simulate(simulation)
      return { outcome, figures: [...usual(outcome), figure('× bound', efficiency(simulation, outcome), 1.15)] }
    },
  },
  {
    name: '1% of requests arriving up to 10 s late',
    testScale: 0.5,
    required: '0 refusals, ≤ 1.45 ×',
    run(scale, seed) {
      const simulation = { ...saturated(scale, seed), lateShare: 0.01 }
      const outcome = simulate(simulation)
      return {
        outcome,
        figures: [
          ...usual(outcome),
          figure('× bound', efficiency(simulation, outcome), 1.45),
          figure('J in s', outcome.mostDelayMs / 1000, 10.05),
        ],
      }
    },
  },
  {
    name: 'a device past the daily quota',
    testScale: 0.01,
    required: 'paused, everything else goes on; then `wait`',
    run(scale, seed) {
      const limit = 490_000 * scale
      const { outcome, simulation, sentOfHot } = pastQuota(scale, seed, 'wait')
      return {
        outcome,
        figures: [
          ...usual(outcome),
          figure('most of the device in 24 h', mostInDay(sentOfHot), limit + LIMIT),
          figure('s until the others are done', outcome.lastOtherMs / 1000, 2 * othersBoundSeconds(simulation) + 1),
          // The hours of the first events must have left, and no more than that.
          figure('hours until all is done', outcome.endMs / 3_600_000, 26),
          figure('hours it did not wait', 25 - outcome.endMs / 3_600_000, 0),
        ],
      }
    },
  },
  {
    name: 'a device past the daily quota, --on-quota stop',
    testScale: 0.01,
    required: 'everything else goes on, then it stops and says until when',
    run(scale, seed) {
      const { outcome, simulation } = pastQuota(scale, seed, 'stop')
      const left = 10_000 * scale
      return {
        outcome,
        figures: [
          ...usual(outcome),
          figure('s until the others are done', outcome.lastOtherMs / 1000, 2 * othersBoundSeconds(simulation) + 1),
          figure('others left', outcome.unsettled.filter((number) => !simulation.events[number]?.hot).length, 0),
          figure('of the device left', outcome.unsettled.length, left),
          figure('of the device lost', Math.abs(outcome.inFiles.length - outcome.unsettled.length), 0),
          figure('goes on after 25 h', Math.abs((outcome.quotaLeftUntilMs ?? 0) / 3_600_000 - 25), 0),
        ],
      }
    },
  },
  ...CAPPED.map((capped) => ({
    name: capped.name,
    testScale: 0.25,
    required: '0 refusals, ≤ 1.10 × max(all/cap, hot/limit from when it is known), the others not starved',
    run: (scale: number, seed: number) => runCapped(capped, scale, seed),
  })),
]

/** 500,000 events of one device among 100,000 of others, all there at the start. */
function pastQuota(scale: number, seed: number, onQuota: 'wait' | 'stop') {
  const events = build(600_000 * scale, (number) =>
    number % 6 === 0 ? event(number, `u${number}`, null) : event(number, null, 'busy', true),
  )
  const sentOfHot: { atMs: number; count: number }[] = []
  const simulation: Simulation = {
    seed,
    events,
    onQuota,
    dailyQuota: 490_000 * scale,
    onSend: (sent, atMs) => sentOfHot.push({ atMs, count: sent.filter(({ hot }) => hot).length }),
  }
  return { simulation, sentOfHot, outcome: simulate(simulation) }
}

function mostInDay(sent: readonly { readonly atMs: number; readonly count: number }[]): number {
  let first = 0
  let total = 0
  let most = 0
  for (const { atMs, count } of sent) {
    total += count
    for (let old = sent[first]; old !== undefined && old.atMs <= atMs - 86_400_000; old = sent[first]) {
      total -= old.count
      first += 1
    }
    most = Math.max(most, total)
  }
  return most
}

function shared(seed: number, events: readonly SimulatedEvent[]): Measured {
  const simulation = { seed, events, memoryBytes: 40_000 * EVENT_BYTES }
  const outcome = simulate(simulation)
  return {
    outcome,
    figures: [
      ...usual(outcome),
      figure('× bound', efficiency(simulation, outcome), 1.1),
      figure('others × bound', othersOverBound(simulation, outcome), 2),
      figure('steps per event', outcome.steps / events.length, 3),
      figure('most events in memory', outcome.mostEventsInMemory, 40_100),
    ],
  }
}

function main(wanted: string | undefined): void {
  for (const scenario of SCENARIOS) {
    if (wanted !== undefined && !scenario.name.includes(wanted)) continue
    const { outcome, figures } = scenario.run(1, 1)
    process.stdout.write(`${scenario.name}\n  required: ${scenario.required}\n`)
    for (const { name, measured, atMost } of figures) {
      const verdict = measured <= atMost ? 'ok' : 'TOO MUCH'
      process.stdout.write(`  ${name}: ${Number(measured.toFixed(4))} (at most ${atMost}) ${verdict}\n`)
    }
    const { endMs, requests, deferredEvents, filesReadBack, mostEventsInMemory, mostIdentities, steps } = outcome
    process.stdout.write(
      `  ${Math.round(endMs / 1000)} s, ${requests} requests, ${steps} steps, written ${deferredEvents}, read ${filesReadBack}, ` +
        `most in memory ${mostEventsInMemory}, most identities ${mostIdentities} ${outcome.broken.join('; ')}\n`,
    )
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv[2])
