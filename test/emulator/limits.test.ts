import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate, type Limits } from '../../src/emulator/admission.ts'
import { APIS, type Api } from '../../src/emulator/documented-limits.ts'
import { eventsOf } from './harness.ts'

const LIMITS: Limits = {
  eventsPerSecond: { http: 30, batch: 1000 },
  windowSeconds: 30,
  dailyQuota: 500_000,
  projectEventsPerSecond: Number.POSITIVE_INFINITY,
  projectRequestsPerSecond: Number.POSITIVE_INFINITY,
  countRefused: false,
}
const HOUR_MS = 3_600_000
const http = api('http')
const batch = api('batch')

function api(name: Api['name']): Api {
  const found = APIS.find((known) => known.name === name)
  assert.ok(found)
  return found
}

function gateWith(limits: Partial<Limits> = {}) {
  const gate = createGate({ ...LIMITS, ...limits }, new Set())
  const admit = (count: number, nowMs: number, fields: object = {}, on = http) =>
    gate.admit(on, eventsOf(count, fields) as Record<string, unknown>[], nowMs).kind
  return { gate, admit }
}

for (const { perSecond, refusedAt } of [
  { perSecond: 29, refusedAt: undefined },
  { perSecond: 30, refusedAt: undefined },
  { perSecond: 31, refusedAt: 29 },
]) {
  const outcome = refusedAt === undefined ? 'is never refused' : `is refused at second ${refusedAt}`
  for (const identity of ['device_id', 'user_id']) {
    test(`a steady ${perSecond} events/s of one ${identity} ${outcome}`, () => {
      const { admit } = gateWith()
      let refused: number | undefined
      for (let second = 0; second < 120 && refused === undefined; second++) {
        const fields = identity === 'device_id' ? {} : { user_id: 'u', device_id: `device-${second}` }
        if (admit(perSecond, second * 1000, fields) === 'throttled') refused = second
      }
      assert.equal(refused, refusedAt)
    })
  }
}

test('a bucket of 30 refilled at 30 a second breaks the limit of 30 over 30 seconds', () => {
  const { admit } = gateWith()
  assert.equal(admit(30, 0), 'admitted')
  const outcomes = Array.from({ length: 30 }, (_, second) => admit(30, second * 1000 + 999))
  assert.deepEqual(outcomes, [...Array(29).fill('admitted'), 'throttled'])
})

test('the window slides: what is 30 s old makes room, what is a millisecond younger does not', () => {
  const { admit } = gateWith()
  assert.equal(admit(900, 5), 'admitted')
  assert.equal(admit(1, 30_004), 'throttled')
  assert.equal(admit(900, 30_005), 'admitted')
})

test('one event over the limit refuses the request for its device and leaves other devices alone', () => {
  const { admit } = gateWith()
  assert.equal(admit(901, 0), 'throttled')
  assert.equal(admit(900, 0), 'admitted')
  assert.equal(admit(1, 0), 'throttled')
  assert.equal(admit(900, 0, { device_id: 'other' }), 'admitted')
})

test('a device that two users share is throttled by their sum', () => {
  const { admit } = gateWith()
  assert.equal(admit(500, 0, { user_id: 'a' }), 'admitted')
  assert.equal(admit(401, 0, { user_id: 'b' }), 'throttled')
})

test('refused events do not count by default', () => {
  const { admit } = gateWith()
  assert.equal(admit(901, 0), 'throttled')
  assert.equal(admit(900, 0), 'admitted')
})

test('refused events count with countRefused', () => {
  const { admit } = gateWith({ countRefused: true })
  assert.equal(admit(901, 0), 'throttled')
  assert.equal(admit(1, 29_999), 'throttled')
  assert.equal(admit(1, 60_000), 'admitted')
})

test('each API has its own windows', () => {
  const { admit } = gateWith()
  assert.equal(admit(900, 0), 'admitted')
  assert.equal(admit(30_000, 0, {}, batch), 'admitted')
  assert.equal(admit(1, 0, {}, batch), 'throttled')
})

test('the daily quota counts both APIs', () => {
  const { admit } = gateWith({ dailyQuota: 100 })
  assert.equal(admit(60, 0), 'admitted')
  assert.equal(admit(41, 0, {}, batch), 'throttled')
  assert.equal(admit(40, 0, {}, batch), 'admitted')
})

test('the daily quota comes back hour by hour, when all of an hour is 24 h old', () => {
  const { admit } = gateWith({ dailyQuota: 100 })
  assert.equal(admit(60, 0.5 * HOUR_MS), 'admitted')
  assert.equal(admit(40, 1.5 * HOUR_MS), 'admitted')
  assert.equal(admit(1, 25 * HOUR_MS - 1), 'throttled')
  assert.equal(admit(61, 25 * HOUR_MS), 'throttled')
  assert.equal(admit(60, 25 * HOUR_MS), 'admitted')
  assert.equal(admit(1, 26 * HOUR_MS - 1), 'throttled')
  assert.equal(admit(40, 26 * HOUR_MS), 'admitted')
})

test('the daily quota of a user counts all of its devices', () => {
  const { admit } = gateWith({ dailyQuota: 100 })
  assert.equal(admit(60, 0, { user_id: 'u', device_id: 'a' }), 'admitted')
  assert.equal(admit(41, 0, { user_id: 'u', device_id: 'b' }), 'throttled')
  assert.equal(admit(41, 0, { user_id: 'v', device_id: 'b' }), 'admitted')
})

test('project-wide limits refuse without an identity', () => {
  const events = gateWith({ projectEventsPerSecond: 10 })
  assert.equal(events.admit(300, 0), 'admitted')
  assert.equal(events.admit(1, 29_999, { device_id: 'other' }), 'project')
  assert.equal(events.admit(1, 30_000, { device_id: 'other' }), 'admitted')

  const requests = gateWith({ projectRequestsPerSecond: 0.1 })
  const kinds = Array.from({ length: 4 }, (_, i) => requests.admit(1, i, { device_id: `device-${i}` }))
  assert.deepEqual(kinds, ['admitted', 'admitted', 'admitted', 'project'])
})

test('an identity whose windows are empty takes no memory', () => {
  const { gate, admit } = gateWith()
  for (let i = 0; i < 5000; i++) admit(1, i, { device_id: `device-${i}`, user_id: `user-${i}` })
  assert.ok(gate.size() > 10_000)
  admit(1, 48 * HOUR_MS)
  // Its device in the window and in the day, and the events and requests of the project.
  assert.equal(gate.size(), 4)
})

test('the peaks are the ten highest rates that were asked for, refused requests included', () => {
  const { gate, admit } = gateWith()
  for (let i = 1; i <= 20; i++) admit(i * 3, 0, { device_id: `device-${i}` })
  admit(1200, 0, { device_id: 'hot', user_id: 'u' })
  const peaks = gate.peaks()
  assert.equal(peaks.length, 10)
  assert.deepEqual(peaks.slice(0, 3), [
    { identity: 'device', id: 'hot', events_per_second: 40 },
    { identity: 'user', id: 'u', events_per_second: 40 },
    { identity: 'device', id: 'device-20', events_per_second: 2 },
  ])
})
