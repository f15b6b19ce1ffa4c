import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { randomOf, recordOf } from '../bench/generate.ts'
import { CATALOGUE } from '../data/catalogue.ts'
import { mapRecord } from '../harness.ts'
import { GOLDEN_PROFILES, goldenCases } from './cases.ts'
import { expectedEvent, type JsonObject } from './oracle.ts'

const CASES = goldenCases()

describe('every event type of the catalogue', () => {
  test('has a golden file, and every golden file is of one', () => {
    assert.deepEqual([...CASES.keys()].toSorted(), CATALOGUE.map((entry) => entry.event_type).toSorted())
  })

  for (const entry of CATALOGUE) {
    const golden = CASES.get(entry.event_type)
    if (!golden) continue
    for (const profile of GOLDEN_PROFILES) {
      test(`${entry.event_type} in profile ${profile} comes out byte for byte as its golden file`, () => {
        const { line, outcome } = mapRecord(JSON.stringify(golden.record), entry.event_type, { profile })
        assert.equal(line, golden[profile] === null ? null : JSON.stringify(golden[profile]))
        assert.equal(outcome, entry.send ? 'event' : 'not_exported')
      })

      test(`the golden file of ${entry.event_type} in profile ${profile} is what the reference data says`, () => {
        assert.deepEqual(golden[profile], expectedEvent(entry, golden.record, profile))
      })
    }
  }

  test('any record of any type becomes the event that the reference data says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CATALOGUE),
        fc.integer(),
        fc.constantFrom(...GOLDEN_PROFILES),
        (entry, seed, profile) => {
          const record = recordOf(entry, randomOf(seed), 0) as JsonObject
          const { line } = mapRecord(JSON.stringify(record), entry.event_type, { profile })
          assert.deepEqual(line === null ? null : JSON.parse(line), expectedEvent(entry, record, profile))
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe('the events on the partner page', () => {
  for (const entry of CATALOGUE.filter((candidate) => candidate.on_page)) {
    for (const profile of ['braze', 'documented'] as const) {
      test(`${entry.event_type} in profile ${profile} carries every property that the page lists`, () => {
        const record = Object.fromEntries(
          Object.entries(CASES.get(entry.event_type)?.record ?? {}).map(([key, value]) => [key, value ?? 'filled']),
        )
        for (const name of entry.page_properties ?? []) record[name] ??= 'filled'
        const { line } = mapRecord(JSON.stringify(record), entry.event_type, { profile })
        const event = JSON.parse(line ?? 'null')
        for (const name of entry.page_properties ?? []) {
          const topLevel = Object.entries(entry.top_level).find(([, field]) => field === name)?.[0]
          const isIdentity = ['id', 'user_id', 'external_user_id', 'time'].includes(name)
          if (isIdentity) continue
          assert.ok(topLevel ? topLevel in event : name in event.event_properties, name)
        }
      })
    }
  }
})
