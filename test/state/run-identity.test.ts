import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  changedRun,
  differencesOf,
  fingerprintOf,
  newRun,
  type RunChoices,
  type RunIdentity,
} from '../../src/state/run-identity.ts'
import { CHECKPOINT } from '../crash/checkpoints.ts'

const SAVED = CHECKPOINT.run

function difference(change: Partial<RunIdentity>) {
  return differencesOf(SAVED, { ...SAVED, ...change })
}

function optionDifference(change: Partial<RunChoices>) {
  return difference({ options: { ...SAVED.options, ...change } })
}

describe('the same run', () => {
  test('may be of another day, program version and answer', () => {
    assert.deepEqual(difference({ id: 'other', tool: 'braze2amp 9', createdAt: 0, confirmed: false }), [])
  })

  const changes: readonly (readonly [readonly object[], string, string, string])[] = [
    [
      difference({ origin: 'https://api.eu.amplitude.com' }),
      'the destination',
      'https://api2.amplitude.com',
      'https://api.eu.amplitude.com',
    ],
    [difference({ keyFingerprint: 'fff' }), 'the API key (fingerprint)', '0123456789ab', 'fff'],
    [difference({ mappingHash: '00' }), 'the mapping (hash)', 'abcdef', '00'],
    [optionDifference({ include: [] }), '--include', 'users.*', 'not given'],
    [optionDifference({ exclude: ['a', 'b'] }), '--exclude', 'not given', 'a,b'],
    [optionDifference({ since: null }), '--since', '2026-01-01T00:00:00.000Z', 'not given'],
    [optionDifference({ until: '2026-02-01' }), '--until', 'not given', '2026-02-01'],
    [optionDifference({ eventType: 'users.X' }), '--event-type', 'not given', 'users.X'],
    [optionDifference({ format: 'csv' }), '--format', 'not given', 'csv'],
    [optionDifference({ shard: '1/4' }), '--shard', 'not given', '1/4'],
    [optionDifference({ dedupe: false }), '--no-dedupe', 'not given', 'given'],
    [optionDifference({ skipUserPropertiesSync: true }), '--skip-user-properties-sync', 'not given', 'given'],
  ]
  for (const [found, what, before, now] of changes) {
    test(`has the same value for ${what}`, () => assert.deepEqual(found, [{ what, before, now }]))
  }

  test('is refused otherwise, with every old and new value and the ways out', () => {
    const error = changedRun('.braze2amp', optionDifference({ include: [], dedupe: false }))
    assert.match(error.message, /--include: was users\.\*, now not given\n {2}--no-dedupe: was not given, now given/)
    assert.match(error.hint ?? '', /--state.*--fresh.*--accept-changes/)
    assert.equal(error.exitCode, 2)
  })
})

test('a new run is another one each time', () => {
  assert.notEqual(newRun(SAVED).id, newRun(SAVED).id)
})

test('a key’s fingerprint tells keys apart and holds nothing of them', () => {
  const key = '0123456789abcdef0123456789abcdef'
  assert.notEqual(fingerprintOf(key), fingerprintOf(`${key}0`))
  assert.match(fingerprintOf(key), /^[0-9a-f]{12}$/)
})
