import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { destinationOf } from '../../../src/commands/options/destination.ts'
import { parseConcurrency, parseDuration, parseRate } from '../../../src/commands/options/option-values.ts'
import { settingsOf, type UploadOptions } from '../../../src/commands/options/upload-options.ts'

const OPTIONS: UploadOptions = { api: 'http', region: 'us', state: '.braze2amp', concurrency: 'auto', onQuota: 'wait' }

describe('where requests go', () => {
  for (const [options, expected] of [
    [{}, 'https://api2.amplitude.com/2/httpapi'],
    [{ api: 'batch' }, 'https://api2.amplitude.com/batch'],
    [{ region: 'eu' }, 'https://api.eu.amplitude.com/2/httpapi'],
    [{ api: 'batch', region: 'eu' }, 'https://api.eu.amplitude.com/batch'],
    [{ endpoint: 'https://proxy.example.com/amplitude/' }, 'https://proxy.example.com/amplitude/2/httpapi'],
    [{ endpoint: 'https://api2.amplitude.com/2/httpapi' }, 'https://api2.amplitude.com/2/httpapi'],
    [{ endpoint: 'http://127.0.0.1:8787', api: 'batch' }, 'http://127.0.0.1:8787/batch'],
  ] as const) {
    test(expected, () => assert.equal(destinationOf({ ...OPTIONS, ...options }).url.href, expected))
  }

  test('this machine is no other machine', () => {
    assert.ok(destinationOf({ ...OPTIONS, endpoint: 'http://localhost:1' }).isLocal)
    assert.ok(!destinationOf(OPTIONS).isLocal)
  })
})

test('--plan starter presets its limits, and what is given beside it wins', () => {
  const { maxEventsPerSecond, maxRequestsPerSecond, batchSize } = settingsOf(
    { ...OPTIONS, plan: 'starter', maxRps: 5 },
    undefined,
  )
  assert.deepEqual([maxEventsPerSecond, maxRequestsPerSecond, batchSize], [1000, 5, 10])
})

test('a shard has its part of what is meant for the whole project, and no less of what is meant for one device', () => {
  const shard = { number: 2, count: 4 }
  const given = settingsOf({ ...OPTIONS, maxEps: 1000, maxRps: 10, deviceEps: 30 }, shard)
  assert.deepEqual([given.maxEventsPerSecond, given.maxRequestsPerSecond, given.deviceEventsPerSecond], [250, 2.5, 30])
  assert.equal(settingsOf({ ...OPTIONS, plan: 'starter' }, shard).maxEventsPerSecond, 250)
  assert.equal(settingsOf(OPTIONS, shard).maxEventsPerSecond, null)
})

test('durations, rates and concurrency', () => {
  assert.deepEqual(['10ms', '1.5s', '30m', '2h', '1d'].map(parseDuration), [10, 1500, 1_800_000, 7_200_000, 86_400_000])
  assert.deepEqual(['auto', '8'].map(parseConcurrency), ['auto', 8])
  assert.equal(parseRate('0.5'), 0.5)
  for (const wrong of ['', '30', 's', '-1s', '1e3s']) assert.throws(() => parseDuration(wrong), wrong)
  for (const wrong of ['0', '-1', 'x', '']) assert.throws(() => parseRate(wrong), wrong)
  for (const wrong of ['0', 'Auto', '1.5']) assert.throws(() => parseConcurrency(wrong), wrong)
})
