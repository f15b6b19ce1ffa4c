import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHours } from '../../src/inspect/hours.ts'

test('hours count events by the hour of their time, in order', () => {
  const hours = createHours()
  for (const time of [7_200_000, 7_200_001, 0, 7_199_999, -1]) hours.add(time)
  assert.deepEqual(hours.all(), [
    [-3_600_000, 1],
    [0, 1],
    [3_600_000, 1],
    [7_200_000, 2],
  ])
})
