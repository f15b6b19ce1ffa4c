import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type TextView, textView } from '../../src/json/bytes.ts'
import { copyPlainText, endOfPlainText, endOfPlainTextOr, fourOf } from '../../src/json/plain-text.ts'

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  // Bytes that differ in a bit from those that end plain text.
  fc
    .array(
      fc.constantFrom(
        0x61,
        0x20,
        0x21,
        0x23,
        0x2c,
        0x2d,
        0x5b,
        0x5d,
        0x7f,
        0x80,
        0xa2,
        0xac,
        0xdc,
        0xff,
        0x22,
        0x5c,
        0x1f,
        0x00,
      ),
      { maxLength: 40 },
    )
    .map((values) => Uint8Array.from(values)),
)
const isPlain = (byte: number) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c

for (const [name, endFrom, ends] of [
  ['a quote, backslash or control character', endOfPlainText, (byte: number) => !isPlain(byte)],
  [
    'these or a comma',
    (text: TextView, at: number, end: number) => endOfPlainTextOr(text, at, end, fourOf(0x2c)),
    (byte: number) => !isPlain(byte) || byte === 0x2c,
  ],
] as const) {
  test(`plain text ends at the first of ${name}, wherever it stands, and not behind its end`, () => {
    fc.assert(
      fc.property(bytes, fc.nat(8), fc.nat(4), (given, at, left) => {
        const start = Math.min(at, given.length)
        const end = Math.max(start, given.length - left)
        const first = given.subarray(start, end).findIndex(ends)
        assert.equal(endFrom(textView(given), start, end), first < 0 ? end : start + first)
      }),
      { numRuns: 20_000 },
    )
  })
}

test('only plain text is copied, byte for byte', () => {
  fc.assert(
    fc.property(bytes, fc.nat(8), fc.nat(8), (given, before, at) => {
      const source = Buffer.concat([Buffer.alloc(before, '"'), given, Buffer.alloc(3, '"')])
      const target = Buffer.alloc(at + given.length + 3)
      const end = copyPlainText(textView(target).view, at, textView(source).view, before, before + given.length)
      if (given.every(isPlain)) {
        assert.equal(end, at + given.length)
        assert.deepEqual(target.subarray(at, end), Buffer.from(given))
      } else assert.equal(end, -1)
    }),
    { numRuns: 20_000 },
  )
})
