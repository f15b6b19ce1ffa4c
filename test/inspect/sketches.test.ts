import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createHasher } from '../../src/hash.ts'
import { createHeaviest } from '../../src/inspect/heaviest.ts'
import { createHours } from '../../src/inspect/hours.ts'
import { createIdentitySet } from '../../src/inspect/identity-set.ts'
import { sparkline } from '../../src/report/sparkline.ts'

const hashOf = createHasher()

function heaviestOf(ids: readonly string[]) {
  const heaviest = createHeaviest()
  for (const [place, id] of ids.entries()) {
    const bytes = Buffer.from(JSON.stringify(id).slice(1, -1))
    heaviest.add(hashOf(bytes, 0, bytes.length), bytes, 0, bytes.length, place)
  }
  return heaviest.top()
}

describe('the heaviest identities', () => {
  test('are exact for few, escapes and all', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b"', 'é\\', 'd', 'e'), { maxLength: 200 }), (ids) => {
        const expected = [...new Set(ids)].map((id) => ({ id, events: ids.filter((other) => other === id).length }))
        assert.deepEqual(
          heaviestOf(ids).map(({ id, events }) => ({ id, events })),
          expected.toSorted((a, b) => b.events - a.events || (a.id < b.id ? -1 : 1)),
        )
      }),
    )
  })

  test('are found among very many, wherever they come', () => {
    const ids = Array.from({ length: 300_000 }, (_, i) => `once-${i}`)
    for (let i = 0; i < 500; i++) ids[i * 599] = 'hot'
    for (let i = 0; i < 200; i++) ids[i * 1201 + 7] = 'warm'
    const [first, second] = heaviestOf(ids)
    assert.deepEqual([first?.id, second?.id], ['hot', 'warm'])
    assert.ok((first?.events ?? 0) >= 500 && (first?.events ?? 0) <= 515, String(first?.events))
  })

  test('are known with the part of the input they are in, whatever strays from it', () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `once-${i}`)
    for (let i = 0; i < 20_000; i += 20) ids[i] = 'throughout'
    for (let i = 10_001; i < 20_000; i += 10) ids[i] = 'second half'
    for (let i = 15_000; i < 15_900; i++) if (ids[i]?.startsWith('once')) ids[i] = 'block'
    ids[5] = 'second half'
    const near = (place: number | undefined, expected: number) =>
      assert.ok(Math.abs((place ?? Number.NaN) - expected) < 100, `${place}, not ${expected}`)
    for (const { id, from, to } of heaviestOf(ids).slice(0, 3)) {
      near(from, id === 'throughout' ? 0 : id === 'block' ? 15_000 : 10_000)
      near(to, id === 'block' ? 15_900 : 20_000)
    }
  })

  test('keep their names when the bytes they came in are used again', () => {
    const heaviest = createHeaviest()
    const bytes = Buffer.from('first')
    heaviest.add(hashOf(bytes, 0, 5), bytes, 0, 5, 0)
    bytes.write('other')
    assert.equal(heaviest.top()[0]?.id, 'first')
  })
})

describe('the set of identities', () => {
  const setOf = (pairs: readonly (readonly [string, number])[]) => {
    const set = createIdentitySet()
    for (const [id, other] of pairs) {
      const bytes = Buffer.from(id)
      set.add(hashOf(bytes, 0, bytes.length), other)
    }
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
      const bytes = Buffer.from(`device-${i}`)
      const hash = hashOf(bytes, 0, bytes.length)
      set.add(hash, 1)
      if (i % 10 === 0) set.add(hash, 2)
    }
    assert.ok(!set.isExact())
    assert.ok(Math.abs(set.count() / 1_500_000 - 1) < 0.01, String(set.count()))
    assert.ok(Math.abs(set.shared() / 150_000 - 1) < 0.03, String(set.shared()))
  })
})

describe('hours', () => {
  test('count events by the hour of their time, in order', () => {
    const hours = createHours()
    for (const time of [7_200_000, 7_200_001, 0, 7_199_999, -1]) hours.add(time)
    assert.deepEqual(hours.all(), [
      [-3_600_000, 1],
      [0, 1],
      [3_600_000, 1],
      [7_200_000, 2],
    ])
  })

  test('are a line of bars, gaps and all', () => {
    assert.equal(sparkline([], 10), '')
    assert.equal(
      sparkline(
        [
          [0, 8],
          [3_600_000, 1],
          [3 * 3_600_000, 4],
        ],
        10,
      ),
      '█▁ ▄',
    )
    const days = Array.from({ length: 5000 }, (_, i) => [i * 3_600_000, 1] as const)
    assert.equal(sparkline(days, 60).length, 60)
  })
})
