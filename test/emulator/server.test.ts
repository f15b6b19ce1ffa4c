import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { startEmulator } from '../../src/emulator/server.ts'
import { BATCH, createVirtualClock, eventsOf, HTTP, post, postRaw, start, statusOf } from './harness.ts'

/** A valid body of exactly `bytes` bytes; its events keep below the limits of fields. */
function bodyOf(bytes: number): string {
  const withPadding = (padding: string) => JSON.stringify({ api_key: 'key', events: eventsOf(1), padding })
  return withPadding('x'.repeat(bytes - withPadding('').length))
}

for (const { path, bytes, status } of [
  { path: HTTP, bytes: 999_999, status: 200 },
  { path: HTTP, bytes: 1_000_000, status: 413 },
  { path: BATCH, bytes: 20_000_000, status: 200 },
  { path: BATCH, bytes: 20_000_001, status: 413 },
]) {
  test(`${path}: ${bytes} bytes get ${status}, gzipped as well`, async (t) => {
    const emulator = await start(t)
    const body = bodyOf(bytes)
    assert.equal(await statusOf(postRaw(emulator, path, body)), status)
    const zipped = new Uint8Array(gzipSync(body))
    assert.equal(await statusOf(postRaw(emulator, path, zipped, { 'content-encoding': 'gzip' })), status)
  })
  test(`${path}: 2000 events pass`, async (t) => {
    const emulator = await start(t, { httpEventsPerSecond: 1000 })
    assert.equal(await statusOf(post(emulator, eventsOf(2000), path)), 200)
  })
}

test('the size of the payload is that of the unzipped body', async (t) => {
  const emulator = await start(t)
  const body = bodyOf(5000)
  const zipped = new Uint8Array(gzipSync(body))
  const reply = await postRaw(emulator, HTTP, zipped, { 'content-encoding': 'gzip' })
  assert.equal((reply.body as { payload_size_bytes: number }).payload_size_bytes, 5000)
})

test('a small body that unzips to a gigabyte is too large, and is not unzipped', async (t) => {
  const emulator = await start(t)
  // gzip members may follow one another: 64 times 16 MB of spaces.
  const member = gzipSync(Buffer.alloc(16 * 1024 * 1024, ' '))
  const bomb = new Uint8Array(Buffer.concat(Array(64).fill(member)))
  assert.equal(await statusOf(postRaw(emulator, BATCH, bomb, { 'content-encoding': 'gzip' })), 413)
})

test('an encoding that Amplitude does not name gets 415', async (t) => {
  const emulator = await start(t)
  const body = new Uint8Array(brotliCompressSync(bodyOf(5000)))
  assert.equal(await statusOf(postRaw(emulator, HTTP, body, { 'content-encoding': 'br' })), 415)
})

test('refuseGzip still takes plain bodies', async (t) => {
  const emulator = await start(t, { refuseGzip: true })
  assert.equal(await statusOf(post(emulator, eventsOf(1))), 200)
})

test('events are held by the window and let in after it', async (t) => {
  const clock = createVirtualClock()
  const emulator = await start(t, { clock })
  assert.equal(await statusOf(post(emulator, eventsOf(900))), 200)
  assert.equal(await statusOf(post(emulator, eventsOf(1))), 429)
  clock.advance(30_000)
  assert.equal(await statusOf(post(emulator, eventsOf(1))), 200)
  const { requests, refused, peaks } = emulator.stats()
  assert.deepEqual(requests, { total: 3, by_status: { 200: 2, 429: 1 }, throttled: 1, dropped: 0 })
  assert.deepEqual(refused, { throttled: 1 })
  assert.deepEqual(peaks, [{ identity: 'device', id: 'device-1', events_per_second: 30.03 }])
})

test('repeats are acknowledged, and kept once', async (t) => {
  const emulator = await start(t)
  const event = { device_id: 'device-1', event_type: 'a', insert_id: 'i', time: 5 }
  for (let i = 0; i < 3; i++) {
    const { body } = await post(emulator, [event, event])
    assert.equal((body as { events_ingested: number }).events_ingested, 2)
  }
  const { accepted, unique, duplicates } = emulator.stats()
  assert.deepEqual({ accepted, unique, duplicates }, { accepted: 6, unique: 1, duplicates: 5 })
})

test('a silenced device is refused', async (t) => {
  const emulator = await start(t, { silencedDevices: ['device-1'] })
  assert.equal(await statusOf(post(emulator, eventsOf(1))), 400)
  assert.deepEqual(emulator.stats().refused, { silenced: 1 })
})

test('GET /stats gives the same figures as stats(), and is not counted itself', async (t) => {
  const emulator = await start(t)
  await post(emulator, [...eventsOf(1, { time: 9 }), ...eventsOf(1, { time: 8 })])
  const response = await fetch(`${emulator.url}/stats`)
  const stats = await response.json()
  assert.deepEqual(stats, emulator.stats())
  assert.equal(emulator.stats().out_of_order, 1)
  assert.equal(emulator.stats().requests.total, 1)
})

test('GET / says what it is', async (t) => {
  const emulator = await start(t)
  assert.match(await (await fetch(emulator.url)).text(), /local Amplitude/)
})

test('GET on a path of the API is an invalid request path', async (t) => {
  const emulator = await start(t)
  const response = await fetch(emulator.url + HTTP)
  assert.deepEqual(await response.json(), { code: 400, error: 'Invalid request path' })
})

test('keepEvents appends every unique event as one line, in the order of arrival', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'emulator-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const keepEvents = join(directory, 'events.ndjson')
  writeFileSync(keepEvents, '{"from":"before"}\n')
  const emulator = await start(t, { keepEvents })
  const events = [1, 2, 3].map((time) => ({ event_type: 'ä\n', user_id: 'u', insert_id: `${time}`, time }))
  await post(emulator, events.slice(0, 2))
  await post(emulator, events)
  await post(emulator, [{ ...events[0], time: 'x', insert_id: 'refused' }])
  const lines = readFileSync(keepEvents, 'utf8').trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [{ from: 'before' }, ...events],
  )
})

test('a file for events that cannot be opened is a usage error that names it', async () => {
  const keepEvents = join(tmpdir(), 'no', 'such', 'directory', 'events.ndjson')
  await assert.rejects(startEmulator({ keepEvents }), { name: 'UsageError', message: /no.such.directory/ })
})

test('a port in use is a usage error that names the port and says what to do', async (t) => {
  const { port } = await start(t)
  await assert.rejects(startEmulator({ port }), {
    name: 'UsageError',
    message: `Port ${port} is in use.`,
    hint: /--port/,
  })
})

// Elsewhere only 127.0.0.1 of the loopback network is there to be asked.
test('it listens on 127.0.0.1 only', { skip: process.platform !== 'linux' }, async (t) => {
  const { port } = await start(t)
  const socket = connect(port, '127.0.0.2')
  t.after(() => socket.destroy())
  await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' })
})

test('close() ends idle connections, half-sent requests and requests that wait for their answer', {
  timeout: 60_000,
}, async () => {
  const emulator = await startEmulator({ latencyMs: [3_600_000, 3_600_000] })
  const waiting = post(emulator, eventsOf(1))
  const idle = connect(emulator.port, '127.0.0.1')
  const half = httpRequest(emulator.url + BATCH, { method: 'POST', headers: { 'content-length': '1000' } })
  half.write('{"api_key":')
  const ends = [assert.rejects(waiting), once(idle, 'close'), assert.rejects(once(half, 'response'))]
  await once(idle, 'connect')
  while (emulator.stats().requests.total < 2) await new Promise((resolve) => setTimeout(resolve, 1))
  await emulator.close()
  await Promise.all(ends)
  await emulator.close()
  assert.equal(emulator.stats().unique, 0)
})

test('a sender that gives up before the answer leaves its events unacknowledged', { timeout: 60_000 }, async (t) => {
  let release = () => {}
  let sleeps = 0
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  // The second half of the round trip lasts until the sender is gone.
  const sleep = () => (++sleeps === 2 ? held : Promise.resolve())
  const emulator = await start(t, { latencyMs: [10, 10], clock: { ...createVirtualClock(), sleep } })
  const controller = new AbortController()
  const body = JSON.stringify({ api_key: 'key', events: eventsOf(1) })
  const sent = fetch(emulator.url + HTTP, { method: 'POST', body, signal: controller.signal })
  while (emulator.stats().unique === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  controller.abort()
  await assert.rejects(sent)
  // The server has seen the end of that connection once it answers later ones.
  for (let i = 0; i < 10; i++) await (await fetch(emulator.url)).text()
  release()
  while (emulator.stats().requests.dropped === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  const { accepted, unacknowledged } = emulator.stats()
  assert.deepEqual({ accepted, unacknowledged }, { accepted: 0, unacknowledged: 1 })
})
