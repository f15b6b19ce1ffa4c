import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFates, type FaultOptions } from '../../src/emulator/faults.ts'
import { eventsOf, post, postRaw, start } from './harness.ts'

const NONE: FaultOptions = { fail: [], dropBefore: 0, dropAfter: 0, garbage: 0, latencyMs: [0, 0], seed: 1 }
const ALL: FaultOptions = {
  ...NONE,
  fail: [
    { status: 503, rate: 0.1 },
    { status: 429, rate: 0.1 },
  ],
  dropBefore: 0.1,
  dropAfter: 0.1,
  garbage: 0.2,
  latencyMs: [10, 50],
}

function fatesOf(options: FaultOptions, count: number) {
  const next = createFates(options)
  return Array.from({ length: count }, next)
}

test('the same seed gives the same fates, another seed others', () => {
  assert.deepEqual(fatesOf(ALL, 1000), fatesOf(ALL, 1000))
  assert.notDeepEqual(fatesOf(ALL, 1000), fatesOf({ ...ALL, seed: 2 }, 1000))
})

test('every fault comes about as often as its rate says', () => {
  const kinds = fatesOf(ALL, 20_000).map(({ fault }) => (fault.kind === 'fail' ? fault.status : fault.kind))
  for (const kind of ['dropBefore', 503, 429, 'page', 'cutAnswer', 'dropAfter']) {
    const share = kinds.filter((other) => other === kind).length / kinds.length
    assert.ok(Math.abs(share - 0.1) < 0.01, `${kind}: ${share}`)
  }
})

test('latencies stay in their range and do not change the faults', () => {
  const fates = fatesOf(ALL, 1000)
  assert.ok(fates.every(({ latencyMs }) => latencyMs >= 10 && latencyMs <= 50))
  const faults = (options: FaultOptions) => fatesOf(options, 1000).map(({ fault }) => fault)
  assert.deepEqual(faults({ ...ALL, latencyMs: [0, 0] }), faults(ALL))
})

test('without options there is no fault and no latency', () => {
  assert.deepEqual(fatesOf(NONE, 3), Array(3).fill({ fault: { kind: 'none' }, latencyMs: 0 }))
})

test('rates above 1 together are refused', async () => {
  await assert.rejects(start({ after() {} } as never, { dropBefore: 0.6, dropAfter: 0.5 }), {
    name: 'UsageError',
    message: /above 1/,
  })
})

test('dropBefore: the connection ends and nothing counts', async (t) => {
  const emulator = await start(t, { dropBefore: 1 })
  await assert.rejects(post(emulator, eventsOf(2)))
  const { unique, accepted, unacknowledged, requests } = emulator.stats()
  assert.deepEqual(
    [unique, accepted, unacknowledged, requests],
    [0, 0, 0, { total: 1, by_status: {}, throttled: 0, dropped: 1 }],
  )
})

test('dropAfter: the events count, and the sender cannot know', async (t) => {
  const emulator = await start(t, { dropAfter: 1 })
  await assert.rejects(post(emulator, eventsOf(2, { insert_id: 'i' })))
  const { unique, duplicates, accepted, unacknowledged, requests } = emulator.stats()
  assert.deepEqual([unique, duplicates, accepted, unacknowledged], [1, 1, 0, 2])
  assert.deepEqual(requests, { total: 1, by_status: {}, throttled: 0, dropped: 1 })
})

test('garbage: a page with status 200 whose events do not count, or a cut answer whose events do', async (t) => {
  const emulator = await start(t, { garbage: 1 })
  const replies = await Promise.allSettled(Array.from({ length: 40 }, () => post(emulator, eventsOf(1))))
  const pages = replies.filter((reply) => reply.status === 'fulfilled').map(({ value }) => value)
  assert.ok(pages.length > 0 && pages.length < 40)
  for (const { status, body } of pages) {
    assert.equal(status, 200)
    assert.match(String(body), /^<!DOCTYPE html>/)
  }
  const { unique, unacknowledged, accepted, requests } = emulator.stats()
  const cut = 40 - pages.length
  assert.deepEqual([unique, unacknowledged, accepted, requests.dropped], [cut, cut, 0, cut])
})

test('a lost answer to a request that is refused takes nothing', async (t) => {
  const emulator = await start(t, { dropAfter: 1 })
  await assert.rejects(postRaw(emulator, '/batch', 'no JSON'))
  const { refused, unique, unacknowledged } = emulator.stats()
  assert.deepEqual([refused, unique, unacknowledged], [{ invalid_json: 1 }, 0, 0])
})

test('the same seed refuses the same requests in the same order', async (t) => {
  const run = async () => {
    const emulator = await start(t, { fail: [{ status: 503, rate: 0.5 }], seed: 7 })
    const statuses: number[] = []
    for (let i = 0; i < 20; i++) statuses.push((await post(emulator, eventsOf(1))).status)
    return statuses
  }
  const first = await run()
  assert.ok(first.includes(200) && first.includes(503))
  assert.deepEqual(await run(), first)
})
