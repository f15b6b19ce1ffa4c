import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDailyQuota } from '../../src/schedule/quota.ts'

const HOUR = 3_600_000

function quotaOf(limit: number, saved: Parameters<typeof createDailyQuota>[0]['saved'] = []) {
  return createDailyQuota({ limit, wallClockOffsetMs: 1000 * HOUR, saved })
}

test('the quota is used up at its limit and not before', () => {
  const quota = quotaOf(3)
  const device = quota.track('device', 'd')
  assert.deepEqual(
    [1, 2, 3].map(() => quota.count(device, 0)),
    [false, false, true],
  )
})

test('an hour leaves when all of it is 24 h old', () => {
  const quota = quotaOf(3)
  const device = quota.track('device', 'd')
  for (const at of [0.9, 1.5, 1.6]) quota.count(device, at * HOUR)
  assert.equal(quota.oldestHourLeavesMs(device, 2 * HOUR), 25 * HOUR)
  assert.equal(quota.count(device, 24.9 * HOUR), true)
  assert.equal(quota.oldestHourLeavesMs(device, 25 * HOUR), 26 * HOUR)
})

test('counts go on after a restart, by the wall clock', () => {
  const quota = quotaOf(10)
  const user = quota.track('user', 'x')
  for (let count = 0; count < 6; count += 1) quota.count(user, 0.5 * HOUR)
  const saved = quota.save(0.6 * HOUR)
  assert.deepEqual(saved, [{ kind: 'user', id: 'x', hours: [[1000, 6]] }])

  const later = createDailyQuota({ limit: 10, wallClockOffsetMs: 1002 * HOUR, saved })
  const again = later.find('user', 'x')
  assert.ok(again !== null)
  assert.equal(later.find('device', 'x'), null)
  assert.deepEqual(
    [1, 2, 3, 4].map(() => later.count(again, 0)),
    [false, false, false, true],
  )
  assert.equal(later.oldestHourLeavesMs(again, 0), 23 * HOUR)
})

test('what was not sent for 24 h is forgotten, and counted again when it comes back', () => {
  const quota = quotaOf(10)
  const device = quota.track('device', 'd')
  quota.count(device, 0)
  assert.equal(quota.save(24 * HOUR).length, 1)
  assert.deepEqual(quota.save(25 * HOUR), [])
  assert.equal(quota.find('device', 'd'), null)
  quota.count(device, 26 * HOUR)
  assert.equal(quota.save(26 * HOUR).length, 1)
})

test('a hot identity stays listed although nothing of it was sent', () => {
  const quota = quotaOf(10)
  quota.track('device', 'd').pinned = true
  assert.deepEqual(quota.save(100 * HOUR), [])
  assert.ok(quota.find('device', 'd') !== null)
})
