import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Braze2ampError, UsageError } from '../../src/errors.ts'
import {
  type Checkpoint,
  readCheckpoint,
  type SavedInput,
  type SavedLane,
  writeCheckpoint,
} from '../../src/state/checkpoint.ts'
import { diskFileSystem } from '../../src/state/file-system.ts'
import { crashAt, failAt, withFaults } from '../crash/faults.ts'
import { createMemoryDisk } from '../crash/memory-disk.ts'
import { temporaryDirectory } from '../harness.ts'
import { CHECKPOINT } from './checkpoints.ts'

const PATH = '/state/checkpoint.json'

function read(content: string | Uint8Array): Promise<Checkpoint | null> {
  const disk = createMemoryDisk()
  disk.plant(PATH, content)
  return readCheckpoint(disk.boot(), '/state')
}

/** The example with one value replaced. */
function changed(path: string, value: unknown): string {
  const copy = JSON.parse(JSON.stringify(CHECKPOINT))
  const keys = path.split('.')
  const last = keys.pop() as string
  const parent = keys.reduce((node, key) => node[key], copy)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return JSON.stringify(copy)
}

async function refusal(content: string | Uint8Array): Promise<UsageError> {
  const error = await read(content).then(
    () => assert.fail(`taken: ${content}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof UsageError, String(error))
  assert.ok(error.message.startsWith(PATH), error.message)
  assert.match(error.hint ?? '', /put back.*--fresh.*--state DIR/s)
  return error
}

describe('a checkpoint', () => {
  test('comes back as it was written', async () => {
    const disk = createMemoryDisk()
    disk.plant('/state/lock', '')
    await writeCheckpoint(disk.boot(), '/state', CHECKPOINT)
    disk.powerFailure(() => 1)
    assert.deepEqual(await readCheckpoint(disk.boot(), '/state'), CHECKPOINT)
  })

  const wrong: readonly (readonly [change: Partial<Checkpoint>, says: RegExp])[] = [
    [{ savedAt: Number.NaN }, /savedAt must be ms since 1970/],
    [{ counts: { ...CHECKPOINT.counts, accepted: 12.5 } }, /counts\.accepted must be a whole number/],
    [{ counts: { ...CHECKPOINT.counts, pending: -1 } }, /counts\.pending must be a whole number/],
    [{ counts: { ...CHECKPOINT.counts, accepted: 13 } }, /counts must balance/],
    [
      { lanes: [{ ...(CHECKPOINT.lanes[0] as SavedLane), bytes: 2 ** 53 }] },
      /lanes\[0\]\.bytes must be a whole number/,
    ],
    [{ open: [{ ...(CHECKPOINT.open[0] as SavedInput), readTo: 0 }] }, /open\[0\]\.readTo must not be below/],
    [{ logs: { 'a.ndjson': Number.POSITIVE_INFINITY } }, /logs\.a\.ndjson must be a whole number/],
  ]
  for (const [change, says] of wrong) {
    test(`that could not be read again does not replace the one before: ${says.source}`, async () => {
      const disk = createMemoryDisk()
      disk.plant(PATH, JSON.stringify(CHECKPOINT))
      await assert.rejects(writeCheckpoint(disk.boot(), '/state', { ...CHECKPOINT, ...change }), (error: Error) => {
        assert.match(error.message, says)
        return !(error instanceof Braze2ampError)
      })
      assert.deepEqual([...disk.files()], [[PATH, Buffer.from(JSON.stringify(CHECKPOINT))]])
    })
  }

  test('on this machine leaves nothing beside it and is its owner’s alone', async () => {
    const directory = temporaryDirectory()
    await writeCheckpoint(diskFileSystem, directory, CHECKPOINT)
    await writeCheckpoint(diskFileSystem, directory, { ...CHECKPOINT, clean: true })
    assert.deepEqual(readdirSync(directory), ['checkpoint.json'])
    assert.equal(statSync(join(directory, 'checkpoint.json')).mode & 0o777, 0o600)
    assert.equal((await readCheckpoint(diskFileSystem, directory))?.clean, true)
  })

  test('that is not there is none', async () => {
    const disk = createMemoryDisk()
    disk.plant('/state/checkpoint.json.new', 'half')
    assert.equal(await readCheckpoint(disk.boot(), '/state'), null)
    assert.equal(await readCheckpoint(disk.boot(), '/elsewhere'), null)
  })

  test('of a retry has letters settled that it leaves alone, before any is read', async () => {
    const retry = {
      ...(CHECKPOINT.open[0] as SavedInput),
      kind: 'retry',
      from: { byte: 0, ordinal: 0, line: null },
      readTo: 0,
    }
    const saved = await read(changed('open', [retry]))
    assert.deepEqual(saved?.open, [retry])
  })

  test('may have its time in RFC 3339', async () => {
    for (const time of ['2026-01-01T01:00:00Z', '2026-01-01T02:00:00.000+01:00', '2026-01-01 01:00:00Z']) {
      assert.equal((await read(changed('savedAt', time)))?.savedAt, 1_767_229_200_000)
    }
  })

  test('may hold more than this program knows', async () => {
    assert.deepEqual(await read(changed('run.note', 'mended by hand')), CHECKPOINT)
  })

  const broken: readonly (readonly [what: string, content: string | Uint8Array, says: RegExp])[] = [
    ['of zero length', '', /is empty/],
    ['cut off', JSON.stringify(CHECKPOINT).slice(0, -10), /is not JSON/],
    ['of zeros', new Uint8Array(200), /is not JSON/],
    ['that is a list', '[]', /it must be an object/],
    ['that is null', 'null', /it must be an object/],
    ['without version', changed('version', undefined), /version must be a number/],
    ['of a later version', changed('version', 2), /has version 2; this program knows version 1/],
    ['of a later version with other fields', '{"version":7}', /has version 7/],
    ['without run', changed('run', undefined), /run must be an object/],
    ['with an odd time', changed('savedAt', 'yesterday'), /savedAt must be ms since 1970 or/],
    ['with a time of digits', changed('savedAt', '1767229200000'), /savedAt must be ms/],
    ['with a negative place', changed('open.0.from.byte', -1), /open\[0\]\.from\.byte must be a whole number/],
    ['with a broken number', changed('open.0.readTo', 2.5), /open\[0\]\.readTo must be a whole number/],
    ['with no fingerprint', changed('open.0.fingerprint', null), /open\[0\]\.fingerprint must be an object/],
    ['with an empty range', changed('open.0.settled', [[3, 3]]), /settled\[0\] must be a range/],
    [
      'with ranges in disorder',
      changed('open.0.settled', [
        [5, 9],
        [8, 10],
      ]),
      /settled\[1\] must come after/,
    ],
    ['with more settled than read', changed('open.0.readTo', 19), /readTo must not be below/],
    ['with a lane file elsewhere', changed('lanes.0.file', '../../etc/passwd'), /lanes\[0\]\.file must be a name/],
    ['with a lane of nobody', changed('lanes.0.identity.kind', 'group'), /kind must be user or device/],
    ['with more settled than written', changed('lanes.0.settledTo', 901), /must not have more settled/],
    ['with a log elsewhere', changed('logs', { '../x.bin': 1 }), /logs must hold file names only/],
    ['with books that do not balance', changed('counts.accepted', 13), /counts must balance, but read is 25.*26/],
    ['with a text for a flag', changed('clean', 'yes'), /clean must be true or false/],
    ['with an odd quota', changed('quota.0.hours', [[1]]), /quota\[0\]\.hours\[0\] must be a pair/],
  ]
  for (const [what, content, says] of broken) {
    test(`${what} is refused, with the two ways out`, async () => {
      assert.match((await refusal(content)).message, says)
    })
  }

  test('without any one of its fields is refused', async () => {
    for (const key of Object.keys(CHECKPOINT)) await refusal(changed(key, undefined))
    // Older states lack what is told of CSV.
    const choices = Object.keys(CHECKPOINT.run.options).filter((key) => !key.startsWith('csv'))
    for (const key of choices) await refusal(changed(`run.options.${key}`, undefined))
  })

  test('that cannot be read is an error, not a first run', async () => {
    const disk = createMemoryDisk()
    disk.plant(PATH, JSON.stringify(CHECKPOINT))
    for (const code of ['EACCES', 'EIO'] as const) {
      for (const call of [1, 2, 3]) {
        const { fileSystem } = withFaults(disk.boot(), failAt(call, code))
        await assert.rejects(readCheckpoint(fileSystem, '/state'), new RegExp(`cannot be read: ${code}`))
      }
    }
  })
})

describe('replacing a checkpoint', () => {
  const next = { ...CHECKPOINT, clean: true, logs: {} }

  test('leaves the old or the new one, whole, after a crash at any call', async () => {
    const outcomes = new Set<boolean>()
    for (let call = 1; call <= 6; call++) {
      for (const when of ['before', 'after', 'torn'] as const) {
        for (let fate = 0; fate < 4; fate++) {
          const disk = createMemoryDisk()
          disk.plant(PATH, JSON.stringify(CHECKPOINT))
          const { fileSystem, hasCrashed } = withFaults(disk.boot(), crashAt(call, when))
          await writeCheckpoint(fileSystem, '/state', next).catch(() => {})
          disk.powerFailure((options) => fate % options)
          const found = await readCheckpoint(disk.boot(), '/state')
          assert.deepEqual(found, found?.clean ? next : CHECKPOINT)
          assert.ok(hasCrashed() || found?.clean === true)
          outcomes.add(found?.clean === true)
        }
      }
    }
    assert.equal(outcomes.size, 2)
  })

  test('fails with the system’s error and leaves a whole one, at each call', async () => {
    for (const code of ['EACCES', 'ENOSPC', 'EIO'] as const) {
      for (let call = 1; call <= 6; call++) {
        const disk = createMemoryDisk()
        disk.plant(PATH, JSON.stringify(CHECKPOINT))
        await assert.rejects(writeCheckpoint(withFaults(disk.boot(), failAt(call, code)).fileSystem, '/state', next), {
          code,
        })
        const found = await readCheckpoint(disk.boot(), '/state')
        assert.deepEqual(found, call <= 5 ? CHECKPOINT : next)
        await writeCheckpoint(disk.boot(), '/state', next)
        assert.deepEqual(await readCheckpoint(disk.boot(), '/state'), next)
      }
    }
  })
})
