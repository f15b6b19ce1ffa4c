import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textView, utf8 } from '../../src/json/bytes.ts'
import { createTextNumbers } from '../../src/json/text-numbers.ts'

test('texts have numbers in the order in which they come, each one number wherever it stands', () => {
  const text = fc.oneof(
    fc.constantFrom('', 'a', 'b', 'plan', 'plan b', 'été', 'x'.repeat(5000)),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(
      fc.array(text, { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(9),
      (texts, most, before) => {
        const numbers = createTextNumbers(most)
        const expected = new Map<string, number>()
        for (const one of texts) {
          const known = Buffer.from(one).toString()
          if (!expected.has(known) && expected.size < most) expected.set(known, expected.size)
          const source = textView(utf8(`${'-'.repeat(before)}${one}-`))
          assert.equal(numbers.numberOf(source, before, source.bytes.length - 1), expected.get(known) ?? -1)
        }
        assert.equal(numbers.count(), expected.size)
        for (const [one, number] of expected) assert.equal(numbers.textOf(number), one)
      },
    ),
  )
})
