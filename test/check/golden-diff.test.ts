import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { goldenDiff } from '../../src/check/golden-diff.ts'

describe('a golden case', () => {
  test('passes when only white space and the order of keys differ', () => {
    assert.equal(goldenDiff(['{ "b": 1, "a": {"c": [1]} }'], ['{"a":{"c":[1]},"b":1}']), null)
  })

  test('shows each value that differs, by its path', () => {
    const difference = goldenDiff(
      ['{"event_type":"a"}', '{"event_type":"x","event_properties":{"old":1,"same":2}}'],
      ['{"event_type":"a"}', '{"event_type":"y","event_properties":{"same":2,"new":[3]}}'],
    )
    assert.deepEqual(difference, {
      line: 2,
      text: [
        'event 2 differs',
        '  - event_type: "x"',
        '  + event_type: "y"',
        '  - event_properties.old: 1',
        '  + event_properties.new: [3]',
      ].join('\n'),
    })
  })

  test('shows events that are missing, new, or no JSON', () => {
    assert.equal(goldenDiff(['{"a":1}'], [])?.text, 'event 1 is missing\n  - {"a":1}')
    assert.equal(goldenDiff([], ['{"a":1}'])?.text, 'event 1 is new\n  + {"a":1}')
    assert.match(goldenDiff(['{'], ['{"a":1}'])?.text ?? '', /no JSON/)
  })

  test('does not show more than a screen', () => {
    const difference = goldenDiff(Array(100).fill('{}'), [])
    assert.match(difference?.text ?? '', /160 more lines$/)
  })
})
