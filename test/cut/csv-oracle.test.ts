import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { memoryInput, readInput } from '../conformance/read.ts'

/** `csv-parse` is the second opinion on what a well-formed table says (RFC 4180). */

const TYPE = 'users.messages.email.Open'
const COLUMNS = ['id', 'external_user_id', 'time', 'campaign_name'] as const

/** Text that a writer of CSV must quote, and some that it may. */
const field = fc
  .array(
    fc.constantFrom('a', 'é', '𝄞', '"', '""', ',', ';', '\t', '|', '\n', '\r\n', ' ', "'", '\\', '{"k":"v"}', 'N'),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(''))

const table = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  quotesAll: fc.boolean(),
  endsWithLineEnd: fc.boolean(),
  rows: fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 20 }),
})

function quoted(text: string, delimiter: string, always: boolean): string {
  const mustQuote = always || /["\r\n]/.test(text) || text.includes(delimiter)
  return mustQuote ? `"${text.replaceAll('"', '""')}"` : text
}

describe('rows as csv-parse reads them', () => {
  test('whatever is in the fields', async () => {
    await fc.assert(
      fc.asyncProperty(table, async ({ delimiter, lineEnd, quotesAll, endsWithLineEnd, rows }) => {
        const lines = rows.map(([user, campaign], i) =>
          [`row-${i}`, `u${user}`, '1767319200', `c${campaign}`]
            .map((text) => quoted(text, delimiter, quotesAll))
            .join(delimiter),
        )
        const text = [COLUMNS.join(delimiter), ...lines].join(lineEnd) + (endsWithLineEnd ? lineEnd : '')
        const expected: Record<string, string>[] = parse(text, { delimiter, columns: [...COLUMNS], from: 2 })
        const { events, read } = await readInput(memoryInput(Buffer.from(text), TYPE))
        assert.equal(read, rows.length)
        assert.deepEqual(
          events.map((line) => {
            const event = JSON.parse(line)
            return [event.insert_id, event.user_id, event.event_properties.campaign_name]
          }),
          expected.map((row) => [row['id'], row['external_user_id'], row['campaign_name']]),
        )
      }),
      { numRuns: 300 },
    )
  })
})
