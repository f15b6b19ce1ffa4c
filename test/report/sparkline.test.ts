import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sparkline } from '../../src/report/sparkline.ts'

test('hours are a line of bars, gaps and all', () => {
  assert.equal(sparkline([], 10), '')
  assert.equal(
    sparkline(
      [
        [0, 8],
        [3_600_000, 1],
        [3 * 3_600_000, 4],
      ],
      10,
    ),
    '█▁ ▄',
  )
  const days = Array.from({ length: 5000 }, (_, i) => [i * 3_600_000, 1] as const)
  assert.equal(sparkline(days, 60).length, 60)
})
