import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoppedError } from '../../src/errors.ts'
import { temporaryDirectory, tries } from '../harness.ts'
import { type Exports, type FilePlan, writeExports } from './exports.ts'
import { type Call, crashAt, type Fate, failAt, PASS } from './faults.ts'
import { chooseFrom, crashesAt, createWorld, type Life, outcomeOf, uninterrupted, type World } from './world.ts'

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

/** So many that what waits in their lane files fills a request at once. */
const HOT_OWNERS = ['hot user', 'hot device', 'user 1', 'user 2', 'user 3', 'device 1'] as const
const hotExports = writeExports(temporaryDirectory(), [
  {
    format: 'ndjson',
    isCut: false,
    records: Array.from({ length: 10 }, () =>
      HOT_OWNERS.map((owner) => ({ kind: 'event', owner, isLong: false }) as const),
    ).flat(),
  },
])

const DISK_FAILURES = ['ENOSPC', 'EDQUOT', 'EIO'] as const

interface Crashed {
  readonly title: string
  readonly losesPower: boolean
}

const WAYS: readonly Crashed[] = [
  { title: 'is killed', losesPower: false },
  { title: 'loses power', losesPower: true },
]

/** Reasons of the letters that are there once those of a reason were sent again: what was malformed still is. */
const LEFT_AFTER = {
  all: ['malformed'],
  too_large: ['invalid_event', 'malformed', 'silenced_device'],
  invalid_event: ['malformed', 'silenced_device', 'too_large'],
} as const

/** Runs to the crash at each call, and then to the end. */
async function crashEverywhere(
  calls: Awaited<ReturnType<World['live']>>['calls'],
  open: () => World,
  { losesPower, ...life }: Pick<Life, 'isRetry' | 'reason'> & { readonly losesPower: boolean },
  check: (world: World) => void,
): Promise<void> {
  const step = tries(1, 2)
  // The calls that one way leaves out, the other takes.
  for (const call of calls.filter(({ number }) => number % step === (losesPower ? 0 : step - 1))) {
    for (const when of crashesAt(call)) {
      const world = open()
      const place = `${when} call ${call.number}, ${call.operation} ${call.path}`
      try {
        await world.live({
          ...life,
          fate: crashAt(call.number, when),
          losesPower: losesPower ? chooseFrom(call.number) : null,
        })
        const { error } = await world.live(life)
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

  for (const reason of [undefined, 'too_large', 'invalid_event'] as const) {
    const what = reason === undefined ? 'a retry' : `a retry of the letters of ${reason} alone`
    test(`${what} that ${title} at any single call ends as one that does not`, async () => {
      const left = await stateWithLetters(exports)
      const open = () => {
        const world = createWorld(exports, left)
        world.amplitude.mend()
        return world
      }
      const life = { isRetry: true, reason }
      const straight = open()
      const { calls, error } = await straight.live(life)
      assert.equal(error, null)
      const { arrived: _, taken, ...expected } = outcomeOf(straight)
      const reasons = expected.letters.map((letter) => letter.split(' ')[0])
      assert.deepEqual(reasons, LEFT_AFTER[reason ?? 'all'])
      await crashEverywhere(calls, open, { ...life, losesPower }, (world) => {
        const { arrived: __, ...outcome } = outcomeOf(world)
        assert.deepEqual(outcome, { ...expected, taken })
      })
    })
  }
}

test('a disk that fails at any call of the start ends the process so that the same command goes on', async () => {
  const stopped = createWorld(exports)
  await stopped.live({ stopAfterMs: 3000 })
  for (const left of [new Map<string, Buffer>(), new Map(stopped.disk.files())]) {
    const isBegun = ({ operation, path }: Call) => operation === 'rename' && path.endsWith('checkpoint.json')
    const straight = createWorld(exports, left)
    const { calls } = await straight.live({})
    const expected = outcomeOf(straight)
    for (const { number, operation, path } of calls.slice(0, calls.findIndex(isBegun) + 2)) {
      const code = DISK_FAILURES[number % DISK_FAILURES.length] as (typeof DISK_FAILURES)[number]
      const world = createWorld(exports, left)
      const { error } = await world.live({ fate: failAt(number, code) })
      const isRight = error === null || error instanceof StoppedError
      assert.ok(isRight, `${code} of call ${number}, ${operation} ${path}: ${error}`)
      assert.equal((await world.live({})).error, null)
      assert.deepEqual(outcomeOf(world), expected)
    }
  }
})

test('an upload that was stopped with lane files sends nothing before the state says so, whatever fails', async () => {
  const stopped = createWorld(hotExports)
  await stopped.live({ stopAfterMs: 4000 })
  const saved = stopped.checkpoint()
  assert.deepEqual([saved?.clean, saved?.complete, saved?.lanes.length], [true, false, HOT_OWNERS.length])
  const left = new Map(stopped.disk.files())
  const straight = createWorld(hotExports, left)
  const { calls } = await straight.live({ renameMs: 3000 })
  const { arrived: _, taken: __, ...expected } = outcomeOf(straight)
  const isReplaced = ({ operation, path }: Call) => operation === 'rename' && path.endsWith('checkpoint.json')
  const firstCheckpoint = calls.findIndex(isReplaced)
  let sentAndFailed = 0
  async function meet(fate: (call: Call) => Fate, mustBeUnclean: boolean): Promise<void> {
    const world = createWorld(hotExports, left)
    await world.live({ fate, renameMs: 3000 })
    if (mustBeUnclean && world.amplitude.arrived.size > 0) {
      assert.equal(world.checkpoint()?.clean, false)
      sentAndFailed += 1
    }
    assert.equal((await world.live({})).error, null)
    const { arrived: ___, taken: ____, ...outcome } = outcomeOf(world)
    assert.deepEqual(outcome, expected)
  }
  for (const call of calls.slice(0, firstCheckpoint + 8)) {
    await meet(crashAt(call.number, 'before'), true)
    await meet(failAt(call.number, 'EACCES'), false)
  }
  for (const { number } of calls.filter(isReplaced)) {
    // From here on no checkpoint can be replaced.
    await meet((call) => (call.number >= number && isReplaced(call) ? { do: 'fail', code: 'EACCES' } : PASS), true)
  }
  assert.ok(sentAndFailed > 0)
})

/** The files of a state whose run is over but for its dead letters. */
async function stateWithLetters(from: Exports): Promise<ReadonlyMap<string, Buffer>> {
  const world = createWorld(from)
  await world.live({})
  return new Map(world.disk.files())
}
