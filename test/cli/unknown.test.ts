import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { start } from '../emulator/harness.ts'
import { temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { startScripted } from '../upload/scripted-server.ts'
import {
  checkpointIn,
  deadLettersIn,
  editCheckpoint,
  exportsOf,
  killed,
  OPENS,
  replay,
  replayed,
  silentAfter,
  slowly,
  textOf,
  unlimited,
  write,
} from './upload-harness.ts'

/** Events that may or may not have been accepted when a process was killed (state/README.md §3). */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

interface KilledRun {
  readonly cwd: string
  /** insert_ids that Amplitude was sent, the last ten without an answer. */
  readonly sent: readonly string[]
}

/** A run of 40 records that is killed with 20 accepted, and 10 without an answer. */
async function killOne(): Promise<KilledRun> {
  const server = await startScripted({ after }, silentAfter(2))
  const cwd = exportsOf(records(40))
  await killed(({ counts }) => counts.accepted === 20 && server.requests.length === 3, {
    cwd,
    url: server.url,
    words: slowly(10),
  })
  return { cwd, sent: server.requests.flatMap(({ events }) => events.map(({ insert_id }) => insert_id)) }
}

const original = await killOne()

/** A copy for each test. */
function killedInTheMiddle(): KilledRun {
  const cwd = temporaryDirectory()
  cpSync(original.cwd, cwd, { recursive: true })
  return { ...original, cwd }
}

function age(cwd: string, days: number): void {
  editCheckpoint(cwd, (checkpoint) => {
    checkpoint.savedAt = Date.now() - days * DAY_MS
  })
}

test('what is unknown is sent again at once when that is safe, with the same insert_id', async (t) => {
  const { cwd, sent } = killedInTheMiddle()
  const server = await startScripted(t, silentAfter(Number.POSITIVE_INFINITY))
  const { summary } = await replayed(0, { cwd, url: server.url, words: ['--accept-changes'] })
  assert.deepEqual([summary.accepted, summary.read, summary.resumed], [40, 40, true])
  assert.equal(server.accepted.length, 20)
  for (const id of sent.slice(20)) assert.ok(server.accepted.includes(id))
})

describe('a run that was killed 8 days ago', () => {
  for (const [name, savedAt] of [
    ['in ms', Date.now() - 8 * DAY_MS],
    ['as RFC 3339', new Date(Date.now() - 8 * DAY_MS).toISOString()],
  ] as const) {
    test(`asks, and sends nothing (time ${name})`, async (t) => {
      const { cwd } = killedInTheMiddle()
      editCheckpoint(cwd, (checkpoint) => {
        checkpoint.savedAt = savedAt
      })
      const emulator = await start(t, unlimited)
      const before = checkpointIn(cwd)
      const run = await replay({ cwd, url: emulator.url, words: ['--accept-changes'] })
      assert.equal(run.code, 2, run.stderr)
      assert.match(
        run.stderr,
        /more than 6 days ago[\s\S]*nothing was sent[\s\S]*--unknown resend[\s\S]*--unknown dead-letter/,
      )
      assert.equal(emulator.stats().requests.total, 0)
      assert.deepEqual(checkpointIn(cwd), before)
    })
  }

  test('--unknown resend sends it again, with the same insert_id', async (t) => {
    const { cwd, sent } = killedInTheMiddle()
    age(cwd, 8)
    const server = await startScripted(t, silentAfter(Number.POSITIVE_INFINITY))
    const words = ['--accept-changes', '--unknown', 'resend']
    const { summary } = await replayed(0, { cwd, url: server.url, words })
    assert.equal(summary.accepted, 40)
    for (const id of sent.slice(20)) assert.ok(server.accepted.includes(id))
  })

  test('--unknown dead-letter puts exactly what may have been sent to the dead letters, and sends the rest', async (t) => {
    const { cwd, sent } = killedInTheMiddle()
    age(cwd, 8)
    const later = OPENS.replace('Open.', 'Open.z.')
    write(cwd, later, textOf(records(5, (i) => ({ id: `later${i}` }))))
    const emulator = await start(t, unlimited)
    const words = ['--accept-changes', '--unknown', 'dead-letter']
    const { summary } = await replayed(3, { cwd, url: emulator.url, words })
    assert.deepEqual(
      [summary.read, summary.accepted, summary.rejected.by_reason, summary.pending],
      [45, 25, { outcome_unknown: 20 }, 0],
    )
    const letters = deadLettersIn(cwd)
    assert.equal(letters.length, 20)
    for (const { reason, record, event, source } of letters) {
      assert.deepEqual([reason, source.file], ['outcome_unknown', OPENS])
      assert.ok(typeof record === 'object' && record.id === event?.insert_id)
      assert.ok(!sent.slice(0, 20).includes(record.id), 'an event that was accepted is not unknown')
    }
    const again = await replayed(3, { cwd, url: emulator.url })
    assert.equal(again.summary.rejected.total, 20)
  })

  test('is what a gateway took that answers 202, and the state does not say clean', async (t) => {
    const server = await startScripted(t, () => ({ status: 202, body: 'queued' }))
    const cwd = exportsOf(records(5))
    const run = await replayed(4, { cwd, url: server.url })
    assert.match(run.stderr, /what answers is not Amplitude: status 202, queued/)
    assert.equal(run.summary.pending, 5)
    assert.equal(checkpointIn(cwd).clean, false)
  })

  test('asks nothing when every answer had come', async (t) => {
    const emulator = await start(t, unlimited)
    const cwd = exportsOf(records(40))
    await replayed(0, { cwd, url: emulator.url, words: ['--limit', '20'] })
    assert.equal(checkpointIn(cwd).clean, true)
    age(cwd, 8)
    const { summary } = await replayed(0, { cwd, url: emulator.url })
    assert.deepEqual([summary.accepted, emulator.stats().duplicates], [40, 0])
  })
})

test('a clock that is up to ten minutes behind the checkpoint asks nothing', async (t) => {
  const { cwd } = killedInTheMiddle()
  age(cwd, (-9 * MINUTE_MS) / DAY_MS)
  const emulator = await start(t, unlimited)
  assert.equal((await replayed(0, { cwd, url: emulator.url, words: ['--accept-changes'] })).summary.accepted, 40)
})

test('a clock that is behind the checkpoint by more asks', async (t) => {
  const { cwd } = killedInTheMiddle()
  // The time that the command takes to start is not ours to know.
  age(cwd, (20 * MINUTE_MS) / -DAY_MS)
  const emulator = await start(t, unlimited)
  const run = await replay({ cwd, url: emulator.url, words: ['--accept-changes'] })
  assert.equal(run.code, 2, run.stderr)
  assert.match(run.stderr, /clock[\s\S]*--unknown resend/)
  assert.equal(emulator.stats().requests.total, 0)
  const words = ['--accept-changes', '--unknown', 'resend']
  assert.equal((await replayed(0, { cwd, url: emulator.url, words })).summary.accepted, 40)
})

test('the age counts from the first kill, also when the resumed run is killed in its turn', async (t) => {
  const { cwd } = killedInTheMiddle()
  age(cwd, 5)
  const first = checkpointIn(cwd).savedAt
  const server = await startScripted(t, silentAfter(0))
  const words = [...slowly(10), '--accept-changes']
  await killed(({ savedAt }) => savedAt !== first && server.requests.length === 1, { cwd, url: server.url, words })
  assert.equal(checkpointIn(cwd).unknownSince, first)
  editCheckpoint(cwd, (checkpoint) => {
    checkpoint.savedAt = Date.now() - 3 * DAY_MS
    checkpoint.unknownSince = Date.now() - 8 * DAY_MS
  })
  const run = await replay({ cwd, url: server.url, words })
  assert.equal(run.code, 2, run.stderr)
  assert.match(run.stderr, /more than 6 days ago/)
})

test('an input that is left out keeps what is unknown of it', async (t) => {
  const { cwd } = killedInTheMiddle()
  write(cwd, 'other/users.messages.email.Click.ndjson', textOf(records(3, (i) => ({ id: `other${i}` }))))
  const emulator = await start(t, unlimited)
  const other = await replayed(0, { cwd, url: emulator.url, paths: ['other'], words: ['--accept-changes'] })
  assert.match(other.stderr, /Open\.ndjson was begun and is not among the paths/)
  age(cwd, 3)
  editCheckpoint(cwd, (checkpoint) => {
    checkpoint.unknownSince = Date.now() - 8 * DAY_MS
  })
  assert.equal((await replay({ cwd, url: emulator.url, paths: ['exports', 'other'] })).code, 2)
  const words = ['--unknown', 'resend']
  const { summary } = await replayed(0, { cwd, url: emulator.url, paths: ['exports', 'other'], words })
  assert.deepEqual([summary.accepted, emulator.stats().unique], [43, 23])
})
