import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createDriftWatch, type Drift } from '../../src/inspect/drift.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import type { FieldColumns } from '../../src/model.ts'
import { CATALOGUE, fieldsOf } from '../data/catalogue.ts'
import { PLAIN, rawChunk } from '../harness.ts'

const OPEN = 'users.messages.email.Open'

function driftOf(records: readonly object[], fileType = OPEN, fields?: FieldColumns): Drift {
  const mapping = compileMapping(PLAIN)
  const watch = createDriftWatch(mapping)
  const raw = rawChunk(
    records.map((record) =>
      Buffer.from(JSON.stringify({ id: 'e', external_user_id: 'u', time: 1767319200, ...record })),
    ),
    { fileType },
  )
  watch.see(createChunkMapper(mapping)({ ...raw, ...(fields && { fields }) }))
  return watch.drift()
}

describe('fields that the catalogue lacks', () => {
  test('are counted by type, with an example', () => {
    const records = [{ heat: 5, esp: 'x' }, { heat: { string: 'warm' } }, { heat: null, sound: [1, 'a'] }, { Esp: 'x' }]
    assert.deepEqual(driftOf(records), {
      fields: [
        { type: OPEN, field: 'heat', records: 2, example: '5' },
        { type: OPEN, field: 'sound', records: 1, example: '[1,"a"]' },
      ],
      typesWithMore: [],
    })
  })

  test('are found in the Custom HTTP form, and not in the customer’s own properties', () => {
    const http = {
      event_type: OPEN,
      user: { external_user_id: 'u', mood: 1 },
      properties: { heat: 5, campaign_id: 'c' },
    }
    const found = driftOf([http]).fields.map(({ field }) => field)
    assert.deepEqual(found.toSorted(), ['heat', 'mood'])
    const own = { name: 'n', properties: { plan: 'pro' } }
    assert.deepEqual(driftOf([own, { ...own, properties: '{"plan":1}' }], 'users.behaviors.CustomEvent').fields, [])
  })

  test('are none of those that any type of the catalogue stores', () => {
    for (const entry of CATALOGUE) {
      const record = Object.fromEntries(fieldsOf(entry).map(({ name }) => [name, name === 'time' ? 1767319200 : 'x']))
      assert.deepEqual(driftOf([record], entry.event_type).fields, [], entry.event_type)
    }
    const share = { SF_CREATED_AT: 1, CAMPAIGN_API_ID: 'c', APP_GROUP_API_ID: 'a' }
    assert.deepEqual(driftOf([share]).fields, [])
  })

  test('are not told apart beyond a hundred of one type, which is said', () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`new_${i}`, 'v'.repeat(1000)]))
    const { fields, typesWithMore } = driftOf([many])
    assert.equal(fields.length, 100)
    assert.deepEqual(typesWithMore, [OPEN])
    assert.ok(fields.every(({ example }) => example.length < 50))
  })

  test('are found in columns too', () => {
    const text = '{"id":"e","external_user_id":"u","time":1767319200,"heat":5}'
    const at = (value: string) => text.indexOf(value)
    const names = ['id', 'external_user_id', 'time', 'heat']
    const starts = Int32Array.of(at('"e"'), at('"u"'), at('1767319200'), at('5}'))
    const ends = Int32Array.of(at('"e"') + 3, at('"u"') + 3, at('1767319200') + 10, at('5}') + 1)
    const fields = { names, kinds: Uint8Array.of(2, 2, 4, 4), starts, ends }
    assert.deepEqual(driftOf([{ heat: 5 }], OPEN, fields).fields, [
      { type: OPEN, field: 'heat', records: 1, example: '5' },
    ])
  })

  test('are not those whose column is null, whatever stands where its value last stood', () => {
    const names = ['id', 'external_user_id', 'time', 'heat']
    const text = '{"id":"e","external_user_id":"u","time":1767319200,"heat":5}'
    const at = (value: string) => text.indexOf(value)
    const starts = Int32Array.of(at('"e"'), at('"u"'), at('1767319200'), at('5}'))
    const ends = Int32Array.of(at('"e"') + 3, at('"u"') + 3, at('1767319200') + 10, at('5}') + 1)
    const twice = (columns: Int32Array) => Int32Array.from([...columns, ...columns])
    const fields = { names, kinds: Uint8Array.of(2, 2, 4, 4, 2, 2, 4, 1), starts: twice(starts), ends: twice(ends) }
    assert.deepEqual(driftOf([{ heat: 5 }, { heat: 5 }], OPEN, fields).fields, [
      { type: OPEN, field: 'heat', records: 1, example: '5' },
    ])
  })
})
