import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkEvent, type SentEvent } from '../../src/check/check-event.ts'

const NOW = Date.UTC(2026, 0, 1)

function causesOf(event: object, bytes = 100): readonly string[] {
  const causes: string[] = []
  const whole = { event_type: 'x', time: NOW, event_properties: {}, ...event } as SentEvent
  checkEvent(whole, bytes, (severity, cause) => causes.push(`${severity} ${cause}`))
  return causes
}

const nested = (depth: number): unknown => (depth === 0 ? 'x' : { inner: nested(depth - 1) })

describe('an event', () => {
  test('that is right has no findings', () => {
    const properties = { text: 'x'.repeat(1024), deep: nested(40), list: [1, 'a', null] }
    assert.deepEqual(causesOf({ productId: 'a', price: 1.5, platform: 'ios', event_properties: properties }), [])
  })

  for (const [what, event, causes] of [
    ['of 1970', { time: 1_767_225_600 }, ['warning ancient_time']],
    ['with a price that is text', { price: '19.99' }, ['error invalid_type']],
    ['with a platform that is a number', { platform: 3 }, ['error invalid_type']],
    ['with a product and no price', { productId: 'a' }, ['warning missing_price']],
    ['with a long string', { event_properties: { a: 'x'.repeat(1025) } }, ['warning long_string']],
    [
      'with a long string inside a list',
      { event_properties: { a: [{ b: 'x'.repeat(1025) }] } },
      ['warning long_string'],
    ],
    ['with a long name of a property', { event_properties: { ['x'.repeat(1025)]: 1 } }, ['warning long_string']],
    ['with a long name', { event_type: 'x'.repeat(1025) }, ['warning long_string']],
    ['with a long id', { user_id: 'x'.repeat(1025) }, ['warning long_string']],
    ['nested 41 deep', { event_properties: { a: nested(41) } }, ['error nesting']],
    [
      'nested 100,000 deep',
      { event_properties: { a: JSON.parse('['.repeat(5000) + ']'.repeat(5000)) } },
      ['error nesting'],
    ],
  ] as const) {
    test(`${what} gives ${causes.join(', ') || 'nothing'}`, () => assert.deepEqual(causesOf(event), causes))
  }

  test('that is larger than a request may be is an error', () => {
    assert.deepEqual(causesOf({}, 990_000), [])
    assert.deepEqual(causesOf({}, 990_001), ['error too_large'])
  })
})
