import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mapRecord, PLAIN } from '../harness.ts'
import { mapUnder } from '../mapping/harness.ts'

const OPEN = 'users.messages.email.Open'
const CUSTOM = 'users.behaviors.CustomEvent'

const warningsOf = (fields: object, type: string | null = OPEN, options = {}) =>
  mapRecord(JSON.stringify({ id: '1', external_user_id: 'u', time: 1767319200, ...fields }), type, options).warnings

describe('a time', () => {
  for (const time of [
    '2026-01-02 03:04:05',
    '2026-01-02T03:04',
    '2026-01-02 03:04:05.123456',
    ' 2026-01-02t03:04:05 ',
    '2026-01-02',
    '20260102T030405',
  ]) {
    test(`${time} names no zone`, () => assert.deepEqual(warningsOf({ time }), ['time_without_zone']))
  }

  for (const time of [
    1767319200,
    '1767319200',
    '1767319200.0',
    '1767319200000',
    '2026-01-02 03:04:05+00',
    '2026-01-02 03:04:05-03',
    '2026-01-02 03:04:05 UTC',
    '2026-01-02T03:04:05Z',
    '20260102T030405+01',
    '2026-01-02 03:04:05 +0100 CET',
    '2026-01-02 03:04:05.123456+0530',
  ]) {
    test(`${JSON.stringify(time)} is plain`, () => assert.deepEqual(warningsOf({ time }), []))
  }

  test('may be a day ahead and no more', () => {
    const nowMs = 1767319200_000
    const at = (ms: number) => warningsOf({ time: ms }, OPEN, { nowMs })
    assert.deepEqual(at(nowMs + 24 * 3_600_000), [])
    assert.deepEqual(at(nowMs + 24 * 3_600_000 + 1), ['time_in_future'])
  })

  test('of a record that becomes no event has no warning', () => {
    assert.deepEqual(warningsOf({ time: '2026-01-02 03:04:05', external_user_id: null }), [])
    assert.deepEqual(warningsOf({ time: '2026-01-02 03:04:05' }, OPEN, { exclude: [OPEN] }), [])
  })
})

describe('a text of more than 1,024 characters', () => {
  const long = 'x'.repeat(1025)
  const enough = 'x'.repeat(1024)
  const WARNED = ['long_string']

  for (const [what, fields, type, warnings] of [
    ['in a property', { campaign_name: long }, OPEN, WARNED],
    ['in two properties', { campaign_name: long, canvas_name: long }, OPEN, WARNED],
    ['at its limit', { campaign_name: enough }, OPEN, []],
    ['at its limit with escapes', { campaign_name: '"'.repeat(1024) }, OPEN, []],
    ['beyond its limit with escapes', { campaign_name: '\n'.repeat(1025) }, OPEN, WARNED],
    ['at its limit in more bytes', { campaign_name: 'é'.repeat(1024) }, OPEN, []],
    ['in a field that is not sent', { subject: long }, OPEN, []],
    ['as an id', { external_user_id: long }, OPEN, WARNED],
    ['in an object that goes out as text', { campaign_name: { a: long } }, OPEN, WARNED],
    ['in a list', { suspected_bot_click_reason: [long] }, 'users.messages.email.Click', WARNED],
    ["among the customer's own", { name: 'n', properties: JSON.stringify({ a: [{ b: long }] }) }, CUSTOM, WARNED],
    ["among the customer's own in an object", { name: 'n', properties: { a: long } }, CUSTOM, WARNED],
    ['as a key', { name: 'n', properties: JSON.stringify({ [long]: 1 }) }, CUSTOM, []],
    ['in none of many', { name: 'n', properties: JSON.stringify({ a: enough, b: enough }) }, CUSTOM, []],
    ['as properties that are no JSON', { name: 'n', properties: long }, CUSTOM, [...WARNED, 'properties_not_json']],
    ['as a name with its prefix', { name: 'x'.repeat(1010), properties: '{}' }, CUSTOM, WARNED],
  ] as const) {
    test(`${what}: ${warnings.join(', ') || 'nothing'}`, () => {
      assert.deepEqual(warningsOf(fields, type).toSorted(), warnings)
    })
  }

  test('in the Custom HTTP form', () => {
    const record = {
      event_type: OPEN,
      id: '1',
      time: 1767319200,
      user: { external_user_id: 'u' },
      properties: { campaign_name: long },
    }
    assert.deepEqual(mapRecord(JSON.stringify(record), null, PLAIN).warnings, WARNED)
  })

  test('that is hashed, a constant, or of a type that is derived', () => {
    const under = (text: string, fields: object, type = OPEN) => mapUnder(text, fields, type).warnings
    assert.deepEqual(under('defaults: {properties: {sha256: [campaign_name]}}', { campaign_name: long }), [])
    assert.deepEqual(under(`defaults: {properties: {set: {a: ${long}}}}`, {}), WARNED)
    assert.deepEqual(under('unknown_events: derive', { anything: long }, 'users.messages.fax.Send'), WARNED)
  })
})
