import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRecordChecker } from '../../src/check/check-records.ts'
import { explainRecord } from '../../src/map/explain-record.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import { PLAIN, rawChunk } from '../harness.ts'

/** What those who explain and check say of values that a type changed. */

const mapping = compileMapping(PLAIN)

function chunkOf(type: string, ...records: readonly object[]) {
  const texts = records.map((fields, i) =>
    JSON.stringify({ id: `${i}`, external_user_id: 'u', time: 1767319200, ...fields }),
  )
  return createChunkMapper(mapping)(
    rawChunk(
      texts.map((text) => Buffer.from(text)),
      { fileType: type },
    ),
  )
}

test('explain says what the type of a field made of its value', () => {
  const rulesOf = (type: string, fields: object) => {
    const { properties, topLevel, leftOut } = explainRecord(chunkOf(type, fields), 0, mapping)
    const given = Object.keys(fields)
    const rules = [...topLevel, ...properties].filter(({ from }) => from !== null && given.includes(from))
    return Object.fromEntries([
      ...rules.map(({ from, rule }) => [from, rule]),
      ...leftOut.map(({ field, why }) => [field, why]),
    ])
  }
  assert.deepEqual(
    rulesOf('users.messages.email.Click', {
      campaign_id: 5,
      campaign_name: 'x',
      canvas_id: { string: 'y' },
      is_amp: 'f',
      suspected_bot_click_reason: '{a,b}',
    }),
    {
      campaign_id: 'as a string',
      campaign_name: 'as it is',
      canvas_id: 'as it is',
      is_amp: 'as a boolean',
      suspected_bot_click_reason: 'as a list',
    },
  )
  assert.deepEqual(
    rulesOf('users.messages.webhook.Failure', { content_length: '7', retry_count: 7, http_status_code: '' }),
    {
      content_length: 'as a number',
      retry_count: 'as it is',
      http_status_code: 'an empty text is not sent where a number, boolean or list belongs',
    },
  )
  assert.deepEqual(rulesOf('users.behaviors.Purchase', { price: '19.99' }), { price: 'as a 32-bit float' })
})

test('validate names what is of another type than Braze stores, and nothing that is only written in another way', () => {
  const checker = createRecordChecker(mapping)
  checker.see(
    chunkOf(
      'users.messages.email.Click',
      { is_amp: '1', suspected_bot_click_reason: '[a]', campaign_name: '5', canvas_id: { string: 'true' } },
      { is_amp: 'maybe', campaign_id: 5 },
      { time: '2026-01-02 02:00:00' },
      { time: '2027-06-01T00:00:00Z' },
    ),
  )
  checker.see(chunkOf('users.behaviors.Purchase', { price: '19,99' }, { price: '5,00' }))
  assert.deepEqual(
    checker
      .section()
      .groups.map(({ title, count, examples }) => [title, count, examples[0]?.message.split(': ').at(-1)]),
    [
      ["users.messages.email.Click: campaign_id is a number, in Braze's schema it is a string", 1, undefined],
      ["users.messages.email.Click: is_amp is a string, in Braze's schema it is a boolean", 1, undefined],
      ['users.messages.email.Click: its time names no zone, and is taken as UTC', 1, '2026-01-02T02:00:00.000Z'],
      ['users.messages.email.Click: its time is more than a day after now', 1, '2027-06-01T00:00:00.000Z'],
      [
        'malformed: price is no number',
        2,
        '"19,99"; write it in digits with a decimal point, such as 19.99, or leave it empty',
      ],
    ].map(([title, count, last]) => [title, count, last ?? String(title).split(': ').at(-1)]),
  )
})
