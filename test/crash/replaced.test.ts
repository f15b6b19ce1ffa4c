import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { Braze2ampError, EXIT, UsageError } from '../../src/errors.ts'
import { type OpenStoredFile, openStoredFile } from '../../src/read/stored-bytes.ts'
import { temporaryDirectory } from '../harness.ts'
import { type FilePlan, writeExports } from './exports.ts'
import { createWorld, directories, type World } from './world.ts'

/** An input that is replaced while it is read, as rsync and `s3 sync` do: by a rename over it. */

const nextDirectory = directories(temporaryDirectory())

const FORMATS = ['ndjson', 'array', 'csv', 'avro', 'gzip', 'letters'] as const satisfies FilePlan['format'][]

const LARGE: FilePlan['records'] = Array.from({ length: 40 }, () => ({ kind: 'event', owner: 'user 1', isLong: true }))
const SMALL: FilePlan['records'] = LARGE.slice(0, 6).map((each) => ({ ...each, isLong: false }))

/** Calls `act` before the read of this number, from 1, of one file; 0: when it is opened. */
function actingAt(path: string, number: number, act: () => void): { openFile: OpenStoredFile; reads(): number } {
  let reads = 0
  return {
    reads: () => reads,
    async openFile(opened) {
      const stored = await openStoredFile(opened)
      if (opened !== path) return stored
      if (number === 0) act()
      return {
        ...stored,
        async read(most) {
          reads += 1
          if (reads === number) act()
          return stored.read(most)
        },
      }
    },
  }
}

interface Replacement {
  readonly world: World
  readonly path: string
  /** Ids of what was there, of what lies there now, and of the file behind it. */
  readonly ids: Readonly<Record<'old' | 'new' | 'behind', readonly string[]>>
  readonly replace: () => void
}

/** The new file holds other records, in as many bytes. */
function replacementOf(format: FilePlan['format'], records: FilePlan['records']): Replacement {
  const root = nextDirectory()
  const exports = writeExports(root, [
    { format, isCut: false, records },
    { format: 'ndjson', isCut: false, records: SMALL },
  ])
  // A record more before them gives other ids, of the same length.
  const others = writeExports(nextDirectory(), [
    {
      format: 'ndjson',
      isCut: false,
      records: Array.from({ length: 50 }, () => ({ ...SMALL[0], kind: 'event' }) as never),
    },
    { format, isCut: false, records },
  ])
  const path = exports.paths[0] as string
  const source = others.paths[1] as string
  const idsOf = (from: typeof exports, each: string) => (from.ids.get(each) ?? []).filter((id) => id !== null)
  return {
    world: createWorld(exports),
    path,
    ids: { old: idsOf(exports, path), new: idsOf(others, source), behind: idsOf(exports, exports.paths[1] as string) },
    replace() {
      const beside = join(dirname(path), 'arriving')
      writeFileSync(beside, readFileSync(source))
      renameSync(beside, path)
    },
  }
}

function has({ amplitude }: World, ids: readonly string[]): number {
  return ids.filter((id) => amplitude.taken.has(id)).length
}

for (const format of FORMATS) {
  for (const [size, records] of [
    ['large', LARGE],
    ['small', SMALL],
  ] as const) {
    test(`${format}, ${size}: what lies there after a replacement is never taken for what was read`, async () => {
      const probe = replacementOf(format, records)
      const counting = actingAt(probe.path, -1, () => {})
      await probe.world.live({ openFile: counting.openFile })
      const reads = counting.reads()
      assert.ok(reads > (size === 'large' ? 3 : 1))
      for (const number of new Set([0, 1, 2, (reads + 1) >> 1, reads])) {
        const place = `before read ${number} of ${reads}`
        const { world, path, ids, replace } = replacementOf(format, records)
        const first = await world.live({ openFile: actingAt(path, number, replace).openFile })
        assert.ok(first.error instanceof UsageError, `${place}: ${first.error}`)
        assert.equal(first.error.exitCode, 2)
        assert.ok(first.error.message.includes(path), first.error.message)
        assert.deepEqual([has(world, ids.old), has(world, ids.new)], [ids.old.length, 0], place)

        const again = await world.live({})
        assert.ok(again.error instanceof UsageError, `${place}: nothing new was said`)
        assert.ok(again.error.message.includes(path), again.error.message)

        // What the message says to do.
        const renamed = join(dirname(path), `other-${path.split('/').at(-1)}`)
        renameSync(path, renamed)
        const { error } = await world.live({ paths: [renamed, ...world.paths.filter((each) => each !== path)] })
        assert.equal(error, null)
        const all = [...ids.old, ...ids.new, ...ids.behind]
        assert.equal(has(world, all), all.length, place)
        assert.deepEqual([...world.amplitude.repeated], [])
      }
    })
  }
}

const EVERYBODY: FilePlan['records'] = LARGE.slice(0, 24).map((each, i) => ({
  ...each,
  owner: (['user 1', 'user 2', 'user 3', 'device 1'] as const)[i % 4] ?? 'user 1',
}))

for (const [name, life, exitCode, cause] of [
  ['a signal', { stopAfterMs: 5000 }, EXIT.interrupted, /^interrupted; and /],
  ['the giving up', {}, EXIT.stopped, /^Amplitude cannot be reached: .*; and /],
] as const) {
  test(`${name} after all that was read of a replaced file went into lane files is told too, and nothing is lost`, async () => {
    const { world, path, ids, replace } = replacementOf('ndjson', LARGE)
    const trouble = Array.from({ length: 5000 }, () => '503' as const)
    const first = await world.live({ ...life, openFile: actingAt(path, 2, replace).openFile, trouble })
    assert.ok(first.error instanceof Braze2ampError, String(first.error))
    assert.equal(first.error.exitCode, exitCode)
    assert.match(first.error.message, cause)
    assert.match(first.error.hint ?? '', /waits in the state/)
    const renamed = join(dirname(path), `other-${path.split('/').at(-1)}`)
    renameSync(path, renamed)
    const goesOn = await world.live({ paths: [renamed, ...world.paths.filter((each) => each !== path)] })
    assert.deepEqual([goesOn.error, goesOn.exitCode], [null, 0])
    assert.equal(has(world, [...ids.old, ...ids.new, ...ids.behind]), 86)
    assert.deepEqual([...world.amplitude.repeated], [])
  })

  for (const trouble of ['503', 'lost answer'] as const) {
    for (const [size, records] of [
      ['large', EVERYBODY],
      ['small', SMALL],
    ] as const) {
      test(`${name} before what was read of a replaced file is sent (${trouble}, ${size}) is told, and nothing is lost`, async () => {
        const { world, path, ids, replace } = replacementOf('ndjson', records)
        const { openFile } = actingAt(path, 2, replace)
        const first = await world.live({ ...life, openFile, trouble: Array.from({ length: 5000 }, () => trouble) })
        assert.ok(first.error instanceof Braze2ampError, String(first.error))
        assert.equal(first.error.exitCode, exitCode)
        assert.match(first.error.message, cause)
        const [, count] =
          /was replaced while it was read: (\d+) of its records are not sent/.exec(first.error.message) ?? []
        const letters = world.lines('dead-letters.ndjson').map((line) => JSON.parse(line))
        assert.equal(letters.length, Number(count))
        assert.ok(letters.every(({ reason, record, event }) => reason === 'input_replaced' && record && event))
        assert.match(first.error.hint ?? '', /retry sends them/)

        // What the message says to do.
        const renamed = join(dirname(path), `other-${path.split('/').at(-1)}`)
        renameSync(path, renamed)
        const goesOn = await world.live({ paths: [renamed, ...world.paths.filter((each) => each !== path)] })
        assert.equal(goesOn.error, null)
        const retried = await world.live({ isRetry: true })
        assert.deepEqual([retried.error, retried.exitCode], [null, 0])
        const all = [...ids.old, ...ids.new, ...ids.behind]
        assert.equal(has(world, all), all.length)
        if (trouble === '503') assert.deepEqual([...world.amplitude.repeated], [])
      })
    }
  }
}

test('a replaced file that is put back is delivered', async () => {
  const { world, path, ids, replace } = replacementOf('ndjson', LARGE)
  const before = readFileSync(path)
  await world.live({ openFile: actingAt(path, 2, replace).openFile })
  writeFileSync(path, before)
  const { error } = await world.live({})
  assert.equal(error, null)
  const all = [...ids.old, ...ids.behind]
  assert.deepEqual([has(world, all), world.amplitude.repeated.size], [all.length, 0])
})

test('a stop in the middle of a replaced file does not go on with what lies there now', async () => {
  const { world, path, ids, replace } = replacementOf('ndjson', LARGE)
  await world.live({ openFile: actingAt(path, 3, replace).openFile, limit: 20 })
  const { error } = await world.live({})
  assert.ok(error instanceof UsageError && error.message.includes(path), String(error))
  assert.equal(has(world, ids.new), 0)
})

test('a file that is replaced between the look at it and its opening does not go on as the one that was begun', async () => {
  const { world, path, ids, replace } = replacementOf('ndjson', LARGE)
  await world.live({ limit: 20 })
  const openFile: OpenStoredFile = async (opened) => {
    if (opened === path) replace()
    return openStoredFile(opened)
  }
  const { error } = await world.live({ openFile })
  assert.ok(error instanceof UsageError && error.message.includes(path), String(error))
  assert.equal(has(world, ids.new), 0)
})

test('a file that other bytes are written into while it is read is not taken for what was read', async () => {
  const { world, path } = replacementOf('ndjson', SMALL)
  const old = readFileSync(path, 'utf8')
  const write = () => writeFileSync(path, old.replaceAll('signed_up', 'signed_in'))
  const { error } = await world.live({ openFile: actingAt(path, 2, write).openFile })
  assert.ok(error instanceof UsageError && error.message.includes(path), String(error))
  const again = await world.live({})
  assert.ok(again.error instanceof UsageError, 'nothing new was said')
})

for (const [name, records] of [
  ['large', LARGE],
  ['small', SMALL],
] as const) {
  test(`a ${name} file that grows while it is read, in place or by a copy that is longer, gives each record once`, async () => {
    const { path, replace: _, ...sample } = replacementOf('ndjson', records)
    const more = readFileSync(path, 'utf8').replaceAll(/"id":"e-(\d+)"/g, '"id":"more-$1"')
    const counting = actingAt(path, -1, () => {})
    await sample.world.live({ openFile: counting.openFile })
    for (const isCopied of [false, true]) {
      for (const number of new Set([0, 1, 2, counting.reads()])) {
        const grown = replacementOf('ndjson', records)
        const grow = () => {
          if (!isCopied) return appendFileSync(grown.path, more)
          writeFileSync(`${grown.path}.arriving`, readFileSync(grown.path, 'utf8') + more)
          renameSync(`${grown.path}.arriving`, grown.path)
        }
        await grown.world.live({ openFile: actingAt(grown.path, number, grow).openFile })
        const { error } = await grown.world.live({})
        assert.equal(error, null)
        const all = [...grown.ids.old, ...grown.ids.old.map((id) => id.replace('e-', 'more-')), ...grown.ids.behind]
        assert.deepEqual([has(grown.world, all), grown.world.amplitude.repeated.size], [all.length, 0])
      }
    }
  })
}

test('a copy of the same bytes put in its place, and a new time, change nothing', async () => {
  for (const records of [LARGE, SMALL]) {
    const { world, path, ids } = replacementOf('ndjson', records)
    const copy = () => {
      writeFileSync(`${path}.arriving`, readFileSync(path))
      renameSync(`${path}.arriving`, path)
    }
    const { error } = await world.live({ openFile: actingAt(path, 2, copy).openFile })
    assert.equal(error, null)
    assert.equal(has(world, [...ids.old, ...ids.behind]), ids.old.length + ids.behind.length)
  }
})
