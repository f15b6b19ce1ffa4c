import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '../harness.ts'
import { type Exports, type FilePlan, writeExports } from './exports.ts'
import { crashAt } from './faults.ts'
import { chooseFrom, crashesAt, createWorld, outcomeOf, uninterrupted, type World } from './world.ts'

/** One small upload, and the retry of its dead letters, crashed at every single call of the file layer. */

const HOT: FilePlan['records'] = Array.from({ length: 11 }, () => ({ kind: 'event', owner: 'hot user', isLong: false }))

const PLANS: readonly FilePlan[] = [
  {
    format: 'ndjson',
    isCut: false,
    records: [
      { kind: 'event', owner: 'user 1', isLong: false },
      { kind: 'malformed', owner: 'user 1', isLong: false },
      { kind: 'duplicate', owner: 'user 1', isLong: false },
      ...HOT,
      { kind: 'derived', owner: 'hot user', isLong: false },
      { kind: 'anonymous', owner: 'user 1', isLong: false },
    ],
  },
  {
    format: 'csv',
    isCut: false,
    records: [
      { kind: 'invalid', owner: 'hot user', isLong: false },
      { kind: 'tooLarge', owner: 'user 2', isLong: false },
      { kind: 'withoutId', owner: 'device 1', isLong: false },
      { kind: 'event', owner: 'silenced device', isLong: false },
      ...Array.from({ length: 10 }, () => ({ kind: 'event', owner: 'user 3', isLong: true }) as const),
    ],
  },
]

const exports = writeExports(temporaryDirectory(), PLANS)

interface Crashed {
  readonly title: string
  readonly losesPower: boolean
}

const WAYS: readonly Crashed[] = [
  { title: 'is killed', losesPower: false },
  { title: 'loses power', losesPower: true },
]

/** Runs to the crash at each call, and then to the end. */
async function crashEverywhere(
  calls: Awaited<ReturnType<World['live']>>['calls'],
  open: () => World,
  { isRetry, losesPower }: { readonly isRetry: boolean; readonly losesPower: boolean },
  check: (world: World) => void,
): Promise<void> {
  for (const call of calls) {
    for (const when of crashesAt(call)) {
      const world = open()
      const place = `${when} call ${call.number}, ${call.operation} ${call.path}`
      try {
        await world.live({
          fate: crashAt(call.number, when),
          isRetry,
          losesPower: losesPower ? chooseFrom(call.number) : null,
        })
        const { error } = await world.live({ isRetry })
        assert.equal(error, null)
        check(world)
      } catch (cause) {
        throw new Error(`crashed ${place}: ${(cause as Error).message}`, { cause })
      }
    }
  }
}

for (const { title, losesPower } of WAYS) {
  test(`an upload that ${title} at any single call ends as one that does not`, async () => {
    const { calls, ...expected } = await uninterrupted(exports)
    await crashEverywhere(
      calls,
      () => createWorld(exports),
      { isRetry: false, losesPower },
      (world) => {
        assert.deepEqual(outcomeOf(world), expected)
      },
    )
  })

  test(`a retry that ${title} at any single call ends as one that does not`, async () => {
    const left = await stateWithLetters(exports)
    const open = () => {
      const world = createWorld(exports, left)
      world.amplitude.mend()
      return world
    }
    const straight = open()
    const { calls, error } = await straight.live({ isRetry: true })
    assert.equal(error, null)
    const { arrived: _, taken, ...expected } = outcomeOf(straight)
    assert.equal(expected.letters.length, 1, 'what was malformed still is')
    await crashEverywhere(calls, open, { isRetry: true, losesPower }, (world) => {
      const { arrived: __, ...outcome } = outcomeOf(world)
      assert.deepEqual(outcome, { ...expected, taken })
    })
  })
}

/** The files of a state whose run is over but for its dead letters. */
async function stateWithLetters(from: Exports): Promise<ReadonlyMap<string, Buffer>> {
  const world = createWorld(from)
  await world.live({})
  return new Map(world.disk.files())
}
