import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createWordHasher } from '../../src/hash.ts'
import { createIdentitySet, type IdentitySet } from '../../src/inspect/identity-set.ts'
import { textView } from '../../src/json/bytes.ts'

const hashOf = createWordHasher()

function add(set: IdentitySet, id: string, other: number): void {
  const bytes = Buffer.from(id)
  const { low, high } = hashOf(textView(bytes).view, 0, bytes.length)
  set.add(low, high, other)
}

describe('the set of identities', () => {
  const setOf = (pairs: readonly (readonly [string, number])[]) => {
    const set = createIdentitySet()
    for (const [id, other] of pairs) add(set, id, other)
    return set
  }

  test('is exact for few', () => {
    const pair = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 3 }))
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 50 }), (pairs) => {
        const others = new Map<string, Set<number>>()
        for (const [id, other] of pairs) {
          const known = others.get(id) ?? new Set()
          if (other !== 0) known.add(other)
          others.set(id, known)
        }
        const set = setOf(pairs)
        assert.equal(set.count(), others.size)
        assert.equal(set.shared(), [...others.values()].filter((known) => known.size > 1).length)
        assert.ok(set.isExact())
      }),
    )
  })

  test('of 1.5 million is right within a hundredth, and says that it is an estimate', () => {
    const set = createIdentitySet()
    for (let i = 0; i < 1_500_000; i++) {
      add(set, `device-${i}`, 1)
      if (i % 10 === 0) add(set, `device-${i}`, 2)
    }
    assert.ok(!set.isExact())
    assert.ok(Math.abs(set.count() / 1_500_000 - 1) < 0.01, String(set.count()))
    assert.ok(Math.abs(set.shared() / 150_000 - 1) < 0.03, String(set.shared()))
  })
})
