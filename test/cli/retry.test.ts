import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { braze2amp } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { ok, startScripted } from '../upload/scripted-server.ts'
import {
  checkpointIn,
  deadLettersIn,
  directoryOf,
  exportsOf,
  KEY,
  replayed,
  runUntil,
  slowly,
  summaryIn,
  textOf,
  unlimited,
} from './upload-harness.ts'

/** Dead letters that are sent again (state/README.md §8). */

const emulator = await startEmulator(unlimited)
after(() => emulator.close())

/** Refuses every event until it is told to accept them; then answers a request at a time, slowly. */
async function fickle(t: TestContext) {
  let accepts = false
  const server = await startScripted(t, ({ events }) =>
    accepts
      ? ok(events)
      : { status: 400, body: { code: 400, error: 'bad', events_with_invalid_fields: { time: [...events.keys()] } } },
  )
  return {
    ...server,
    accept() {
      accepts = true
    },
  }
}

function retry(cwd: string, words: readonly string[] = []) {
  return braze2amp(['retry', '--json', '--no-progress', ...words], { cwd, env: KEY })
}

const letterPath = (cwd: string) => join(cwd, '.braze2amp', 'dead-letters.ndjson')

describe('retry', () => {
  test('sends all letters; read stays what it was, and none is left', async (t) => {
    const server = await fickle(t)
    const cwd = exportsOf(records(30))
    const { summary } = await replayed(3, { cwd, url: server.url })
    assert.deepEqual([summary.read, summary.rejected.by_reason], [30, { invalid_event: 30 }])
    const again = await retry(cwd)
    assert.equal(again.code, 3, 'refused once more')
    assert.deepEqual([summaryIn(again.stdout).read, deadLettersIn(cwd).length], [30, 30])
    server.accept()
    const run = await retry(cwd)
    assert.equal(run.code, 0, run.stderr)
    const last = summaryIn(run.stdout)
    assert.deepEqual([last.read, last.accepted, last.rejected, last.pending], [30, 30, { total: 0, by_reason: {} }, 0])
    assert.deepEqual(last.by_event_type['users.messages.email.Open'], {
      read: 30,
      accepted: 30,
      rejected: 0,
      skipped: 0,
      pending: 0,
    })
    assert.ok(!existsSync(letterPath(cwd)) || statSync(letterPath(cwd)).size === 0)
    assert.ok(!existsSync(join(cwd, '.braze2amp', 'retrying.ndjson')))
    assert.equal(checkpointIn(cwd).complete, true)
    assert.match((await replayed(0, { cwd, url: server.url })).stderr, /nothing new/)
  })

  test('--reason leaves the others, and exits 3 for them', async (t) => {
    const server = await fickle(t)
    const cwd = exportsOf([...records(10), '{"id":"broken', '{"id":"too'])
    await replayed(3, { cwd, url: server.url })
    server.accept()
    const run = await retry(cwd, ['--reason', 'invalid_event'])
    assert.equal(run.code, 3, run.stderr)
    const { read, accepted, rejected } = summaryIn(run.stdout)
    assert.deepEqual([read, accepted, rejected.by_reason], [12, 10, { malformed: 2 }])
    assert.deepEqual(
      deadLettersIn(cwd).map(({ reason }) => reason),
      ['malformed', 'malformed'],
    )
    const none = await retry(cwd, ['--reason', 'forbidden'])
    assert.equal(none.code, 3, none.stderr)
    assert.deepEqual(deadLettersIn(cwd).length, 2)
  })

  test('with nothing to do says so and exits 0; without a run exits 2', async () => {
    const cwd = exportsOf(records(3))
    assert.equal((await retry(cwd)).code, 2)
    await replayed(0, { cwd, url: emulator.url })
    const run = await retry(cwd)
    assert.equal(run.code, 0, run.stderr)
    assert.match(run.stderr, /there are no dead letters/)
  })

  test('of a run that has not ended leaves its inputs alone, and they go on', async (t) => {
    const server = await fickle(t)
    const cwd = exportsOf(records(30))
    await replayed(3, { cwd, url: server.url, words: ['--limit', '10'] })
    server.accept()
    const run = await retry(cwd)
    assert.equal(run.code, 0, run.stderr)
    assert.deepEqual([summaryIn(run.stdout).read, summaryIn(run.stdout).accepted], [10, 10])
    assert.equal(checkpointIn(cwd).complete, false)
    const { summary } = await replayed(0, { cwd, url: server.url })
    assert.deepEqual([summary.read, summary.accepted], [30, 30])
  })

  test('of a run that ended at the end of a file does not make it complete', async (t) => {
    const server = await fickle(t)
    const cwd = directoryOf({
      'exports/a/users.messages.email.Open.ndjson': textOf(records(10)),
      'exports/b/users.messages.email.Open.ndjson': textOf(records(30).slice(10)),
    })
    await replayed(3, { cwd, url: server.url, words: ['--limit', '10'] })
    server.accept()
    await retry(cwd)
    assert.equal(checkpointIn(cwd).complete, false)
    const { summary } = await replayed(0, { cwd, url: server.url })
    assert.deepEqual([summary.read, summary.accepted, checkpointIn(cwd).complete], [30, 30, true])
  })

  test('of a shard takes all letters of that shard', async (t) => {
    const server = await fickle(t)
    const cwd = exportsOf(records(60))
    const words = ['--shard', '2/3']
    const { summary } = await replayed(3, { cwd, url: server.url, words })
    assert.ok(summary.read > 5 && summary.read < 40)
    server.accept()
    const run = await retry(cwd)
    assert.equal(run.code, 0, run.stderr)
    assert.deepEqual([summaryIn(run.stdout).read, summaryIn(run.stdout).accepted], [summary.read, summary.read])
    assert.equal(new Set(server.accepted).size, summary.read)
  })

  test('killed again and again: every letter exactly once in the books, read unchanged', async (t) => {
    const server = await fickle(t)
    const cwd = exportsOf([...records(120), '{"id":"broken'])
    await replayed(3, { cwd, url: server.url })
    server.accept()
    const words = ['retry', '--json', '--no-progress', ...slowly(3), '--max-rps', '8']
    for (let kill = 0; kill < 4; kill++) {
      const before = server.requests.length
      // Some die before their first checkpoint, some in the middle.
      const isTime = () =>
        kill === 0
          ? existsSync(join(cwd, '.braze2amp', 'retrying.ndjson'))
          : server.requests.length >= before + 2 * kill
      await runUntil('SIGKILL', isTime, words, { cwd })
    }
    const run = await retry(cwd)
    assert.equal(run.code, 3, run.stderr)
    const { read, accepted, rejected } = summaryIn(run.stdout)
    assert.deepEqual([read, accepted, rejected.by_reason], [121, 120, { malformed: 1 }])
    assert.equal(new Set(server.accepted).size, 120)
    assert.equal(deadLettersIn(cwd).length, 1)
    assert.equal(readFileSync(letterPath(cwd), 'utf8').trimEnd().split('\n').length, 1)
  })
})
