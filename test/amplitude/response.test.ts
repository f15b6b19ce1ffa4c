import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AmplitudeBody, parseBody } from '../../src/amplitude/response.ts'

const SENT = 10

const EMPTY: AmplitudeBody = {
  code: null,
  error: '',
  missingField: null,
  eventsIngested: null,
  badEvents: new Map(),
  epsThreshold: null,
  silencedDevices: [],
  silencedEvents: [],
  throttledDevices: [],
  throttledUsers: [],
  throttledEvents: [],
  quotaDevices: [],
  quotaUsers: [],
}

/** JSON texts, since some of these numbers have no literal of their own. */
const NO_COUNTS = ['0.5', '2.9999999', '-1', '-5', '-1e308', '1e308', '1e400', '-1e400', '1e-300', '9007199254740993']
const NO_NUMBERS = ['null', 'true', '"3"', '""', '[]', '[3]', '{}', '{"a":1}']
const NO_LISTS = ['null', 'true', '3', '"3"', '""']
const LONG = JSON.stringify('x'.repeat(100_000))

const NUMBERS = [
  ['code', 'code', ['200', '100', '599', '200.0', '2e2'], ['0', '99', '600', ...NO_COUNTS]],
  ['events_ingested', 'eventsIngested', ['0', '1', '10', '1e1'], ['11', '1000', ...NO_COUNTS]],
  ['eps_threshold', 'epsThreshold', ['1', '30', '1000'], ['0', '-0', ...NO_COUNTS]],
] as const

describe('a number of an answer is in its range, or absent', () => {
  for (const [field, name, good, bad] of NUMBERS) {
    test(field, () => {
      for (const text of good) assert.equal(parseBody(`{"${field}":${text}}`, SENT)?.[name], Number(text), text)
      for (const text of [...bad, ...NO_NUMBERS]) assert.deepEqual(parseBody(`{"${field}":${text}}`, SENT), EMPTY, text)
    })
  }
})

const LISTS = [
  ['silenced_events', 'silencedEvents'],
  ['throttled_events', 'throttledEvents'],
] as const

const HOSTILE_INDEXES = `[9,${[...NO_COUNTS, ...NO_NUMBERS, '10', '99'].join(',')},0,9,9]`

describe('an index of an answer is one of the request’s, and is met once', () => {
  for (const [field, name] of LISTS) {
    test(field, () => {
      assert.deepEqual(parseBody(`{"${field}":${HOSTILE_INDEXES}}`, SENT)?.[name], [9, 0])
      for (const text of [...NO_LISTS, '{}', '{"0":0}']) {
        assert.deepEqual(parseBody(`{"${field}":${text}}`, SENT), EMPTY, text)
      }
    })
  }
  for (const field of ['events_with_invalid_fields', 'events_with_missing_fields', 'events_with_invalid_id_lengths']) {
    test(field, () => {
      const { badEvents } = parseBody(`{"${field}":{"time":${HOSTILE_INDEXES}}}`, SENT) ?? EMPTY
      assert.deepEqual([...badEvents.keys()], [9, 0])
      for (const text of [...NO_LISTS, '[]', '[0]', '[[0]]', '{"time":0}', '{"time":{"0":0}}', '{"time":"all"}']) {
        assert.deepEqual(parseBody(`{"${field}":${text}}`, SENT), EMPTY, text)
      }
    })
  }
})

const NAMES = [
  ['silenced_devices', 'silencedDevices'],
  ['throttled_devices', 'throttledDevices'],
  ['throttled_users', 'throttledUsers'],
  ['exceeded_daily_quota_devices', 'quotaDevices'],
  ['exceeded_daily_quota_users', 'quotaUsers'],
] as const

describe('a name of an answer is a text of some length', () => {
  for (const [field, name] of NAMES) {
    test(field, () => {
      assert.deepEqual(parseBody(`{"${field}":["a",1,null,{"b":1},["c"],"",${LONG},"__proto__"]}`, SENT)?.[name], [
        'a',
        '__proto__',
      ])
      assert.deepEqual(parseBody(`{"${field}":{"a":1e308,"":1,"__proto__":{"x":1},${LONG}:1}}`, SENT)?.[name], [
        'a',
        '__proto__',
      ])
      for (const text of [...NO_LISTS, '[]', '{}']) {
        assert.deepEqual(parseBody(`{"${field}":${text}}`, SENT), EMPTY, text)
      }
    })
  }
})

test('a text of an answer has some length, or is absent', () => {
  for (const text of ['null', 'true', '3', '[]', '["a"]', '{}', '""']) {
    assert.deepEqual(parseBody(`{"error":${text},"missing_field":${text}}`, SENT), EMPTY, text)
  }
  const long = parseBody(`{"error":${LONG},"missing_field":${LONG}}`, SENT)
  assert.ok(long !== null && long.error.length < 20_000 && (long.missingField ?? '').length < 20_000)
  assert.match(long.error, /^x+$/)
})

test('what is wrong with one event stays small, however often and at whatever length it is said', () => {
  const fields = Array.from({ length: 5000 }, (_, i) => `"field-${i}":[3]`)
  const { badEvents } = parseBody(`{"events_with_invalid_fields":{${LONG}:[3],${fields}}}`, SENT) ?? EMPTY
  assert.deepEqual([...badEvents.keys()], [3])
  assert.ok((badEvents.get(3) ?? []).join(', ').length < 40_000)
  assert.match(badEvents.get(3)?.[1] ?? '', /^invalid field-0$/)
})

for (const text of ['', 'null', 'true', '3', '"x"', '[]', '[{"code":200}]', '{', '{"code":200', '[['.repeat(1e6)]) {
  test(`${text.slice(0, 20) || 'nothing'} is no body`, () => assert.equal(parseBody(text, SENT), null))
}
