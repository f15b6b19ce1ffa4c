import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { start } from '../emulator/harness.ts'
import { records } from '../upload/harness.ts'
import { checkpointIn, exportsOf, replay, replayed, summaryIn, unlimited } from './upload-harness.ts'

test('a disk that fills up ends the run with a clear error, and it goes on when there is room', async (t) => {
  const emulator = await start(t, unlimited)
  // Dead letters need room; the summary is elsewhere.
  const cwd = exportsOf(records(4000).map((line, i) => (i < 100 ? line : `{"broken ${'x'.repeat(100)}`)))
  const disk = join(cwd, 'disk')
  mkdirSync(disk)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', disk])
  if (mounted.status !== 0) return t.skip('mounting a small disk needs root')
  try {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(100_000))

    const words = ['--state', 'disk/state', '--summary', 'summary.json']
    const full = await replayed(4, { cwd, url: emulator.url, words })
    assert.match(full.stderr, /cannot write to the state directory: ENOSPC.*\n.*the same command goes on/)
    assert.doesNotMatch(full.stderr, /unexpected error/)
    assert.equal(summaryIn(readFileSync(join(cwd, 'summary.json'), 'utf8')).stopped, 'state')
    assert.equal(checkpointIn(cwd, 'disk/state').complete, false)

    rmSync(join(disk, 'ballast'))
    spawnSync('mount', ['-o', 'remount,size=16m', disk])
    const { summary } = await replayed(3, { cwd, url: emulator.url, words })
    assert.deepEqual([summary.read, summary.accepted, summary.rejected.by_reason], [4000, 100, { malformed: 3900 }])
    assert.equal(emulator.stats().unique, 100)
    assert.equal(
      readFileSync(join(disk, 'state', 'dead-letters.ndjson'), 'utf8')
        .trimEnd()
        .split('\n').length,
      3900,
    )
  } finally {
    spawnSync('umount', [disk])
  }
})

test('a disk that is full at the start ends the run as one that fills up later, and the same command goes on', async (t) => {
  const emulator = await start(t, unlimited)
  const cwd = exportsOf(records(10))
  const disk = join(cwd, 'disk')
  mkdirSync(disk)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', disk])
  if (mounted.status !== 0) return t.skip('mounting a small disk needs root')
  try {
    const ballast = join(disk, 'ballast')
    assert.throws(() => writeFileSync(ballast, Buffer.alloc(100_000)), { code: 'ENOSPC' })
    const words = ['--state', 'disk/state']
    const full = await replay({ cwd, url: emulator.url, words })
    assert.equal(full.code, 4, full.stderr)
    assert.match(full.stderr, /ENOSPC.*\n.*the same command goes on/)
    assert.equal(emulator.stats().requests.total, 0)
    rmSync(ballast)
    const { summary } = await replayed(0, { cwd, url: emulator.url, words })
    assert.equal(summary.accepted, 10)
  } finally {
    spawnSync('umount', [disk])
  }
})
