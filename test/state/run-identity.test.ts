import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mappingHash, rulesHash } from '../../src/mapping/mapping-hash.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import {
  changedRun,
  differencesOf,
  fingerprintOf,
  hasOtherCatalogue,
  newRun,
  type RunChoices,
  type RunIdentity,
} from '../../src/state/run-identity.ts'
import { PLAIN } from '../harness.ts'
import { CHECKPOINT } from './checkpoints.ts'

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

  test('may have another catalogue, or say the same in other words', () => {
    assert.deepEqual(difference({ mappingHash: '00' }), [])
    assert.deepEqual(difference({ rulesHash: '11' }), [])
    assert.ok(hasOtherCatalogue(SAVED, { ...SAVED, mappingHash: '00' }))
    assert.ok(!hasOtherCatalogue(SAVED, { ...SAVED, rulesHash: '11' }))
  })

  test('is known when version 0.1.0 began it without a mapping file, and not when it had one', () => {
    const before = { ...SAVED, rulesHash: null, mappingHash: '52a9a332cf6d96f015c472e9797e4d2e' }
    const now = compileMapping(PLAIN)
    const current = { ...SAVED, mappingHash: mappingHash(now), rulesHash: rulesHash(now) }
    assert.deepEqual(differencesOf(before, current), [])
    assert.equal(differencesOf({ ...before, mappingHash: 'of a mapping file' }, current).length, 1)
    const documented = compileMapping({ ...PLAIN, profile: 'documented' })
    const other = { ...current, mappingHash: mappingHash(documented), rulesHash: rulesHash(documented) }
    assert.equal(differencesOf(before, other).length, 1)
  })

  const changes: readonly (readonly [readonly object[], string, string, string])[] = [
    [
      difference({ origin: 'https://api.eu.amplitude.com' }),
      'the destination',
      'https://api2.amplitude.com',
      'https://api.eu.amplitude.com',
    ],
    [difference({ keyFingerprint: 'fff' }), 'the API key (fingerprint)', '0123456789ab', 'fff'],
    [difference({ mappingHash: '00', rulesHash: '11' }), 'the mapping (hash)', 'abcdef', '00'],
    [optionDifference({ include: [] }), '--include', 'users.*', 'not given'],
    [optionDifference({ exclude: ['a', 'b'] }), '--exclude', 'not given', 'a,b'],
    [optionDifference({ since: null }), '--since', '2026-01-01T00:00:00.000Z', 'not given'],
    [optionDifference({ until: '2026-02-01' }), '--until', 'not given', '2026-02-01'],
    [optionDifference({ eventType: 'users.X' }), '--event-type', 'not given', 'users.X'],
    [optionDifference({ format: 'csv' }), '--format', 'not given', 'csv'],
    [optionDifference({ csvDelimiter: ';' }), '--csv-delimiter', 'not given', ';'],
    [optionDifference({ csvQuote: 'none' }), '--csv-quote', 'not given', 'none'],
    [optionDifference({ csvEscape: '^' }), '--csv-escape', 'not given', '^'],
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
