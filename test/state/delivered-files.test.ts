import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type DeliveredFile, openDeliveredFiles } from '../../src/state/delivered-files.ts'
import { createMemoryDisk, type MemoryDisk } from '../crash/memory-disk.ts'

const RUN = { id: 'run-1', keyFingerprint: 'key-1' }

function delivered(change: Partial<DeliveredFile> = {}): DeliveredFile {
  return {
    path: 'in/a.ndjson',
    size: 100,
    mtime: 1_767_225_600_000.25,
    head: 'aa',
    tail: 'bb',
    records: 10,
    accepted: 9,
    run: RUN.id,
    keyFingerprint: RUN.keyFingerprint,
    mappingHash: 'm',
    at: 1_767_225_600_000,
    ...change,
  }
}

function linesOf(files: readonly DeliveredFile[]): string {
  return files.map((file) => `${JSON.stringify(file)}\n`).join('')
}

function diskWith(content: string): MemoryDisk {
  const disk = createMemoryDisk()
  disk.plant('/state/files.ndjson', content)
  return disk
}

function open(disk: MemoryDisk, length: number | null = null, run = RUN) {
  return openDeliveredFiles({ fileSystem: disk.boot(), directory: '/state', length, run })
}

const STAMP = { path: 'in/a.ndjson', size: 100, mtimeMs: 1_767_225_600_000.25 }

describe('delivered files', () => {
  test('that this run delivered are found with those of another run into the same project', async () => {
    const disk = diskWith(linesOf([delivered(), delivered({ path: 'in/b.ndjson', run: 'run-0' })]))
    const files = await open(disk)
    assert.deepEqual(files.byPath(STAMP), { isUntouched: true, at: 0 })
    const other = files.byPath({ ...STAMP, path: 'in/b.ndjson' })
    assert.equal(files.byPath({ ...STAMP, path: 'in/c.ndjson' }), null)
    const line = other && (await files.line(other))
    assert.deepEqual([line?.path, line?.run], ['in/b.ndjson', 'run-0'])
  })

  test('that another run delivered into another project are none', async () => {
    const files = await open(diskWith(linesOf([delivered({ keyFingerprint: 'key-2', run: 'run-0' })])))
    assert.equal(files.count(), 0)
    assert.equal(files.byPath(STAMP), null)
    assert.equal(files.byContent(delivered()), null)
    assert.equal(files.hasSize(100), false)
  })

  test('of this run are its own also when it goes on with another key', async () => {
    const files = await open(diskWith(linesOf([delivered({ keyFingerprint: 'key-2' })])))
    assert.equal(files.byPath(STAMP)?.isUntouched, true)
  })

  test('that have another size or time now must be looked into', async () => {
    const files = await open(diskWith(linesOf([delivered()])))
    assert.equal(files.byPath({ ...STAMP, size: 101 })?.isUntouched, false)
    assert.equal(files.byPath({ ...STAMP, mtimeMs: 0 })?.isUntouched, false)
  })

  test('are known by their content under another path', async () => {
    const files = await open(diskWith(linesOf([delivered({ run: 'run-0' })])))
    assert.equal(files.hasSize(100), true)
    assert.equal(files.hasSize(99), false)
    assert.equal(files.byContent({ size: 100, head: 'aa', tail: 'bb' })?.isUntouched, false)
    assert.equal(files.byContent({ size: 100, head: 'aa', tail: 'bc' }), null)
    assert.equal(files.byContent({ size: 101, head: 'aa', tail: 'bb' }), null)
  })

  test('delivered twice under a path count as they were the last time', async () => {
    const files = await open(diskWith(linesOf([delivered({ run: 'run-0', size: 50 }), delivered()])))
    const found = files.byPath(STAMP)
    assert.equal(found?.isUntouched, true)
    const line = found && (await files.line(found))
    assert.deepEqual([line?.size, line?.run], [100, RUN.id])
  })

  test('are there for the next process, up to the length that the checkpoint knows', async () => {
    const disk = diskWith('')
    const files = await open(disk, 0)
    files.add(delivered())
    const known = files.length()
    files.add(delivered({ path: 'in/b.ndjson' }))
    await files.flush()
    disk.powerFailure(() => 1)
    const again = await open(disk, known)
    assert.equal(again.count(), 1)
    assert.equal(disk.files().get('/state/files.ndjson')?.toString(), linesOf([delivered()]))
  })

  test('without a checkpoint are all whole lines: a crash may have cut the last', async () => {
    const disk = diskWith(`${linesOf([delivered()])}{"path":"in/b.nd`)
    assert.equal((await open(disk)).count(), 1)
    assert.equal((await open(diskWith('{"path"'))).count(), 0)
    const long = linesOf([delivered()]) + 'x'.repeat(3 << 20)
    assert.equal((await open(diskWith(long))).count(), 1)
  })

  test('in a damaged line are an error that names it, not files to be sent again', async () => {
    const first = linesOf([delivered()])
    for (const second of ['{"path":1}\n', '\n', 'x\n', first.slice(0, 40)]) {
      const content = first + second + first
      await assert.rejects(
        open(diskWith(content)),
        new RegExp(`/state/files.ndjson is damaged at byte ${first.length}`),
      )
    }
    await assert.rejects(open(diskWith(first), first.length - 1), /the last line has no end/)
    await assert.rejects(open(diskWith(first), first.length + 1), /the checkpoint knows/)
  })

  test('in any number and of any length are found', async () => {
    const all = Array.from({ length: 20_000 }, (_, i) =>
      delivered({
        path: `in/date=2024-${i % 12}/event_type=users.X/${i}-${'p'.repeat(i % 5000 === 0 ? 70_000 : i % 97)}.avro`,
        size: i,
        head: `h${i}`,
        run: i % 2 === 0 ? RUN.id : 'run-0',
      }),
    )
    const files = await open(diskWith(linesOf(all)))
    assert.equal(files.count(), all.length)
    for (const [i, { path, size, mtime, head, tail }] of all.entries()) {
      const found = files.byPath({ path, size, mtimeMs: mtime })
      assert.equal(found?.isUntouched, true)
      assert.equal(files.byContent({ size, head, tail })?.at, found?.at)
      assert.equal(files.byPath({ path: `${path}x`, size, mtimeMs: mtime }), null)
      if (i % 500 === 0) assert.equal(found && (await files.line(found)).path, path)
    }
  })
})
