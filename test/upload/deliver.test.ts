import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { StoppedError } from '../../src/errors.ts'
import { start } from '../emulator/harness.ts'
import { createFastClock, records, uploadTo } from './harness.ts'
import { ok, type ScriptedAnswer, type ScriptedRequest, startScripted } from './scripted-server.ts'

/** Each row of amplitude/README.md §4 end to end: against the emulator, and against a scripted server where that cannot give the row. */

const answer = (status: number, error: string, more: object = {}): ScriptedAnswer => ({
  status,
  body: { code: status, error, ...more },
})
const has = (request: ScriptedRequest, id: string) => request.events.some(({ insert_id }) => insert_id === id)
const rejectedOf = (counts: { readonly rejected: ReadonlyMap<string, number> }) => Object.fromEntries(counts.rejected)
const unlimited = { httpEventsPerSecond: 1e6 }

describe('200', () => {
  test('settles all that was sent, each event once', async (t) => {
    const emulator = await start(t, unlimited)
    const { counts, figures } = await uploadTo({ url: emulator.url, records: records(5000) })
    assert.equal(counts.accepted, 5000)
    assert.deepEqual([emulator.stats().unique, emulator.stats().duplicates], [5000, 0])
    assert.deepEqual(figures.byStatus, { 200: figures.requests })
  })

  test('with fewer than were sent is sent once more, then settled with a warning', async (t) => {
    const server = await startScripted(t, ({ events }) => ok(events.slice(1)))
    const { counts, told } = await uploadTo({ url: server.url, records: records(10) })
    assert.equal(server.requests.length, 2)
    assert.equal(counts.accepted, 10)
    assert.equal(counts.warnings.get('ingested_fewer'), 1)
    assert.match(told.join(), /took 9 of 10 events, twice/)
  })

  test('that is not from Amplitude is tried again, and stops the run when it comes three times in a row', async (t) => {
    const page = { status: 200, body: '<html>Please sign in</html>' }
    const twice = await startScripted(t, ({ number, events }) => (number < 2 ? page : ok(events)))
    assert.equal((await uploadTo({ url: twice.url, records: records(3) })).counts.accepted, 3)

    const often = await startScripted(t, ({ number, events }) => (number % 3 < 2 ? page : ok(events)))
    const one = { batchSize: 1, concurrency: 1 }
    assert.equal((await uploadTo({ url: often.url, records: records(3), settings: one })).counts.accepted, 3)

    const always = await startScripted(t, () => page)
    const { counts, error, letters } = await uploadTo({ url: always.url, records: records(3) })
    assert.equal(always.requests.length, 3)
    assert.ok(error instanceof StoppedError)
    assert.match(error.message, /not Amplitude: status 200, .*Please sign in/)
    assert.deepEqual([counts.pending, letters.length], [3, 0])
  })

  test('is what another 2xx is not: it is tried again, and three in a row stop the run with what it says', async (t) => {
    const queued = { status: 202, body: 'queued' }
    const twice = await startScripted(t, ({ number, events }) => (number < 2 ? queued : ok(events)))
    assert.equal((await uploadTo({ url: twice.url, records: records(3) })).counts.accepted, 3)

    const always = await startScripted(t, () => queued)
    const { counts, error, letters } = await uploadTo({ url: always.url, records: records(3) })
    assert.equal(always.requests.length, 3)
    assert.ok(error instanceof StoppedError)
    assert.match(error.message, /not Amplitude: status 202, queued/)
    assert.doesNotMatch(`${error.hint}`, /Nothing of these/)
    assert.deepEqual([counts.pending, letters.length], [3, 0])
  })
})

describe('400', () => {
  test('with indexes costs those events alone, although HTTP V2 names one at a time', async (t) => {
    const server = await startScripted(t, ({ events }) => {
      const bad = events.findIndex(({ insert_id }) => /7$/.test(insert_id))
      return bad < 0 ? ok(events) : answer(400, 'Invalid field values', { events_with_invalid_fields: { time: [bad] } })
    })
    const { counts, letters } = await uploadTo({ url: server.url, records: records(50) })
    assert.equal(counts.accepted, 45)
    assert.deepEqual(rejectedOf(counts), { invalid_event: 5 })
    const [letter] = letters
    assert.deepEqual(
      [
        letter?.reason,
        letter?.detail,
        letter?.status,
        letter?.event?.insert_id,
        letter?.source.line,
        letter?.event_type,
      ],
      ['invalid_event', 'Invalid field values: invalid time', 400, 'e7', 8, 'users.messages.email.Open'],
    )
    assert.equal(new Set(server.accepted).size, 45)
  })

  test('silenced rejects the events of silenced devices and sends the others', async (t) => {
    const emulator = await start(t, { ...unlimited, silencedDevices: ['device-1'] })
    const devices = (i: number) => ({ device_id: `device-${i % 3}` })
    const { counts, letters } = await uploadTo({
      url: emulator.url,
      records: records(30, devices),
      clock: createFastClock(200),
    })
    assert.equal(counts.accepted, 20)
    assert.deepEqual(rejectedOf(counts), { silenced_device: 10 })
    assert.ok(letters.every(({ reason, detail }) => reason === 'silenced_device' && detail !== ''))
  })

  test('about the key stops the run at once, dead-letters nothing and does not show the key', async (t) => {
    const emulator = await start(t, { ...unlimited, apiKey: 'right' })
    const { counts, error, letters } = await uploadTo({ url: emulator.url, records: records(10), key: 'wr/ong' })
    assert.ok(error instanceof StoppedError)
    assert.match(error.message, /Invalid API key: \[key\]/)
    assert.deepEqual([counts.pending, letters.length], [10, 0])
    assert.equal(emulator.stats().requests.total, 1)
  })

  test('without indexes is halved down to the culprit, which alone is rejected', async (t) => {
    const server = await startScripted(t, (request) =>
      has(request, 'e613') ? answer(400, 'Invalid user_id or device_id') : ok(request.events),
    )
    const { counts, letters } = await uploadTo({ url: server.url, records: records(2000) })
    assert.equal(counts.accepted, 1999)
    assert.deepEqual(
      letters.map(({ reason, detail, status, event }) => [reason, detail, status, event?.insert_id]),
      [['invalid_event', '400 Invalid user_id or device_id', 400, 'e613']],
    )
    assert.equal(new Set(server.accepted).size, server.accepted.length)
  })

  for (const [place, id] of [
    ['first', 'e0'],
    ['last', 'e9'],
  ] as const) {
    test(`without indexes for the ${place} of a few, with one request at a time`, async (t) => {
      const server = await startScripted(t, (request) => (has(request, id) ? answer(400, 'no') : ok(request.events)))
      const { counts, error } = await uploadTo({ url: server.url, records: records(10), settings: { concurrency: 1 } })
      assert.equal(error, null)
      assert.equal(counts.accepted, 9)
      assert.deepEqual(rejectedOf(counts), { invalid_event: 1 })
    })
  }

  test('without indexes for an event that comes last and alone', async (t) => {
    const server = await startScripted(t, (request) => (has(request, 'e5') ? answer(400, 'no') : ok(request.events)))
    const { counts, error } = await uploadTo({
      url: server.url,
      records: records(6),
      settings: { batchSize: 1, concurrency: 1 },
    })
    assert.equal(error, null)
    assert.deepEqual([counts.accepted, rejectedOf(counts)], [5, { invalid_event: 1 }])
  })

  for (const count of [1, 2, 3, 500]) {
    test(`to everything stops the run with nothing rejected (${count} events)`, async (t) => {
      const server = await startScripted(t, () => answer(400, 'Bad Request'))
      const { counts, error, letters } = await uploadTo({ url: server.url, records: records(count) })
      assert.ok(error instanceof StoppedError)
      assert.match(error.message, /refuses every request: 400 Bad Request/)
      assert.deepEqual([counts.pending, letters.length], [count, 0])
      assert.ok(server.requests.length < 50)
    })
  }

  test('to everything from the middle of a run on rejects nothing either', async (t) => {
    const server = await startScripted(t, ({ number, events }) =>
      number < 3 ? ok(events) : answer(400, 'Bad Request'),
    )
    const { counts, error, letters } = await uploadTo({
      url: server.url,
      records: records(500),
      settings: { batchSize: 50 },
    })
    assert.ok(error instanceof StoppedError)
    assert.deepEqual([counts.accepted, letters.length], [150, 0])
  })
})

for (const status of [401, 404, 302, 418]) {
  test(`${status} stops the run at once`, async (t) => {
    const server = await startScripted(t, () => ({ status, body: 'test-key', headers: { location: '/elsewhere' } }))
    const { counts, error } = await uploadTo({ url: server.url, records: records(5) })
    assert.ok(error instanceof StoppedError)
    assert.match(error.message, new RegExp(String(status)))
    assert.doesNotMatch(`${error.message} ${error.hint}`, /test-key/)
    assert.deepEqual([counts.pending, server.requests.length], [5, 1])
  })
}

test('403 is halved down to the culprit', async (t) => {
  const server = await startScripted(t, (request) =>
    has(request, 'e70') ? answer(403, 'Forbidden') : ok(request.events),
  )
  const { counts } = await uploadTo({ url: server.url, records: records(100) })
  assert.deepEqual([counts.accepted, rejectedOf(counts)], [99, { forbidden: 1 }])
})

describe('413', () => {
  test('is halved; one event that is too large alone is rejected, and requests stay large', async (t) => {
    const server = await startScripted(t, (request) =>
      has(request, 'e3') ? answer(413, 'Payload too large') : ok(request.events),
    )
    const { counts } = await uploadTo({ url: server.url, records: records(8000), settings: { concurrency: 1 } })
    assert.deepEqual([counts.accepted, rejectedOf(counts)], [7999, { too_large: 1 }])
    assert.ok(server.requests.slice(-3).some(({ events }) => events.length > 1500))
  })

  test('of a server that takes less lowers the size of requests for the run', async (t) => {
    const server = await startScripted(t, ({ events }) =>
      events.length > 300 ? answer(413, 'Payload too large') : ok(events),
    )
    const { counts } = await uploadTo({ url: server.url, records: records(6000), settings: { concurrency: 1 } })
    assert.equal(counts.accepted, 6000)
    assert.ok(server.requests.slice(-5).every(({ events }) => events.length <= 300))
  })
})

describe('429', () => {
  test('with identities holds just those', async (t) => {
    const clock = createFastClock(100)
    const emulator = await start(t, { httpEventsPerSecond: 2, clock })
    const one = (i: number) => ({ external_user_id: i % 2 === 0 ? 'busy' : `user-${i}` })
    const { counts, figures } = await uploadTo({ url: emulator.url, records: records(160, one), clock })
    assert.equal(counts.accepted, 160)
    assert.deepEqual([figures.heldIdentities, figures.eventsPerSecondOfIdentity], [1, 2])
    assert.deepEqual([emulator.stats().unique, emulator.stats().duplicates], [160, 0])
  })

  test('by index alone holds the user whose device Amplitude made up', async (t) => {
    const server = await startScripted(t, ({ number, events }) =>
      number === 0 ? answer(429, 'Too many', { throttled_devices: { '9f86': 31 }, throttled_events: [1] }) : ok(events),
    )
    const { counts, figures } = await uploadTo({ url: server.url, records: records(3), clock: createFastClock(1000) })
    assert.equal(counts.accepted, 3)
    assert.deepEqual(
      server.requests.map(({ events }) => events.length),
      [3, 2, 1],
    )
    assert.deepEqual([figures.heldIdentities, figures.heldMs], [1, 30_000])
  })

  test('with a lower eps_threshold lowers the limit of the run', async (t) => {
    const server = await startScripted(t, ({ number, events }) =>
      number === 0 ? answer(429, 'Too many', { eps_threshold: 10, throttled_users: { 'user-0': 31 } }) : ok(events),
    )
    const { figures } = await uploadTo({ url: server.url, records: records(3), clock: createFastClock(1000) })
    assert.equal(figures.eventsPerSecondOfIdentity, 10)
  })

  test('of the daily quota lets the others go on, and --on-quota stop ends the run when nothing else is left', async (t) => {
    const emulator = await start(t, { ...unlimited, dailyQuota: 10 })
    const one = (i: number) => ({ external_user_id: i < 20 ? 'busy' : `user-${i}` })
    const { counts, error } = await uploadTo({
      url: emulator.url,
      records: records(60, one),
      settings: { onQuota: 'stop' },
    })
    assert.ok(error instanceof StoppedError)
    assert.match(error.message, /daily quota; the first goes on at 2026-01-01T/)
    // The busy user's first few may be in time.
    assert.ok(counts.accepted >= 40 && counts.accepted <= 50)
    assert.deepEqual([counts.accepted + counts.pending, emulator.stats().unique], [60, counts.accepted])
  })

  test('that names nobody pauses every request, not just its own', async (t) => {
    const clock = createFastClock(1000)
    const arrivals: number[] = []
    const server = await startScripted(t, ({ number, events }) => {
      arrivals.push(clock.now())
      return number === 0 ? { status: 429, body: '', headers: { 'retry-after': '200' } } : ok(events)
    })
    const { counts } = await uploadTo({ url: server.url, records: records(40), settings: { batchSize: 1 }, clock })
    assert.equal(counts.accepted, 40)
    const [first = 0] = arrivals
    // Those that were in flight with it.
    assert.ok(arrivals.filter((at) => at - first < 200_000).length <= 8)
  })

  test('that names nobody is tried again whole, with the same events and ids', async (t) => {
    const server = await startScripted(t, ({ number, events }) =>
      number < 2 ? { status: 429, body: '', headers: { 'retry-after': '2' } } : ok(events),
    )
    const { counts, figures } = await uploadTo({ url: server.url, records: records(40), settings: { batchSize: 10 } })
    assert.equal(counts.accepted, 40)
    assert.deepEqual(figures.byStatus, { 429: 2, 200: 4 })
    assert.equal(figures.retries, 2)
    // That the whole run waits: pause.test.ts.
    const sent = server.requests.map(({ body }) => JSON.stringify(body))
    assert.equal(new Set(sent).size, 4)
  })
})

describe('5xx, 408, timeouts, resets', () => {
  test('are tried again with the same events and ids', async (t) => {
    const failures: readonly ScriptedAnswer[] = [500, 502, 503, 504, 408].map((status) => ({ status, body: '<html>' }))
    const server = await startScripted(
      t,
      ({ number, events }) => failures[number] ?? (number === 5 ? 'reset' : ok(events)),
    )
    const { counts, figures } = await uploadTo({ url: server.url, records: records(3) })
    assert.equal(counts.accepted, 3)
    assert.deepEqual(figures.byStatus, { 500: 1, 502: 1, 503: 1, 504: 1, 408: 1, network: 1, 200: 1 })
    assert.equal(figures.retries, 6)
    assert.equal(new Set(server.requests.map(({ body }) => JSON.stringify(body))).size, 1)
  })

  test('a server that does not answer in time is a timeout', async (t) => {
    const emulator = await start(t, { ...unlimited, latencyMs: [3000, 3000] })
    const { error, figures, counts } = await uploadTo({
      url: emulator.url,
      records: records(3),
      timeoutMs: 50,
      settings: { giveUpAfterMs: 1000 },
    })
    assert.ok(error instanceof StoppedError)
    assert.ok((figures.byStatus['timeout'] ?? 0) > 0)
    assert.equal(counts.pending, 3)
  })

  test('an answer that dribbles is a timeout, and ends the run as any other trouble does', async (t) => {
    const server = await startScripted(t, () => 'dribble')
    const { error, figures, counts } = await uploadTo({
      url: server.url,
      records: records(3),
      deadlineMs: 100,
      settings: { giveUpAfterMs: 20_000 },
    })
    assert.ok(error instanceof StoppedError)
    assert.equal(error.stopped, 'unreachable')
    assert.deepEqual(figures.byStatus, { timeout: server.requests.length })
    assert.equal(counts.pending, 3)
  })

  test('an attempt that alone takes --give-up-after is the last', async (t) => {
    const server = await startScripted(t, () => 'silent')
    const settings = { giveUpAfterMs: 1000 }
    const { error } = await uploadTo({ url: server.url, records: records(3), deadlineMs: 100, settings })
    assert.ok(error instanceof StoppedError)
    assert.equal(server.requests.length, 1)
  })

  test('are said once when they go on', async (t) => {
    const server = await startScripted(t, ({ number, events }) =>
      number < 20 ? { status: 503, body: 'no test-key' } : ok(events),
    )
    const { told } = await uploadTo({
      url: server.url,
      records: records(40),
      settings: { batchSize: 10 },
      clock: createFastClock(500),
    })
    assert.deepEqual(told, ['Amplitude takes nothing: 503 no [key]; trying again'])
  })

  test('end the run when nothing passes for --give-up-after, and no wait is longer', async (t) => {
    const server = await startScripted(t, () => ({ status: 503, body: '', headers: { 'retry-after': '86400' } }))
    const { error, counts } = await uploadTo({
      url: server.url,
      records: records(3),
      settings: { giveUpAfterMs: 20_000 },
    })
    assert.ok(error instanceof StoppedError)
    assert.equal(error.stopped, 'unreachable')
    assert.match(error.message, /cannot be reached: for \d+ s nothing but 503/)
    assert.deepEqual([counts.pending, server.requests.length], [3, 2])
  })

  test('eight times for the same events while others pass: halved down to the one, which is rejected', async (t) => {
    const server = await startScripted(t, (request) =>
      has(request, 'e33') ? { status: 500, body: 'crash' } : ok(request.events),
    )
    const { counts, letters } = await uploadTo({
      url: server.url,
      records: records(400),
      settings: { batchSize: 20 },
      clock: createFastClock(2000),
    })
    assert.equal(counts.accepted, 399)
    assert.deepEqual(rejectedOf(counts), { server_error: 1 })
    assert.deepEqual(
      letters.map(({ event, status }) => [event?.insert_id, status]),
      [['e33', 500]],
    )
  })
})

describe('--gzip', () => {
  test('compresses what is large enough', async (t) => {
    const server = await startScripted(t, ({ events }) => ok(events))
    const { counts } = await uploadTo({ url: server.url, records: records(100), gzip: true })
    assert.equal(counts.accepted, 100)
    assert.ok(server.requests[0]?.gzipped)
  })

  test('sends plain when the other side cannot read it', async (t) => {
    const emulator = await start(t, { ...unlimited, refuseGzip: true })
    const { counts, figures } = await uploadTo({ url: emulator.url, records: records(100), gzip: true })
    assert.equal(counts.accepted, 100)
    assert.deepEqual(figures.byStatus, { 415: 1, 200: 1 })
  })
})

test('a request says the key, min_id_length 1 and goes to the path of its API', async (t) => {
  const server = await startScripted(t, ({ events }) => ok(events))
  await uploadTo({ url: server.url, records: records(1) })
  await uploadTo({ url: server.url, records: records(1), settings: { api: 'batch' } })
  assert.deepEqual(
    server.requests.map(({ path, body }) => [path, body.api_key, body.options]),
    [
      ['/2/httpapi', 'test-key', { min_id_length: 1 }],
      ['/batch', 'test-key', { min_id_length: 1 }],
    ],
  )
})

test('an event too large for a request goes alone', async (t) => {
  const emulator = await start(t, unlimited)
  const note = 'x'.repeat(1_100_000)
  const { counts } = await uploadTo({
    url: emulator.url,
    records: records(5, (i) => (i === 2 ? { campaign_name: note } : {})),
  })
  assert.deepEqual([counts.accepted, rejectedOf(counts)], [4, { too_large: 1 }])
})

test('what a hot device cannot send yet waits in a lane file, and all of it arrives once and in order', async (t) => {
  const clock = createFastClock(20)
  const emulator = await start(t, { clock })
  const { counts, figures, state } = await uploadTo({
    url: emulator.url,
    records: records(2400, (i) => (i % 3 === 0 ? { external_user_id: 'x', device_id: 'busy "device"' } : {})),
    clock,
  })
  assert.equal(counts.accepted, 2400)
  const { unique, duplicates, out_of_order, requests } = emulator.stats()
  assert.deepEqual([unique, duplicates, out_of_order, requests.throttled], [2400, 0, 0, 0])
  assert.ok(figures.deferredEvents > 400)
  assert.equal(figures.eventsInFiles, 0)
  assert.deepEqual(readdirSync(join(state, 'lanes')), [])
})
