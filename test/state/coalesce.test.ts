import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coalesce } from '../../src/state/coalesce.ts'

function scene() {
  const begun: { resolve: () => void; reject: (error: Error) => void }[] = []
  const saves = coalesce(() => new Promise((resolve, reject) => begun.push({ resolve, reject })))
  return { begun, saves }
}

test('a run begins at once, and those who ask while it is under way share the next', async () => {
  const { begun, saves } = scene()
  const first = saves.run()
  assert.equal(begun.length, 1)
  assert.equal(saves.current(), first)
  const second = saves.run()
  assert.equal(saves.run(), second)
  assert.notEqual(second, first)
  assert.equal(begun.length, 1)
  begun[0]?.resolve()
  await first
  await new Promise(setImmediate)
  assert.equal(begun.length, 2)
  begun[1]?.resolve()
  await second
  assert.equal(saves.current(), null)
})

test('a run that fails fails for those who waited for it, not for those who wait for the next', async () => {
  const { begun, saves } = scene()
  const first = saves.run()
  const second = saves.run()
  begun[0]?.reject(new Error('full'))
  await assert.rejects(first, /full/)
  await new Promise(setImmediate)
  begun[1]?.resolve()
  await second
})
