import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLongestAttempt } from '../../src/schedule/longest-attempt.ts'

test('the longest attempt is remembered for 60 s', () => {
  const attempts = createLongestAttempt()
  attempts.record(4000, 10_000)
  attempts.record(300, 11_500)
  assert.equal(attempts.longestMs(12_000), 4000)
  assert.equal(attempts.longestMs(69_999), 4000)
  assert.equal(attempts.longestMs(70_000), 300)
  assert.equal(attempts.longestMs(200_000), 0)
})
