import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTurns } from '../../src/state/turns.ts'

function scene() {
  const begun: { resolve: () => void; reject: (error: Error) => void }[] = []
  const turns = createTurns(() => new Promise((resolve, reject) => begun.push({ resolve, reject })))
  return { begun, turns }
}

test('a turn begins at once, and those who ask while it is under way share the next', async () => {
  const { begun, turns } = scene()
  const first = turns.take()
  assert.equal(begun.length, 1)
  assert.equal(turns.current(), first)
  const second = turns.take()
  assert.equal(turns.take(), second)
  assert.notEqual(second, first)
  assert.equal(begun.length, 1)
  begun[0]?.resolve()
  await first
  await new Promise(setImmediate)
  assert.equal(begun.length, 2)
  begun[1]?.resolve()
  await second
  assert.equal(turns.current(), null)
})

test('a turn that fails fails for those who waited for it, not for those who wait for the next', async () => {
  const { begun, turns } = scene()
  const first = turns.take()
  const second = turns.take()
  begun[0]?.reject(new Error('full'))
  await assert.rejects(first, /full/)
  await new Promise(setImmediate)
  begun[1]?.resolve()
  await second
})
