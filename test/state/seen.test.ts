import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeen } from '../../src/state/seen.ts'

const MILLION = 1_000_000

/** A different pair of halves for every number; the high half is never 0. */
function hashOf(i: number): readonly [number, number] {
  return [Math.imul(i, 0x9e3779b1) >>> 0, (Math.imul(i, 0x85ebca6b) | 1) >>> 0]
}

test('every one of the last million events is known, and no event that was not seen is', () => {
  const seen = createSeen()
  for (let i = 0; i < 3.5 * MILLION; i++) assert.equal(seen.has(...hashOf(i)), false)
  for (let i = 2.5 * MILLION; i < 3.5 * MILLION; i++) assert.equal(seen.has(...hashOf(i)), true)
})

test('an event that comes again and again stays known', () => {
  const seen = createSeen()
  assert.equal(seen.has(...hashOf(0)), false)
  for (let i = 1; i < 1.5 * MILLION; i++) seen.has(...hashOf(i))
  assert.equal(seen.has(...hashOf(0)), true)
  for (let i = 1.5 * MILLION; i < 2.2 * MILLION; i++) seen.has(...hashOf(i))
  assert.equal(seen.has(...hashOf(0)), true)
})

test('hashes that belong to one place are told apart', () => {
  const seen = createSeen()
  for (let high = 1; high < 1000; high++) assert.equal(seen.has(0xffffffff, high), false)
  for (let high = 1; high < 1000; high++) assert.equal(seen.has(0xffffffff, high), true)
  assert.equal(seen.has(0xfffffffe, 1), false)
})
