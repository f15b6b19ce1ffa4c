import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { temporaryDirectory } from '../harness.ts'
import { TROUBLE } from './amplitude.ts'
import { FILE_PLANS, writeExports } from './exports.ts'
import { type Fate, PASS } from './faults.ts'
import { assertInOrder, createWorld, directories, outcomeOf, uninterrupted } from './world.ts'

/** The real wiring of an upload on a simulated disk: it crashes at random calls, is stopped, and goes on, several lives in a row. */

const nextDirectory = directories(temporaryDirectory())

const FATES = fc.constantFrom<Fate>(
  { do: 'crash', when: 'before' },
  { do: 'crash', when: 'after' },
  { do: 'crash', when: 'torn' },
  { do: 'fail', code: 'ENOSPC' },
  { do: 'fail', code: 'EIO' },
  { do: 'fail', code: 'EACCES' },
)

const LIFE = fc.record({
  call: fc.integer({ min: 1, max: 250 }),
  fate: FATES,
  losesPower: fc.boolean(),
  trouble: TROUBLE,
  /** A signal, or `--limit`. */
  stopAfterMs: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined, freq: 3 }),
  limit: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined, freq: 3 }),
})

test('an upload that crashes and is stopped at any moments ends as one that is not', async () => {
  await fc.assert(
    fc.asyncProperty(
      FILE_PLANS,
      fc.array(LIFE, { maxLength: 5 }),
      TROUBLE,
      fc.infiniteStream(fc.nat()),
      async (plans, lives, trouble, picks) => {
        const exports = writeExports(nextDirectory(), plans)
        const { calls: _, ...expected } = await uninterrupted(exports)
        const world = createWorld(exports)
        const choose = (options: number) => (picks.next().value as number) % options
        for (const { call, fate, losesPower, stopAfterMs, limit, ...life } of lives) {
          await world.live({
            ...life,
            fate: ({ number }) => (number === call ? fate : PASS),
            losesPower: losesPower ? choose : null,
            ...(stopAfterMs !== undefined && { stopAfterMs }),
            ...(limit !== undefined && { limit }),
          })
        }
        const { error } = await world.live({ trouble })
        assert.equal(error, null)
        assert.deepEqual(outcomeOf(world), expected)
        assertInOrder(world, exports)
        world.disk.powerFailure(() => 1)
        const { letters, files } = outcomeOf(world)
        assert.deepEqual([letters, files], [expected.letters, expected.files], 'all of it is durable')
      },
    ),
    { numRuns: 60 },
  )
})
