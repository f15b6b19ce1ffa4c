import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { copyText, endOfPlainText, textView } from '../../src/json/bytes.ts'

const UNTOUCHED = 0xee

test('text is copied byte for byte, from and to any place, and no more than seven bytes behind it are touched', () => {
  const characters = fc.string({
    unit: fc.constantFrom('a', '\x7f', 'é', '\u07ff', '€', '\ufeff', '\uffff', '😀', '\u{10ffff}'),
  })
  fc.assert(
    fc.property(characters, fc.nat(20), fc.nat(20), fc.nat(20), fc.nat(20), (text, before, behind, at, room) => {
      const own = Buffer.from(text)
      const source = Buffer.concat([Buffer.alloc(before, 'x'), own, Buffer.alloc(behind, 'y')])
      const target = Buffer.alloc(at + own.length + room, UNTOUCHED)
      const end = copyText(textView(target), at, textView(source), before, before + own.length)
      assert.equal(end, at + own.length)
      assert.deepEqual(target.subarray(at, end), own)
      assert.ok(target.subarray(0, at).every((byte) => byte === UNTOUCHED))
      assert.ok(target.subarray(end + 7).every((byte) => byte === UNTOUCHED))
    }),
    { numRuns: 5000 },
  )
})

test('plain text ends at the first quote, backslash or control character, wherever it stands', () => {
  const bytes = fc.uint8Array({ maxLength: 40 })
  const mostlyPlain = fc.array(
    fc.constantFrom(0x61, 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff, 0x22, 0x5c, 0x1f, 0x00),
  )
  fc.assert(
    fc.property(fc.oneof(bytes, mostlyPlain), fc.nat(8), (given, at) => {
      const text = Uint8Array.from(given)
      const start = Math.min(at, text.length)
      const rest = text.subarray(start).findIndex((byte) => byte < 0x20 || byte === 0x22 || byte === 0x5c)
      assert.equal(endOfPlainText(textView(text), start), rest < 0 ? text.length : start + rest)
    }),
    { numRuns: 20_000 },
  )
})
