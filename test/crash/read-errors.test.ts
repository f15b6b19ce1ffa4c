import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoppedError } from '../../src/errors.ts'
import { type OpenStoredFile, openStoredFile } from '../../src/read/stored-bytes.ts'
import { temporaryDirectory } from '../harness.ts'
import { type FilePlan, writeExports } from './exports.ts'
import { createWorld, directories, type Life, outcomeOf, uninterrupted, type World } from './world.ts'

/** The system fails while an input is read, once; the same command then goes on as if it had not. */

const nextDirectory = directories(temporaryDirectory())

const FORMATS = ['ndjson', 'array', 'csv', 'avro', 'gzip', 'letters'] as const satisfies FilePlan['format'][]

/** Large enough that a file of them takes several reads. */
const RECORDS: FilePlan['records'] = Array.from({ length: 40 }, (_, i) => ({
  kind: i % 9 === 4 ? 'malformed' : i % 11 === 5 ? 'withoutId' : 'event',
  owner: i % 4 === 1 ? 'hot user' : 'user 1',
  isLong: true,
}))

const SMALL: FilePlan = { format: 'ndjson', isCut: false, records: RECORDS.slice(0, 5) }

interface Reads {
  readonly openFile: OpenStoredFile
  /** How often the file was read, the last time at its end. */
  count(): number
}

/** Counts the reads of the files of this name, and fails the one of this number, from 1. */
function failingRead(isMeant: (path: string) => boolean, number: number): Reads {
  let reads = 0
  return {
    count: () => reads,
    async openFile(path) {
      const stored = await openStoredFile(path)
      if (!isMeant(path)) return stored
      return {
        ...stored,
        async read(most) {
          reads += 1
          if (reads === number) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
          return stored.read(most)
        },
      }
    },
  }
}

async function endsIn4(world: World, life: Life, path: RegExp): Promise<void> {
  const { error } = await world.live(life)
  assert.ok(error instanceof StoppedError, String(error))
  assert.equal(error.exitCode, 4)
  assert.match(error.message, path)
  assert.match(error.message, /EIO/)
  assert.match(error.hint ?? '', /the same command goes on/)
}

for (const format of FORMATS) {
  test(`${format}: whichever read fails, nothing is lost, and the same command goes on`, async () => {
    const exports = writeExports(nextDirectory(), [SMALL, { format, isCut: false, records: RECORDS }, SMALL])
    const path = exports.paths[1] as string
    const isMeant = (each: string) => each === path
    const all = failingRead(isMeant, 0)
    const { calls: _, ...expected } = await uninterrupted(exports, { openFile: all.openFile })
    const reads = all.count()
    assert.ok(reads > 3, `${reads} reads`)
    for (const number of new Set([1, 2, (reads + 1) >> 1, reads - 1, reads])) {
      const world = createWorld(exports)
      const { openFile } = failingRead(isMeant, number)
      await endsIn4(world, { openFile }, new RegExp(path))
      const saved = world.checkpoint()
      assert.ok(saved !== null && !saved.complete)
      const { error } = await world.live({})
      assert.equal(error, null)
      assert.deepEqual(outcomeOf(world), expected, `read ${number} of ${reads}`)
    }
  })
}

test('letters that are sent again are not lost, whichever read of them fails', async () => {
  const refused = Array.from(
    { length: 25 },
    (_, i) => ({ kind: i % 5 === 0 ? 'invalid' : 'malformed', owner: 'user 2', isLong: true }) as const,
  )
  const exports = writeExports(nextDirectory(), [
    { format: 'ndjson', isCut: false, records: [...refused, ...RECORDS] },
    { format: 'csv', isCut: false, records: refused.map((each) => ({ ...each, kind: 'invalid' })) },
  ])
  const isMeant = (path: string) => path.endsWith('retrying.ndjson')
  const begun = createWorld(exports)
  await begun.live({})
  const left = new Map(begun.disk.files())
  function open(): World {
    const world = createWorld(exports, left)
    world.amplitude.mend()
    return world
  }
  const straight = open()
  const all = failingRead(isMeant, 0)
  await straight.live({ isRetry: true, openFile: all.openFile })
  const expected = outcomeOf(straight)
  const reads = all.count()
  assert.ok(reads > 3, `${reads} reads`)
  for (const number of new Set([1, 2, (reads + 1) >> 1, reads - 1, reads])) {
    const world = open()
    await endsIn4(world, { isRetry: true, openFile: failingRead(isMeant, number).openFile }, /retrying\.ndjson/)
    const { error } = await world.live({ isRetry: true })
    assert.equal(error, null)
    assert.deepEqual(outcomeOf(world), expected, `read ${number} of ${reads}`)
  }
})
