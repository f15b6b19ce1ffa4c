import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { EmulatorOptions } from '../../src/emulator/emulator-options.ts'
import type { Emulator } from '../../src/emulator/server.ts'
import { BATCH, createVirtualClock, eventsOf, HTTP, post, postRaw, type Reply, start } from './harness.ts'

interface Row {
  readonly met: string
  readonly options?: EmulatorOptions
  readonly send: (emulator: Emulator) => Promise<Reply>
  readonly status: number
  readonly body: unknown
}

const [good] = eventsOf(1)
const request = (fields: object) => JSON.stringify({ api_key: 'key', events: [good], ...fields })

/** One row per line of amplitude/README.md §3 that the emulator answers by itself. */
const ROWS: readonly Row[] = [
  {
    met: 'valid events',
    send: (emulator) => postRaw(emulator, HTTP, request({})),
    status: 200,
    body: {
      code: 200,
      events_ingested: 1,
      payload_size_bytes: Buffer.byteLength(request({})),
      server_upload_time: 1_700_000_000_000,
    },
  },
  {
    met: 'an event without event_type, one with a time that is no number, one with a short id',
    send: (emulator) =>
      postRaw(
        emulator,
        BATCH,
        request({
          events: [
            { device_id: 'device-1' },
            { event_type: 'a', device_id: 'device-1', time: '1000' },
            { event_type: 'a', device_id: 'abcd', user_id: 'user-1' },
          ],
        }),
      ),
    status: 400,
    body: {
      code: 400,
      error: 'Request missing required field',
      events_with_missing_fields: { event_type: [0] },
      events_with_invalid_fields: { time: [1] },
      events_with_invalid_id_lengths: { device_id: [2] },
    },
  },
  {
    met: 'events of a silenced device beside others',
    options: { silencedDevices: ['quiet'] },
    send: (emulator) => post(emulator, [good, { ...good, device_id: 'quiet' }]),
    status: 400,
    body: {
      code: 400,
      error: 'Events silenced for device_id',
      eps_threshold: 30,
      silenced_devices: ['quiet'],
      silenced_events: [1],
    },
  },
  {
    met: 'events of a silenced device beside a device over its rate and over its quota',
    options: { silencedDevices: ['quiet'], httpEventsPerSecond: 1, windowSeconds: 2, dailyQuota: 2 },
    send: (emulator) => post(emulator, [...eventsOf(3), { ...good, device_id: 'quiet' }]),
    status: 400,
    body: {
      code: 400,
      error: 'Events silenced for device_id',
      eps_threshold: 1,
      silenced_devices: ['quiet'],
      silenced_events: [3],
      throttled_devices: { 'device-1': 2 },
      throttled_events: [0, 1, 2],
      exceeded_daily_quota_devices: { 'device-1': 3 },
    },
  },
  {
    met: 'events of a silenced device beside a user over its rate, which that answer has no field for',
    options: { silencedDevices: ['quiet'], httpEventsPerSecond: 1, windowSeconds: 1 },
    send: (emulator) =>
      post(emulator, [
        { ...good, device_id: 'quiet' },
        ...['a', 'b'].map((device_id) => ({ ...good, device_id, user_id: 'u' })),
      ]),
    status: 400,
    body: {
      code: 400,
      error: 'Events silenced for device_id',
      eps_threshold: 1,
      silenced_devices: ['quiet'],
      silenced_events: [0],
    },
  },
  {
    met: 'another key than the one given',
    options: { apiKey: 'right' },
    send: (emulator) => post(emulator, eventsOf(1)),
    status: 400,
    body: { code: 400, error: 'Invalid API key: key' },
  },
  ...[undefined, '', null].map(
    (api_key): Row => ({
      met: `the key ${JSON.stringify(api_key)}`,
      send: (emulator) => postRaw(emulator, HTTP, request({ api_key })),
      status: 400,
      body: { code: 400, error: 'Request missing required field', missing_field: 'api_key' },
    }),
  ),
  ...[undefined, [], {}].map(
    (events): Row => ({
      met: `the events ${JSON.stringify(events)}`,
      send: (emulator) => postRaw(emulator, HTTP, request({ events })),
      status: 400,
      body: { code: 400, error: 'Request missing required field', missing_field: 'events' },
    }),
  ),
  ...['{"api_key":"key",', '[]', 'null', request({ events: ['text'] })].map(
    (text): Row => ({
      met: `the body ${text}`,
      send: (emulator) => postRaw(emulator, BATCH, text),
      status: 400,
      body: { code: 400, error: 'Invalid JSON request body' },
    }),
  ),
  {
    met: 'a body that says gzip and is not',
    send: (emulator) => postRaw(emulator, HTTP, request({}), { 'content-encoding': 'gzip' }),
    status: 400,
    body: { code: 400, error: 'Invalid JSON request body' },
  },
  {
    met: 'no body',
    send: (emulator) => postRaw(emulator, HTTP, ''),
    status: 400,
    body: { code: 400, error: 'Missing request body' },
  },
  ...['/httpapi', '/2/httpapi/', '/batch/2', '/2/HTTPAPI'].map(
    (path): Row => ({
      met: `the path ${path}`,
      send: (emulator) => postRaw(emulator, path, request({})),
      status: 400,
      body: { code: 400, error: 'Invalid request path' },
    }),
  ),
  {
    met: 'a firewall',
    options: { fail: [{ status: 403, rate: 1 }] },
    send: (emulator) => post(emulator, eventsOf(1)),
    status: 403,
    body: { code: 403, error: 'Forbidden' },
  },
  {
    met: 'too many events on HTTP V2',
    send: (emulator) => post(emulator, eventsOf(2001)),
    status: 413,
    body: { code: 413, error: 'Payload too large' },
  },
  {
    met: 'too many events on Batch',
    send: (emulator) => post(emulator, eventsOf(2001), BATCH),
    status: 413,
    body: { code: 413, error: 'Payload too large' },
  },
  {
    met: 'a device and a user over their rate',
    options: { httpEventsPerSecond: 1, windowSeconds: 2 },
    send: (emulator) =>
      post(emulator, [
        good,
        { ...good, device_id: 'other' },
        ...eventsOf(4, { user_id: 'u' }),
        { ...good, user_id: 'v' },
      ]),
    status: 429,
    body: {
      code: 429,
      error: 'Too many requests for some devices and users',
      eps_threshold: 1,
      throttled_devices: { 'device-1': 3 },
      throttled_users: { u: 2 },
      throttled_events: [0, 2, 3, 4, 5, 6],
    },
  },
  {
    met: 'a device and a user over their daily quota',
    options: { dailyQuota: 1 },
    send: (emulator) => post(emulator, [{ ...good, device_id: 'other' }, ...eventsOf(2, { user_id: 'u' })], BATCH),
    status: 429,
    body: {
      code: 429,
      error: 'Too many requests for some devices and users',
      eps_threshold: 1000,
      throttled_events: [1, 2],
      exceeded_daily_quota_devices: { 'device-1': 2 },
      exceeded_daily_quota_users: { u: 2 },
    },
  },
  {
    met: 'more events than the whole project may send',
    options: { projectEventsPerSecond: 1, windowSeconds: 2 },
    send: (emulator) => post(emulator, eventsOf(3)),
    status: 429,
    body: { code: 429, error: 'Too many requests' },
  },
  {
    met: 'a gzipped body where a proxy cannot read it',
    options: { refuseGzip: true },
    send: (emulator) => postRaw(emulator, HTTP, new Uint8Array(gzipSync(request({}))), { 'content-encoding': 'gzip' }),
    status: 415,
    body: { code: 415, error: 'Unsupported Media Type' },
  },
]

for (const { met, options, send, status, body } of ROWS) {
  test(`${met}: the answer is ${status}`, async (t) => {
    const emulator = await start(t, { clock: createVirtualClock(), ...options })
    assert.deepEqual(await send(emulator), { status, body })
    const { requests, accepted, unique, refused } = emulator.stats()
    assert.deepEqual([requests.total, requests.by_status], [1, { [status]: 1 }])
    assert.deepEqual([accepted, unique], status === 200 ? [1, 1] : [0, 0])
    assert.equal(Object.keys(refused).length, status === 200 ? 0 : 1)
  })
}

for (const status of [302, 408, 500, 502, 503, 504]) {
  test(`an injected ${status} counts no event`, async (t) => {
    const emulator = await start(t, { fail: [{ status, rate: 1 }] })
    const reply = await post(emulator, eventsOf(1))
    assert.equal(reply.status, status)
    assert.equal(typeof reply.body === 'string', status === 502 || status === 504, 'HTML as from a load balancer')
    assert.equal(emulator.stats().unique, 0)
  })
}

test('a user without device_id is throttled together with a device that nobody sent', async (t) => {
  const emulator = await start(t, { httpEventsPerSecond: 1, windowSeconds: 1 })
  const { body } = await post(emulator, [
    { event_type: 'a', user_id: 'u' },
    { event_type: 'a', user_id: 'u' },
  ])
  const { throttled_devices, throttled_users } = body as { throttled_devices: object; throttled_users: object }
  assert.deepEqual(throttled_users, { u: 2 })
  assert.match(Object.keys(throttled_devices).join(), /^[0-9a-f]{32}$/)
})
