import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { appendText } from '../../src/json/bytes.ts'
import { type AppendLog, createAppendLog } from '../../src/state/append-log.ts'
import { diskFileSystem } from '../../src/state/file-system.ts'
import { crashAt, failAt, PASS, withFaults } from '../crash/faults.ts'
import { createMemoryDisk } from '../crash/memory-disk.ts'
import { temporaryDirectory } from '../harness.ts'

const PATH = '/state/log.ndjson'

function addText(log: AppendLog, text: string): void {
  log.add((out) => appendText(out, text))
}

function diskWith(content: string) {
  const disk = createMemoryDisk()
  disk.plant(PATH, content)
  return disk
}

/** Short ones, and some that need more than the first piece of a batch. */
function entries(): fc.Arbitrary<string> {
  const words = fc.stringMatching(/^[a-z]{1,20}$/)
  return fc.oneof(
    words,
    fc.tuple(words, fc.nat({ max: 1500 })).map(([word, times]) => word.repeat(times + 1)),
  )
}

describe('an append log', () => {
  test('is cut back to the length that a checkpoint knows, and goes on there', async () => {
    const disk = diskWith('one\ntwo\nthr')
    const log = createAppendLog({ fileSystem: disk.boot(), path: PATH, length: 4 })
    await log.open()
    assert.equal(log.length(), 4)
    addText(log, '2\n')
    assert.equal(log.length(), 6)
    await log.close()
    assert.equal(disk.files().get(PATH)?.toString(), 'one\n2\n')
  })

  test('that is shorter than the checkpoint knows, or gone, is refused and left alone', async () => {
    for (const content of ['one', '']) {
      const disk = diskWith(content)
      const log = createAppendLog({ fileSystem: disk.boot(), path: PATH, length: 4 })
      await assert.rejects(log.open(), (error: Error & { hint?: string }) => {
        assert.match(error.message, /log\.ndjson has \d bytes, but the checkpoint knows 4/)
        assert.match(error.hint ?? '', /--fresh.*--state/)
        return true
      })
      assert.equal(disk.files().get(PATH)?.toString(), content)
    }
    const missing = createAppendLog({ fileSystem: diskWith('').boot(), path: '/state/other', length: 4 })
    await assert.rejects(missing.open(), /other is gone/)
  })

  test('is not made before there is something to write', async () => {
    const disk = diskWith('x')
    const log = createAppendLog({ fileSystem: disk.boot(), path: '/state/new', length: 0 })
    await log.open()
    await log.flush()
    assert.equal(disk.files().has('/state/new'), false)
    addText(log, 'a')
    await log.close()
    assert.equal(disk.files().get('/state/new')?.toString(), 'a')
  })

  test('gives back what is durable, and nothing beyond it', async () => {
    const log = createAppendLog({ fileSystem: diskWith('one\ntwo').boot(), path: PATH, length: 4 })
    addText(log, 'more')
    const into = Buffer.alloc(16)
    assert.equal(await log.read(into, 1), 3)
    await log.flush()
    assert.equal(into.toString('utf8', 0, await log.read(into, 1)), 'ne\nmore')
  })

  test('gives back what was written, and counts it no longer as in memory', async () => {
    const disk = diskWith('one\n')
    const log = createAppendLog({ fileSystem: disk.boot(), path: PATH, length: 4 })
    addText(log, 'more')
    await log.write()
    assert.equal(log.pendingBytes(), 0)
    assert.equal(log.length(), 8)
    const into = Buffer.alloc(16)
    assert.equal(into.toString('utf8', 0, await log.read(into, 0)), 'one\nmore')
    await log.flush()
    disk.powerFailure(() => 1)
    assert.equal(disk.files().get(PATH)?.toString(), 'one\nmore')
  })

  test('whose sync failed over what was written before is lost: no later flush says that it is durable', async () => {
    let syncs = 0
    const { fileSystem } = withFaults(diskWith('').boot(), ({ operation }) => {
      if (operation === 'sync') syncs += 1
      return operation === 'sync' && syncs === 1 ? { do: 'fail', code: 'EIO' } : PASS
    })
    const log = createAppendLog({ fileSystem, path: PATH, length: 0 })
    addText(log, 'a')
    await log.write()
    await assert.rejects(log.flush(), { code: 'EIO' })
    await assert.rejects(log.flush(), { code: 'EIO' })
  })

  test('on this machine is its owner’s alone, and behaves the same', async () => {
    const path = join(temporaryDirectory(), 'log')
    const log = createAppendLog({ fileSystem: diskFileSystem, path, length: 0 })
    addText(log, 'one\n')
    await log.close()
    assert.equal(statSync(path).mode & 0o777, 0o600)
    writeFileSync(path, 'garbage', { flag: 'a' })
    const again = createAppendLog({ fileSystem: diskFileSystem, path, length: 4 })
    addText(again, 'two\n')
    await again.close()
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
  })

  test('keeps a batch that could not be written for the next flush, at each call and for each error', async () => {
    for (const code of ['EACCES', 'ENOSPC', 'EIO'] as const) {
      for (let at = 1; at <= 10; at++) {
        const disk = diskWith('kept\n')
        const { fileSystem, calls } = withFaults(disk.boot(), failAt(at, code))
        const log = createAppendLog({ fileSystem, path: PATH, length: 5 })
        const failures: string[] = []
        for (const text of ['a\n', 'b\n', 'c\n']) {
          addText(log, text)
          await log.flush().catch((error: NodeJS.ErrnoException) => failures.push(error.code ?? error.message))
        }
        assert.deepEqual(failures, at <= calls.length ? [code] : [], `call ${at}`)
        await log.flush()
        disk.powerFailure(() => 1)
        assert.equal(disk.files().get(PATH)?.toString(), 'kept\na\nb\nc\n', `call ${at}`)
      }
    }
  })
})

test('after a crash at any call, what was flushed is there, and what was not is cut off on the next opening', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(entries(), fc.constantFrom('adds', 'writes', 'flushes')), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom('before', 'after', 'torn'),
      fc.boolean(),
      fc.infiniteStream(fc.nat()),
      async (adds, crashCall, when, losesPower, picks) => {
        const disk = createMemoryDisk()
        disk.plant('/state/lock', '')
        const { fileSystem } = withFaults(disk.boot(), crashAt(crashCall, when as 'before'))
        const log = createAppendLog({ fileSystem, path: PATH, length: 0 })
        let added = ''
        let known = 0
        try {
          for (const [text, then] of adds) {
            addText(log, text)
            added += text
            if (then === 'writes') await log.write()
            if (then !== 'flushes') continue
            const length = log.length()
            await log.flush()
            known = length
          }
        } catch (error) {
          assert.equal((error as Error).name, 'Crashed')
        }
        if (losesPower) disk.powerFailure((options) => (picks.next().value as number) % options)
        else disk.kill()
        const again = createAppendLog({ fileSystem: disk.boot(), path: PATH, length: known })
        await again.open()
        addText(again, '!')
        await again.close()
        assert.equal(disk.files().get(PATH)?.toString(), `${added.slice(0, known)}!`)
      },
    ),
    { numRuns: 500 },
  )
})
