import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createByteWriter } from '../../src/json/bytes.ts'
import { appendStringOf } from '../../src/json/strings.ts'
import { appendValue, endOfValue } from '../../src/json/values.ts'

function canonical(text: string): string {
  const source = Buffer.from(`${text}\n`)
  const end = endOfValue(source, 0)
  const out = createByteWriter(1)
  appendValue(out, source, 0, end)
  return Buffer.from(out.bytes.subarray(0, out.length)).toString()
}

test('canonical form is what JSON.stringify writes of what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), fc.nat(3), (json, indent) => {
      const spread = JSON.stringify(JSON.parse(json), null, indent)
      assert.equal(canonical(spread), JSON.stringify(JSON.parse(json)))
    }),
    { numRuns: 2000 },
  )
})

for (const [given, expected] of [
  ['9007199254740993', '9007199254740993'],
  ['-0', '0'],
  ['1.0', '1'],
  ['1e20', '100000000000000000000'],
  ['1e21', '1e+21'],
  ['[1e20,1e20,1e20,1e20,1e20]', `[${Array(5).fill('100000000000000000000').join(',')}]`],
  ['1e999', '1e999'],
  ['"\\u0041\\/\\u001f\\u0008"', '"A/\\u001f\\b"'],
  ['"\\ud800\\udc00 \\udc00"', '"𐀀 \\udc00"'],
  ['{"b":1,"a":2,"b":3}', '{"b":1,"a":2,"b":3}'],
  [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
] as const) {
  test(`${given.slice(0, 40)} is written as ${expected.slice(0, 40)}`, () => assert.equal(canonical(given), expected))
}

test('any text becomes the JSON string that JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), (text) => {
      const source = Buffer.from(text)
      const out = createByteWriter(1)
      appendStringOf(out, source, 0, source.length)
      assert.equal(Buffer.from(out.bytes.subarray(0, out.length)).toString(), JSON.stringify(source.toString()))
    }),
  )
  const controls = Buffer.from(Array.from({ length: 0x80 }, (_, i) => i))
  const out = createByteWriter(1)
  appendStringOf(out, controls, 0, controls.length)
  assert.equal(Buffer.from(out.bytes.subarray(0, out.length)).toString(), JSON.stringify(controls.toString()))
})
