import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createWordHasher } from '../../src/hash.ts'
import { createHeaviest, type Heaviest } from '../../src/inspect/heaviest.ts'
import { textView } from '../../src/json/bytes.ts'

const hashOf = createWordHasher()

function add(heaviest: Heaviest, bytes: Uint8Array, place: number): void {
  const { low, high } = hashOf(textView(bytes).view, 0, bytes.length)
  heaviest.add(low, high, bytes, 0, bytes.length, place)
}

function heaviestOf(ids: readonly string[]) {
  const heaviest = createHeaviest()
  for (const [place, id] of ids.entries()) {
    add(heaviest, Buffer.from(JSON.stringify(id).slice(1, -1)), place)
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
    add(heaviest, bytes, 0)
    bytes.write('other')
    assert.equal(heaviest.top()[0]?.id, 'first')
  })
})
