import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ByteWriter } from '../../src/json/bytes.ts'
import { createBatchMemory } from '../../src/state/batch-memory.ts'

const MOST = 1 << 18

test('a piece is empty, has the room that was asked for, and belongs to one at a time', () => {
  const step = fc.oneof(
    fc.record({ take: fc.nat({ max: 2 * MOST }) }),
    fc.record({ give: fc.nat(), grows: fc.boolean() }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const memory = createBatchMemory()
      const taken: ByteWriter[] = []
      for (const asked of steps) {
        if ('take' in asked) {
          const piece = memory.take(asked.take)
          assert.equal(piece.length, 0)
          assert.ok(piece.bytes.length >= Math.min(asked.take, MOST))
          assert.ok(piece.bytes.length <= Math.max(4096, 2 * asked.take))
          assert.ok(taken.every(({ bytes }) => bytes.buffer !== piece.bytes.buffer))
          piece.length = 1
          taken.push(piece)
        } else if (taken.length > 0) {
          const [piece] = taken.splice(asked.give % taken.length, 1) as [ByteWriter]
          // An entry that was longer than the piece.
          if (asked.grows) piece.bytes = Buffer.alloc(piece.bytes.length + 5)
          memory.give(piece)
        }
      }
    }),
  )
})

test('what was given back serves again, and only a few MB of it are kept', () => {
  const memory = createBatchMemory()
  const first = memory.take(10_000)
  memory.give(first)
  assert.equal(memory.take(10_000), first)
  const before = memoryInUse()
  const many = Array.from({ length: 400 }, () => memory.take(MOST))
  for (const piece of many) memory.give(piece)
  many.length = 0
  assert.ok(memoryInUse() - before < 10e6)
  assert.equal(memory.take(MOST).bytes.length, MOST)
})

function memoryInUse(): number {
  // What the first finds is freed by the second at the latest.
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().arrayBuffers
}
