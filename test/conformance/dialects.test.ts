import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { fieldsOf } from '../data/catalogue.ts'
import { inventedRecordsOf } from '../shapes/invented.ts'
import { ndjson } from '../shapes/json.ts'
import type { Records } from '../shapes/records.ts'
import { TABLE_WRITERS, writeTable } from '../shapes/tables.ts'
import { memoryInput, readInput } from './read.ts'

/** Tables as databases and other programs write them: the dialect is found, and the events are those of NDJSON. */

const NOTES = [
  'Summer sale',
  'say "hi", twice',
  '"quoted"',
  'C:\\temp\\new',
  'a\tb',
  'two\nlines',
  'dos\r\nlines',
  'für 🎉',
  '50% off; today | only',
  '\\',
  "it's",
]

/** Realistic records in which some texts are hard on a reader. */
function recordsOf(type: string, count: number): Records {
  const entry = entryOf(type)
  const random = randomOf(5)
  const texts = fieldsOf(entry).filter(({ name, type: fieldType }) => fieldType === 'string' && name.endsWith('_name'))
  const records = Array.from({ length: count }, (_, i) => {
    const noted = texts.map(({ name }, column) => [name, i % 3 === 0 ? NOTES[(i + column) % NOTES.length] : null])
    const own = JSON.stringify({ plan: 'pro', note: NOTES[i % NOTES.length], list: [1, { deep: null }], n: 0.5 })
    const isOwn = type.startsWith('users.behaviors')
    return {
      ...recordOf(entry, random, i),
      ...Object.fromEntries(noted),
      ...(isOwn && { properties: own }),
      id: `${i}`,
    }
  })
  return { entry, records }
}

async function eventsOf(bytes: Buffer, type: string): Promise<readonly string[]> {
  const { events, details, refused } = await readInput(memoryInput(bytes, type))
  assert.deepEqual(details, [])
  assert.equal(refused, null, `${refused?.message}\n${refused?.hint}`)
  return events
}

for (const writer of TABLE_WRITERS) {
  for (const type of ['users.behaviors.CustomEvent', 'users.messages.email.Click', 'users.canvas.Entry']) {
    test(`${writer.name}: ${type} gives the events of NDJSON`, async () => {
      const records = recordsOf(type, 60)
      const expected = await eventsOf(Buffer.from(ndjson(records)), type)
      assert.equal(expected.length, 60)
      assert.deepEqual(await eventsOf(writeTable(writer, records), type), expected)
    })
  }

  test(`${writer.name}: so do a few records of any kind`, async () => {
    const entry = entryOf('users.behaviors.CustomEvent')
    const good = recordsOf(entry.event_type, 12).records
    await fc.assert(
      fc.asyncProperty(inventedRecordsOf(entry, 4), async ({ records }) => {
        // Without quotes the word is null in every dialect.
        const known = records.map((record) =>
          Object.fromEntries(Object.entries(record).map(([name, value]) => [name, value === 'null' ? 'nil' : value])),
        )
        const all = { entry, records: [...good, ...known] }
        assert.deepEqual(
          await eventsOf(writeTable(writer, all), entry.event_type),
          await eventsOf(Buffer.from(ndjson(all)), entry.event_type),
        )
      }),
      { numRuns: 15 },
    )
  })
}
