import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { claimState, moveAside } from '../../src/state/claim.ts'
import { diskFileSystem } from '../../src/state/file-system.ts'
import { systemProcesses } from '../../src/state/processes.ts'
import { temporaryDirectory } from '../harness.ts'
import { CHECKPOINT } from '../state/checkpoints.ts'
import { crashAt, PASS, withFaults } from './faults.ts'

/** `--fresh` that is killed while it moves a state aside, with a file of somebody else in the directory (`moveAside`). */

const LOGS = ['dead-letters.ndjson', 'seen-a.bin']

function stateOfRun(): string {
  const directory = temporaryDirectory()
  const logs = { 'dead-letters.ndjson': 3, 'seen-a.bin': 9 }
  writeFileSync(join(directory, 'checkpoint.json'), JSON.stringify({ ...CHECKPOINT, open: [], lanes: [], logs }))
  writeFileSync(join(directory, 'dead-letters.ndjson'), '{}\n')
  writeFileSync(join(directory, 'seen-a.bin'), 'SEEN\x01\0\0\0 ')
  mkdirSync(join(directory, 'lanes'))
  writeFileSync(join(directory, 'notes.txt'), 'mine')
  return directory
}

const claimed = async (directory: string) => {
  const claim = await claimState({
    fileSystem: diskFileSystem,
    directory,
    clock: systemClock,
    processes: systemProcesses,
    tell: () => {},
    isFresh: true,
    signal: new AbortController().signal,
  })
  await claim.lock?.release()
  return claim
}

test('killed at any call, it leaves all of a run, or what says that its checkpoint is gone, or a run that begins', async () => {
  const whole = withFaults(diskFileSystem, () => PASS)
  await moveAside(whole.fileSystem, stateOfRun(), 0)
  const found = new Set<string>()
  for (const { number } of whole.calls) {
    const directory = stateOfRun()
    await moveAside(withFaults(diskFileSystem, crashAt(number, 'before')).fileSystem, directory, 0).catch(() => {})
    const { saved, damage } = await claimed(directory)
    const left = readdirSync(directory).filter((name) => LOGS.includes(name))
    if (saved !== null) {
      found.add('all')
      assert.deepEqual([left.length, damage], [LOGS.length, null])
    } else {
      found.add(damage === null ? 'begins' : 'gone')
      assert.equal(damage === null, left.length === 0)
    }
    await moveAside(diskFileSystem, directory, 1)
    const { saved: before, damage: trouble } = await claimed(directory)
    assert.deepEqual([before, trouble], [null, null])
  }
  assert.deepEqual([...found].sort(), ['all', 'begins', 'gone'])
})
