import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { idsOf } from './ids.ts'
import { runPlainly } from './plain-run.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function heapBytes(): number {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test('half a million identities with one event each leave the heap as it was', (t) => {
  const before = heapBytes()
  const { scheduler, identitiesLeft } = runPlainly(250_000, (number) => ({
    ...idsOf(`user-${number}`, `device-${number}`),
    bytes: 1000,
    requestBytes: 500,
  }))
  const after = heapBytes()
  t.diagnostic(`${((after - before) / 1e6).toFixed(1)} MB more, ${identitiesLeft} identities left`)
  assert.equal(identitiesLeft, 0)
  assert.ok(Math.abs(after - before) < 20e6)
  assert.ok(scheduler.isDrained())
})
