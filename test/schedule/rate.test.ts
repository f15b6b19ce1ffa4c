import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  carriedOver,
  charged,
  createRate,
  emptyUntil,
  isPaused,
  type Rate,
  setDelay,
  tokensAt,
  whenTokens,
} from '../../src/schedule/rate.ts'

/** When a full bucket is full again after `count` tokens were spent at `nowMs`. */
function spent(rate: Rate, nowMs: number, count: number): number {
  let fullAtMs = 0
  for (let taken = 0; taken < count; taken += 1) fullAtMs = charged(rate, fullAtMs, nowMs)
  return fullAtMs
}

test('the fill leaves room in 30 s for a burst and for late arrivals', () => {
  for (const [limit, burst, delayMs, perSecond] of [
    [30, undefined, 1000, 870 / 31],
    [30, undefined, 10_000, 870 / 40],
    [30, 90, 1000, 810 / 31],
    [300, undefined, 1000, 8700 / 31],
    [1, undefined, 1000, 29 / 31],
  ] as const) {
    const rate = createRate(limit, burst, delayMs)
    assert.ok(Math.abs(rate.fillPerMs * 1000 - perSecond) < 1e-9, `${limit} ${burst} ${delayMs}`)
    assert.ok(rate.burst + rate.fillPerMs * (30_000 + delayMs) <= 30 * limit + 1e-9)
  }
})

test('a bucket gives its burst at once, and then a token whenever one has grown', () => {
  const rate = createRate(30, undefined, 1000)
  let fullAtMs = 0
  for (let taken = 0; taken < 30; taken += 1) {
    assert.equal(tokensAt(rate, fullAtMs, 5000), 30 - taken)
    fullAtMs = charged(rate, fullAtMs, 5000)
  }
  assert.equal(tokensAt(rate, fullAtMs, 5000), 0)
  assert.equal(tokensAt(rate, fullAtMs, 5000 + 0.99 / rate.fillPerMs), 0)
  assert.equal(tokensAt(rate, fullAtMs, 5000 + 1 / rate.fillPerMs), 1)
  assert.equal(tokensAt(rate, fullAtMs, 60_000), 30)
})

test('a limit below one event a second still gives whole tokens', () => {
  const rate = createRate(0.2, undefined, 1000)
  assert.equal(tokensAt(rate, 0, 1), 1)
  assert.equal(tokensAt(rate, charged(rate, 0, 1), 1), 0)
})

test('at the time for n tokens there are n, for any history', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 3, 30, 300, 1000),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 1000 }),
      (limit, nowMs, taken, wanted) => {
        const rate = createRate(limit, undefined, 1050)
        const fullAtMs = spent(rate, nowMs, Math.min(taken, limit))
        const count = Math.min(wanted, limit)
        assert.ok(tokensAt(rate, fullAtMs, whenTokens(rate, fullAtMs, count)) >= count)
      },
    ),
  )
})

test('a pause leaves nothing until its end, and is told from an empty bucket', () => {
  const rate = createRate(30, undefined, 1000)
  const fullAtMs = emptyUntil(rate, 40_000)
  assert.ok(isPaused(rate, fullAtMs, 10_000))
  assert.ok(tokensAt(rate, fullAtMs, 39_999) <= 0)
  assert.equal(tokensAt(rate, fullAtMs, 40_000 + 1 / rate.fillPerMs), 1)
  assert.ok(!isPaused(rate, spent(rate, 10_000, 30), 10_000))
})

test('a slower fill gives no tokens that never grew, and does not move the end of a pause', () => {
  const before = createRate(30, undefined, 1000)
  const after = createRate(30, undefined, 1000)
  setDelay(after, 10_000)
  const empty = spent(before, 1000, 30)
  assert.equal(tokensAt(after, carriedOver(empty, 1000, before, after), 1000), 0)
  const paused = carriedOver(emptyUntil(before, 50_000), 1000, before, after)
  assert.ok(Math.abs(paused - emptyUntil(after, 50_000)) < 1e-6)
})
