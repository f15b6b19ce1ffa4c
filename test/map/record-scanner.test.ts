import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CATALOGUE } from '../data/catalogue.ts'
import { mapBytes, mapRecord } from '../harness.ts'

const OPEN = 'users.messages.email.Open'

/** What a record that is not what it should be is made of: JSON with one thing changed. */
const almostJson = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.nat(),
    fc.constantFrom('', '"', '\\', ',', '}', '{', '[', ']', ':', '\u0000', '1', 'e', '-', ' ', '\\u12', 'é'),
  )
  .map(([json, at, change]) => {
    const place = at % (json.length + 1)
    return {
      insert: json.slice(0, place) + change + json.slice(place),
      drop: json.slice(0, place) + json.slice(place + 1),
    }
  })

function isObject(text: string): boolean {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

test('exactly what JSON.parse takes as an object is taken as a record', () => {
  fc.assert(
    fc.property(almostJson, ({ insert, drop }) => {
      for (const text of [insert, drop, `{"a":${insert}}`, `{"a":${drop},"time":1767319200}`]) {
        if (/[\r\n]/.test(text)) continue
        // No record here has a time: one that is JSON is malformed for that reason alone.
        const { detail } = mapRecord(text.replaceAll('time', 'tame'), OPEN)
        assert.equal(detail === 'time is missing', isObject(text.replaceAll('time', 'tame')), `${text}: ${detail}`)
      }
    }),
    { numRuns: 5000 },
  )
})

test('whatever a field holds, the event is JSON with no property that the catalogue does not list, of its type or as text', () => {
  const listed = new Set(CATALOGUE.find((entry) => entry.event_type === OPEN)?.connector_properties)
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...listed, 'unknown', 'user_id', 'name'), fc.jsonValue()), (fields) => {
      const record = { ...fields, id: 'a', external_user_id: 'u', time: 1767319200 }
      const { line } = mapRecord(JSON.stringify(record), OPEN)
      const properties: Record<string, unknown> = JSON.parse(line ?? '').event_properties
      for (const [key, value] of Object.entries(properties)) {
        assert.ok(listed.has(key))
        const given = fields[key]
        const isUnion = typeof given === 'object' && given !== null && !Array.isArray(given)
        if (isUnion) continue
        if (key === 'is_amp' && typeof value === 'boolean') assert.match(String(given), /^(true|t|1|false|f|0)$/i)
        else assert.equal(value, typeof given === 'string' ? given : JSON.stringify(given))
      }
    }),
  )
})

test('a byte changed anywhere costs that record alone', () => {
  const good = '{"id":"g","external_user_id":"u","time":1767319200,"campaign_name":"é x","is_amp":true,"n":-1.5e3}'
  fc.assert(
    fc.property(fc.nat(Buffer.byteLength(good) - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      fc.pre(byte !== 0x0a)
      const bytes = Buffer.from(good)
      bytes[at] = byte
      const [before, changed, after] = mapBytes([Buffer.from(good), bytes, Buffer.from(good)], {
        source: { fileType: OPEN },
      })
      assert.equal(before?.outcome, 'event')
      assert.equal(after?.line, before?.line)
      if (changed?.outcome === 'event') JSON.parse(changed.line ?? '')
    }),
    { numRuns: 2000 },
  )
})
