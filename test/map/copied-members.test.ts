import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventBytes } from '../../src/chunk.ts'
import { isShortestDecimal } from '../../src/json/values.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { CATALOGUE, fieldsOf } from '../data/catalogue.ts'
import { mapRecord, rawChunk, tries } from '../harness.ts'
import { mappingOf } from '../mapping/harness.ts'

/** What the mapper copies as it stands must be what it writes when nothing can be copied. */

const BASE = { id: 'e-1', external_user_id: 'u-1', time: 1767319200 }
const CUSTOM = 'users.behaviors.CustomEvent'

const value = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  {
    weight: 3,
    arbitrary: fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '/', '\u0001', 'é', '😀', '\ud800') }),
  },
  fc.integer(),
  fc.double(),
  fc.constantFrom(null, true, false, -0, 0.1, 19.99, 1e-7, 1e21, 0.000001, 100, '', 'a', '-'),
)

/** White space as programs put it between members, and some that none does. */
const gap = fc.constantFrom(
  '',
  ' ',
  '  ',
  '\n  ',
  '\n    ',
  '\r\n\t',
  '\n   ',
  '\n     ',
  '\n      ',
  '\n       ',
  '\t\t\n \r',
)

/** The JSON text with white space before and behind each colon, so that no member stands as the event has it. */
function spaced(record: object, gaps: readonly string[]): string {
  const members = Object.entries(record).map(
    ([name, one], i) =>
      `${gaps[i % gaps.length]}${JSON.stringify(name)}${i % 3 === 2 ? '\n' : ' '}: ${JSON.stringify(one)}`,
  )
  return `{${members.join(',')}}`
}

test('members that are copied give the same event as members with white space, in any order and with any of them missing', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CATALOGUE).chain((entry) =>
        fc.tuple(
          fc.constant(entry.event_type),
          fc
            .shuffledSubarray(fieldsOf(entry).map(({ name }) => name))
            .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), value)))),
        ),
      ),
      fc.array(gap, { minLength: 1, maxLength: 4 }),
      ([type, members], gaps) => {
        const record = { ...Object.fromEntries(members), ...BASE }
        const { line, outcome, warnings } = mapRecord(JSON.stringify(record), type)
        const expected = mapRecord(spaced(record, gaps), type)
        assert.deepEqual(
          { line, outcome, warnings },
          { line: expected.line, outcome: expected.outcome, warnings: expected.warnings },
        )
      },
    ),
    { numRuns: tries(20_000, 3000) },
  )
})

const key = fc.oneof(fc.constantFrom('a', 'b', 'plan', '__proto__', ''), fc.string({ unit: 'binary', maxLength: 6 }))
const nested = fc.oneof({ weight: 8, arbitrary: value }, fc.constantFrom([], [1, 'x'], {}, { a: null }))
/** JSON text of an object, some of whose keys are there twice. */
const objectText = fc
  .array(fc.tuple(key, nested), { maxLength: 8 })
  .map((members) => `{${members.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`).join(',')}}`)
const numberText = fc
  .tuple(fc.constantFrom('', '-'), fc.stringMatching(/^(0|[1-9]\d{0,17})(\.\d{1,17})?([eE][+-]?\d{1,3})?$/))
  .map(([sign, digits]) => `{"n":${sign}${digits}}`)
/** Text that is an object but for one character. */
const nearly = fc
  .tuple(objectText, fc.nat(), fc.string({ unit: 'binary', maxLength: 2 }))
  .map(([text, at, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1))

test('properties that are written from the escaped text are those that are written from the text itself', () => {
  fc.assert(
    fc.property(fc.oneof(objectText, numberText, nearly), (text) => {
      // White space before it keeps it from being read as it stands.
      const [quick, slow] = [text, ` ${text}`].map((properties) =>
        mapRecord(JSON.stringify({ ...BASE, name: 'n', properties }), CUSTOM),
      )
      assert.deepEqual(quick?.warnings, slow?.warnings)
      // What is no object goes out whole, with the space.
      if (quick?.warnings.length === 0) assert.equal(quick.line, slow?.line)
      else assert.equal(slow?.line?.replace('_raw":" ', '_raw":"'), quick?.line)
    }),
    { numRuns: tries(100_000, 10_000) },
  )
})

const RULES = `
events:
  users.behaviors.CustomEvent:
    properties:
      rename: { a: b, plan: "[Custom event property] b" }
      drop: ["c"]
`
const ONLY = `
events:
  users.behaviors.CustomEvent:
    properties:
      only: [a, plan]
`

for (const [name, text] of [
  ['rules', RULES],
  ['a list of the only ones', ONLY],
] as const) {
  test(`so they are where ${name} say what becomes of them`, () => {
    const map = createChunkMapper(mappingOf(text))
    fc.assert(
      fc.property(fc.oneof(objectText, nearly), (properties) => {
        const [quick, slow] = [properties, ` ${properties}`].map((one) => {
          const record = Buffer.from(JSON.stringify({ ...BASE, name: 'n', properties: one }))
          const chunk = map(rawChunk([record], { fileType: CUSTOM }))
          return Buffer.from(eventBytes(chunk, 0)).toString()
        })
        assert.equal(quick, slow)
      }),
      { numRuns: tries(50_000, 5000) },
    )
  })
}

test('a decimal that is taken as it stands is the shortest text of its value', () => {
  const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,8})\.\d{1,16}$/)
  let taken = 0
  fc.assert(
    fc.property(digits, (text) => {
      if (!isShortestDecimal(Buffer.from(`${text},`), 0, text.length, 15)) return
      taken++
      assert.equal(String(Number(text)), text)
    }),
    { numRuns: 20_000 },
  )
  assert.ok(taken > 1000, `${taken} were taken`)
})
