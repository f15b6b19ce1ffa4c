import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CUTTERS } from '../../src/cut/cut.ts'
import { createFilterReader } from '../../src/map/filter-reader.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { BEGINNING } from '../../src/model.ts'
import { outcomeOf } from '../../src/outcomes.ts'
import { chooseFormat } from '../../src/read/choose-format.ts'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { mappingOf } from '../mapping/harness.ts'
import type { Records } from '../shapes/records.ts'
import { SHAPES } from '../shapes/shapes.ts'
import { memoryInput } from './read.ts'

const FILTERED = outcomeOf('filtered')

/** Which records of one shape are left out, and by how many conditions each, as `explain` would say. */
async function leftOut(text: string, type: string, bytes: Uint8Array): Promise<readonly number[]> {
  const mapping = mappingOf(text)
  const mapChunk = createChunkMapper(mapping)
  const filtersOf = createFilterReader(mapping)
  const { format, input } = await chooseFormat(memoryInput(bytes, type), null)
  assert.ok(format)
  const found: number[] = []
  for await (const raw of CUTTERS[format](input, BEGINNING)) {
    const chunk = mapChunk(raw)
    for (let i = 0; i < chunk.count; i++) {
      const rules = filtersOf(chunk, i).length
      assert.equal(chunk.outcomes[i] === FILTERED, rules > 0)
      found.push(rules)
    }
  }
  return found
}

test('the same records are left out in every shape', async () => {
  for (const [type, when, isLeftOut] of [
    ['users.messages.email.Click', '{is_amp: false, user_agent: present}', ({ is_amp }) => is_amp !== false],
    ['users.behaviors.Purchase', '{price: 19.99, currency: [EUR, USD]}', ({ price }) => price !== Math.fround(19.99)],
    ['users.messages.email.Open', '{machine_open: absent}', ({ machine_open }) => machine_open !== null],
  ] as const satisfies readonly (readonly [string, string, (record: Readonly<Record<string, unknown>>) => boolean])[]) {
    const entry = entryOf(type)
    const random = randomOf(1)
    const records: Records['records'] = Array.from({ length: 40 }, (_, i) => ({
      ...recordOf(entry, random, i),
      is_amp: [true, false, null][i % 3] ?? null,
      user_agent: 'x',
      price: Math.fround(i % 2 ? 19.99 : 20),
      currency: 'EUR',
      machine_open: i % 2 ? 'true' : null,
    }))
    const expected = records.map((record) => (isLeftOut(record) ? 1 : 0))
    assert.ok(expected.includes(1) && expected.includes(0))
    for (const { name, write } of SHAPES) {
      const found = await leftOut(`events: {${type}: {when: ${when}}}`, type, write({ entry, records }))
      assert.deepEqual(found, expected, `${name}, ${when}`)
    }
  }
})
