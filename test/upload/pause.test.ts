import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createConcurrency } from '../../src/upload/concurrency.ts'
import { backoffMs, createPause, retryAfterMs } from '../../src/upload/pause.ts'
import { masked } from '../../src/upload/server-text.ts'

test('the ceiling of the backoff doubles from 0.5 s and stays at 60 s', () => {
  const ceilings = [1, 2, 3, 4, 7, 8, 9, 2000].map((failures) => backoffMs(failures, 1))
  assert.deepEqual(ceilings, [500, 1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000])
  assert.equal(backoffMs(9, 0), 0)
  assert.equal(backoffMs(2, 0.25), 250)
})

const NOW = Date.UTC(2026, 0, 1, 12)

for (const [header, expected] of [
  ['120', 120_000],
  [' 0 ', 500],
  ['0.01', 500],
  ['1.5', 1500],
  ['Thu, 01 Jan 2026 12:00:10 GMT', 10_000],
  ['Thursday, 01-Jan-26 12:00:10 GMT', 10_000],
  ['Thu Jan  1 12:00:10 2026', 10_000],
  ['Thu, 01 Jan 2026 11:00:00 GMT', 500],
  ['-5', null],
  ['soon', null],
  ['2026', 2_026_000],
  ['9'.repeat(400), 86_400_000],
  ['Fri, 01 Jan 9999 12:00:00 GMT', 86_400_000],
  ['', null],
  [null, null],
] as const) {
  test(`Retry-After ${header} is ${expected} ms`, () => assert.equal(retryAfterMs(header, NOW), expected))
}

test('concurrency grows by one in a good second and is halved once for what fails together', () => {
  const concurrency = createConcurrency({ start: 4, max: 6 })
  for (const now of [0, 500, 1000, 1500, 2000, 3000, 4000]) concurrency.good(now)
  assert.equal(concurrency.limit(), 6)
  for (const now of [4100, 4200, 4300]) concurrency.bad(now)
  assert.equal(concurrency.limit(), 3)
  concurrency.bad(5200)
  concurrency.bad(6300)
  concurrency.bad(7400)
  assert.equal(concurrency.limit(), 1)
  concurrency.good(8000)
  assert.equal(concurrency.limit(), 1)
  concurrency.good(8400)
  assert.equal(concurrency.limit(), 2)
})

test('concurrency counts what runs', async () => {
  const concurrency = createConcurrency({ start: 1, max: 1 })
  assert.ok(concurrency.hasRoom())
  const running = concurrency.run(async () => 'done')
  assert.ok(!concurrency.hasRoom())
  assert.equal(await running, 'done')
})

test('the pause waits longer for each refusal in a row, once for those that come together', () => {
  const pause = createPause(() => 1)
  assert.equal(pause.begin(0, null, Infinity), 500)
  assert.equal(pause.begin(10, null, Infinity), 510)
  assert.equal(pause.begin(600, null, Infinity), 1600)
  assert.equal(pause.begin(2000, 30_000, Infinity), 32_000)
  assert.equal(pause.begin(40_000, null, 41_000), 41_000)
  pause.passed()
  assert.equal(pause.begin(50_000, null, Infinity), 50_500)
})

test('the key is masked in every form, and nothing else is', () => {
  const key = 'a b+c/"x"'
  const text = `1 ${key} 2 ${encodeURIComponent(key)} 3 ${encodeURIComponent(key).toLowerCase()} 4 ${JSON.stringify(key)} 5`
  assert.equal(masked(text, key), '1 [key] 2 [key] 3 [key] 4 "[key]" 5')
  assert.equal(masked('abc', ''), 'abc')
  assert.equal(masked('a.c', 'a.c'), '[key]')
  assert.equal(masked('abc', 'a.c'), 'abc')
})
