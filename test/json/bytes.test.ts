import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { copyText, textView } from '../../src/json/bytes.ts'

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
