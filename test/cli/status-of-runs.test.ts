import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import type { Summary } from '../../src/report/summary.ts'
import { start } from '../emulator/harness.ts'
import { braze2amp, temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { exportsOf, figuresOf, replayed, slowly, stopped, summaryIn, unlimited } from './upload-harness.ts'

/** Where a run stands, from its files alone. */

const emulator = await startEmulator(unlimited)
after(() => emulator.close())
const { url } = emulator

const status = (cwd: string, words: readonly string[] = []) => braze2amp(['status', ...words], { cwd })

describe('status', () => {
  test('of a run that ended shows its books, and with --json the fields of its summary', async () => {
    const cwd = exportsOf([...records(20), '{"id":"broken'])
    const { summary } = await replayed(3, { cwd, url })
    const shown = await status(cwd)
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(shown.stdout, /21 records read/)
    assert.match(shown.stdout, /state +complete, as of 20/)
    assert.match(shown.stdout, /dead letters in \.braze2amp\/dead-letters\.ndjson/)
    const json = await status(cwd, ['--json'])
    assert.equal(json.code, 0)
    assert.equal(json.stdout.trimEnd().split('\n').length, 1)
    const found: Summary = summaryIn(json.stdout)
    assert.deepEqual(figuresOf(found), figuresOf(summary))
    assert.deepEqual(Object.keys(found), Object.keys(summary))
    assert.deepEqual(found.requests, summary.requests)
  })

  test('of a run that goes on names its process; of one that was killed that answers are missing', async (t) => {
    const slow = await start(t, { ...unlimited, latencyMs: [100, 100] })
    const cwd = exportsOf(records(200))
    let during: Awaited<ReturnType<typeof status>> | null = null
    let asking = false
    await stopped(
      'SIGKILL',
      () => {
        if (slow.stats().accepted > 0 && !asking) {
          asking = true
          void status(cwd).then((finished) => {
            during = finished
          })
        }
        return during !== null
      },
      { cwd, url: slow.url, words: slowly(1) },
    )
    const { code, stdout } = during as unknown as Awaited<ReturnType<typeof status>>
    assert.equal(code, 0)
    assert.match(stdout, /state +in use by process \d+ on /)
    const later = await status(cwd)
    assert.equal(later.code, 0, later.stderr)
    assert.match(later.stdout, /state +ended before all answers came, can be resumed, as of 20/)
  })

  test('adds up several directories', async () => {
    const cwd = exportsOf(records(60))
    for (const shard of ['1', '2']) {
      await replayed(0, { cwd, url, words: ['--shard', `${shard}/2`, '--state', `state-${shard}`] })
    }
    const shown = await status(cwd, ['state-1', 'state-2'])
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(shown.stdout, /shard 1\/2[\s\S]*shard 2\/2[\s\S]*All 2: 60 records read/)
    const { read, accepted } = summaryIn((await status(cwd, ['state-1', 'state-2', '--json'])).stdout)
    assert.deepEqual([read, accepted], [60, 60])
  })

  test('without a run exits 2', async () => {
    const run = await status(temporaryDirectory())
    assert.equal(run.code, 2)
    assert.match(run.stderr, /there is no run in \.braze2amp\n/)
  })
})
