import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { temporaryDirectory, tries } from '../harness.ts'
import { TROUBLE } from './amplitude.ts'
import { FILE_PLANS, type FilePlan, writeExports } from './exports.ts'
import { type Call, type Fate, KILL_POINTS, type KillPoint, killAt, PASS } from './faults.ts'
import { chooseFrom, createWorld, directories, type Life, outcomeOf, type World } from './world.ts'

/** An upload, and then the retry of its dead letters once Amplitude refuses nothing more, both crashed and taken up again. */

const nextDirectory = directories(temporaryDirectory())

const LIFE = fc.record({
  call: fc.integer({ min: 1, max: 150 }),
  fate: fc.constantFrom<Fate>(
    { do: 'crash', when: 'before' },
    { do: 'crash', when: 'after' },
    { do: 'crash', when: 'torn' },
    { do: 'fail', code: 'ENOSPC' },
  ),
  seed: fc.option(fc.nat(), { freq: 2 }),
  trouble: TROUBLE,
  limit: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined, freq: 3 }),
  reason: fc.constantFrom(undefined, 'too_large', 'invalid_event', 'silenced_device'),
})

interface Story {
  readonly uploads: readonly Life[]
  readonly retries: readonly Life[]
}

/** The retries may begin before all is uploaded; then the upload goes on, and what it leaves is sent again too. */
async function tell(plans: readonly FilePlan[], { uploads, retries }: Story): Promise<void> {
  const exports = writeExports(nextDirectory(), plans)
  const straight = createWorld(exports)
  await endWell(straight, {})
  straight.amplitude.mend()
  await endWell(straight, { isRetry: true })
  const { arrived: _, ...expected } = outcomeOf(straight)

  const world = createWorld(exports)
  for (const life of uploads) await world.live(life)
  if (world.checkpoint() === null) await endWell(world, {})
  world.amplitude.mend()
  for (const life of retries) await world.live({ ...life, isRetry: true })
  await endWell(world, {})
  await endWell(world, { isRetry: true })
  const { arrived: __, ...outcome } = outcomeOf(world)
  assert.deepEqual(outcome, expected)
}

async function endWell(world: World, life: Life): Promise<void> {
  const { error } = await world.live(life)
  assert.equal(error, null)
}

test('an upload and its retry, crashed at any calls, end as those that are not', async () => {
  const lives = fc.array(LIFE, { maxLength: 3 }).map((all) =>
    all.map(
      ({ call, fate, seed, trouble, limit, reason }): Life => ({
        fate: ({ number }: Call) => (number === call ? fate : PASS),
        trouble,
        reason,
        losesPower: seed === null ? null : chooseFrom(seed),
        ...(limit !== undefined && { limit }),
      }),
    ),
  )
  await fc.assert(
    fc.asyncProperty(FILE_PLANS, lives, lives, (plans, uploads, retries) => tell(plans, { uploads, retries })),
    { numRuns: tries(40, 15) },
  )
})

test('a limit that ends a retry leaves the other letters to be sent', async () => {
  const records = Array.from({ length: 3 }, () => ({ kind: 'tooLarge', owner: 'user 1', isLong: false }) as const)
  await tell([{ format: 'ndjson', records, isCut: false }], { uploads: [], retries: [{ limit: 1 }, { limit: 1 }] })
})

for (const point of Object.keys(KILL_POINTS) as KillPoint[]) {
  test(`an upload and its retry that are killed again and again ${point} end as those that are not`, async () => {
    await fc.assert(
      fc.asyncProperty(FILE_PLANS, fc.option(fc.nat()), async (plans, seed) => {
        const lives = () =>
          Array.from({ length: 3 }, (_, i) => ({
            fate: killAt(point, i + 1),
            losesPower: seed === null ? null : chooseFrom(seed),
            ...(i === 0 && { reason: 'invalid_event' as const }),
          }))
        await tell(plans, { uploads: lives(), retries: lives() })
      }),
      { numRuns: 2 },
    )
  })
}
