import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SavedBooks } from '../../src/state/checkpoint.ts'
import { temporaryDirectory, tries } from '../harness.ts'
import { TROUBLE } from './amplitude.ts'
import { FILE_PLANS, writeExports } from './exports.ts'
import { type Call, type Fate, PASS } from './faults.ts'
import { assertInOrder, chooseFrom, createWorld, directories, outcomeOf, uninterrupted } from './world.ts'

/** The real wiring of an upload on a simulated disk: it crashes at random calls, is stopped, and goes on, several lives in a row. */

const WEEK_MS = 7 * 24 * 3_600_000
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
            fate: fateAt(call, fate),
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
    { numRuns: tries(40, 15) },
  )
})

test('a process whose lock was taken stops, and the next one goes on', async () => {
  await fc.assert(
    fc.asyncProperty(
      FILE_PLANS,
      TROUBLE,
      fc.integer({ min: 0, max: 10_000 }),
      async (plans, trouble, isRobbedAfterMs) => {
        const exports = writeExports(nextDirectory(), plans)
        const { calls: _, ...expected } = await uninterrupted(exports)
        const world = createWorld(exports)
        const { error } = await world.live({ trouble, isRobbedAfterMs })
        if (error !== null) assert.match(error.message, /another process has taken/)
        const last = await world.live({})
        assert.equal(last.error, null)
        assert.deepEqual(outcomeOf(world), expected)
      },
    ),
    { numRuns: tries(15, 8) },
  )
})

test('a week after a crash nothing is sent that may have been: what is unknown is a dead letter, and all else as it was', async () => {
  await fc.assert(
    fc.asyncProperty(FILE_PLANS, LIFE, fc.nat(), async (plans, { call, fate, losesPower }, seed) => {
      const exports = writeExports(nextDirectory(), plans)
      const { figures, files } = await uninterrupted(exports)
      const expected = figures as SavedBooks
      const world = createWorld(exports)
      await world.live({
        fate: fateAt(call, fate),
        losesPower: losesPower ? chooseFrom(seed) : null,
      })
      const { error } = await world.live({ afterMs: WEEK_MS, unknown: 'dead-letter' })
      assert.equal(error, null)
      const outcome = outcomeOf(world)
      const { read, accepted, pending, rejected, skipped, warnings } = outcome.figures as SavedBooks
      const letters = sumOf(rejected)
      assert.deepEqual(
        { read, pending, skipped, warnings, files: outcome.files, sum: accepted + letters },
        {
          read: expected.read,
          pending: 0,
          skipped: expected.skipped,
          warnings: expected.warnings,
          files,
          sum: expected.accepted + sumOf(expected.rejected),
        },
      )
      const places = outcome.letters.map((letter) => letter.split(' ')[1])
      assert.deepEqual([places.length, new Set(places).size], [letters, letters], 'dead letters, each once')
      assert.deepEqual([...world.amplitude.repeated], [], 'events that Amplitude took twice')
    }),
    { numRuns: tries(30, 12) },
  )
})

/**
 * The fate of one call. A directory that may not be synced is used all the same: a power failure that takes it away takes what was known
 * of the run, so that refusal is no fault here.
 */
function fateAt(call: number, fate: Fate): (each: Call) => Fate {
  return ({ number, operation }) =>
    number === call && !(isRefusal(fate) && operation === 'syncDirectory') ? fate : PASS
}

function isRefusal(fate: Fate): boolean {
  return fate.do === 'fail' && fate.code === 'EACCES'
}

function sumOf(counts: SavedBooks['rejected']): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
