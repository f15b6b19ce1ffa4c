import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startEmulator } from '../../src/emulator/server.ts'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { start } from '../emulator/harness.ts'
import { avro } from '../shapes/avro.ts'
import { csv } from '../shapes/csv.ts'
import type { StoredRecord } from '../shapes/records.ts'
import { records } from '../upload/harness.ts'
import { startScripted } from '../upload/scripted-server.ts'
import {
  checkpointIn,
  deadLettersIn,
  directoryOf,
  exportsOf,
  figuresOf,
  KEY,
  killed,
  OPENS,
  replay,
  replayed,
  silentAfter,
  slowly,
  stopped,
  summaryIn,
  textOf,
  unlimited,
  write,
} from './upload-harness.ts'

/** Runs that are stopped and go on (state/README.md §3). */

const emulator = await startEmulator(unlimited)
after(() => emulator.close())
const { url } = emulator

describe('a duplicate pair across a kill', () => {
  // The pair is in two files, so that the kill can be between its members.
  const first = records(20)
  const pair = [first[5] as string, ...records(10, (i) => ({ id: `second${i}` }))]

  test('is found when the first was settled, and what was in flight is no duplicate', async (t) => {
    const server = await startScripted(t, silentAfter(2))
    const cwd = exportsOf(first)
    const words = slowly(8)
    await killed(({ counts }) => counts.accepted === 16 && server.requests.length === 3, {
      cwd,
      url: server.url,
      words,
    })
    write(cwd, OPENS.replace('Open.', 'Open.z.'), textOf(pair))
    const { summary } = await replayed(0, { cwd, url, words: ['--accept-changes'] })
    assert.deepEqual(
      [summary.read, summary.accepted, summary.skipped.by_reason, summary.pending],
      [31, 30, { duplicate: 1 }, 0],
    )
  })
})

describe('an input that is stopped in the middle and goes on ends with the same figures', () => {
  const OPEN = 'users.messages.email.Open'
  const entry = entryOf(OPEN)
  const random = randomOf(1)
  const good = Array.from({ length: 300 }, (_, i) => {
    const identity = i % 50 === 9 ? { external_user_id: null, device_id: null } : { external_user_id: `user-${i % 40}` }
    return { ...recordOf(entry, random, i % 50 === 7 ? i - 1 : i, 0), id: `r${i % 50 === 7 ? i - 1 : i}`, ...identity }
  }) as readonly StoredRecord[]
  const lines = good.map((record, i) => (i % 60 === 33 ? '{"id":"broken' : JSON.stringify(record)))
  const json = good.map((record) => JSON.stringify(record))

  for (const [name, path, content] of [
    ['NDJSON', `${OPEN}.ndjson`, textOf(lines)],
    ['gzip', `${OPEN}.ndjson.gz`, gzipSync(textOf(lines))],
    ['CSV', `${OPEN}.csv`, csv({ entry, records: good })],
    ['Avro', `${OPEN}.avro`, avro({ entry, records: good }, 'deflate', 7)],
    ['a JSON array', `${OPEN}.json`, `[${json.join(',\n')}]`],
    ['an envelope', `${OPEN}.json`, `{"events":[${json.join(',')}]}`],
  ] as const) {
    test(name, async (t) => {
      const slow = await start(t, { ...unlimited, latencyMs: [10, 30] })
      const cwd = directoryOf({ [`exports/${path}`]: content })
      const uninterrupted = await replay({ cwd, url: slow.url, words: ['--state', 'uninterrupted'] })
      const { accepted, unique } = slow.stats()
      const isTime = () => slow.stats().accepted >= accepted + 40
      const run = await stopped('SIGINT', isTime, { cwd, url: slow.url, words: slowly(8) })
      assert.equal(run.code, 130, run.stderr)
      const stoppedAt = slow.stats().accepted
      const { code, stdout, stderr } = await replay({ cwd, url: slow.url })
      assert.equal(code, uninterrupted.code, stderr)
      assert.deepEqual(figuresOf(summaryIn(stdout)), figuresOf(summaryIn(uninterrupted.stdout)))
      assert.equal(summaryIn(stdout).resumed, true)
      const places = (state?: string) => deadLettersIn(cwd, state).map(({ reason, source }) => [reason, source])
      assert.deepEqual(places(), places('uninterrupted'))
      assert.ok(stoppedAt < accepted * 2, 'it was not stopped in the middle')
      assert.deepEqual([slow.stats().accepted, slow.stats().unique], [accepted * 2, unique])
    })
  }
})

describe('a file that is not what it was when the run was stopped', () => {
  const begin = async () => {
    const cwd = exportsOf(records(40))
    await replayed(0, { cwd, url, words: ['--limit', '20'] })
    return cwd
  }

  test('and grew is read to its new end', async () => {
    const cwd = await begin()
    appendFileSync(join(cwd, OPENS), textOf(records(5, (i) => ({ id: `grown${i}` }))))
    const { summary } = await replayed(0, { cwd, url })
    assert.deepEqual([summary.read, summary.accepted], [45, 45])
  })

  for (const [name, change, message] of [
    [
      'shrank',
      (cwd: string) => write(cwd, OPENS, textOf(records(10))),
      /Open\.ndjson (is shorter than it was|has changed|holds fewer)/,
    ],
    ['changed', (cwd: string) => write(cwd, OPENS, textOf(records(40, () => ({ x: 1 })))), /Open\.ndjson has changed/],
    [
      'vanished',
      (cwd: string) => rmSync(join(cwd, OPENS)),
      /Open\.ndjson was being read and cannot be read now: ENOENT/,
    ],
  ] as const) {
    test(`and ${name} is refused`, async () => {
      const cwd = await begin()
      write(cwd, 'exports/another.ndjson', '')
      change(cwd)
      const { total } = emulator.stats().requests
      const before = checkpointIn(cwd)
      const run = await replay({ cwd, url })
      assert.equal(run.code, 2, run.stderr)
      assert.match(run.stderr, message)
      assert.match(run.stderr, /--fresh begins anew/)
      assert.equal(emulator.stats().requests.total, total)
      assert.deepEqual(checkpointIn(cwd), before)
    })
  }
})

test('--limit ends an invocation, also within a chunk, and the next goes on', async () => {
  const cwd = exportsOf([...records(30).slice(0, 12), '{"id":"broken', ...records(30).slice(12)])
  const read: number[] = []
  for (const [words, code] of [
    [['--limit', '7'], 0],
    [['--limit', '10'], 3],
    [['--limit', '1'], 3],
    [[], 3],
  ] as const) {
    const { summary } = await replayed(code, { cwd, url, words })
    assert.deepEqual([summary.resumed, summary.stopped], [read.length > 0, words.length > 0 ? 'limit' : null])
    assert.equal(summary.pending, 0)
    read.push(summary.read)
  }
  assert.deepEqual(read, [7, 17, 18, 31])
  assert.equal(deadLettersIn(cwd).length, 1)
})

describe('signals', () => {
  test('a second SIGINT ends it at once, and it goes on', async (t) => {
    const server = await startScripted(t, silentAfter(2))
    const cwd = exportsOf(records(60))
    const words = slowly(10)
    let signalled = false
    const isTime = () => {
      if (server.requests.length < 3) return false
      if (!signalled) {
        const { pid } = JSON.parse(readFileSync(join(cwd, '.braze2amp', 'lock'), 'utf8'))
        process.kill(pid, 'SIGINT')
        signalled = true
        return false
      }
      return true
    }
    const first = await stopped('SIGINT', () => isTime() && signalled, { cwd, url: server.url, words })
    assert.ok(first.signal === 'SIGINT' || first.code === 130, `${first.code} ${first.signal}`)
    const { summary } = await replayed(0, { cwd, url, words: ['--accept-changes'] })
    assert.deepEqual([summary.read, summary.accepted, summary.pending], [60, 60, 0])
  })

  test('SIGTERM exits 143, with a summary, and it goes on', async (t) => {
    const slow = await start(t, { ...unlimited, latencyMs: [20, 20] })
    const cwd = exportsOf(records(200))
    const words = [...slowly(10), '--summary', 'summary.json']
    const run = await stopped('SIGTERM', () => slow.stats().accepted >= 30, { cwd, url: slow.url, words })
    assert.equal(run.code, 143, run.stderr)
    const { exit_code, stopped: why } = summaryIn(readFileSync(join(cwd, 'summary.json'), 'utf8'))
    assert.deepEqual([exit_code, why], [143, 'signal'])
    const { summary } = await replayed(0, { cwd, url: slow.url })
    assert.deepEqual([summary.accepted, slow.stats().duplicates], [200, 0])
  })
})

test('a refused key exits 4; the same key goes on when it is accepted, another one is another run', async (t) => {
  let isAccepted = false
  const server = await startScripted(t, ({ events }) =>
    isAccepted
      ? {
          status: 200,
          body: { code: 200, events_ingested: events.length, payload_size_bytes: 1, server_upload_time: 1 },
        }
      : { status: 401, body: { code: 401, error: 'Invalid API key: secret+key/9' } },
  )
  const cwd = exportsOf(records(30))
  const refused = await replayed(4, { cwd, url: server.url })
  assert.deepEqual([refused.summary.accepted, refused.summary.stopped], [0, 'refused'])
  assert.ok(!refused.stderr.includes(KEY.AMPLITUDE_API_KEY))
  isAccepted = true
  const other = await replay({ cwd, url: server.url, env: { AMPLITUDE_API_KEY: 'another' } })
  assert.equal(other.code, 2, other.stderr)
  assert.match(other.stderr, /the API key \(fingerprint\): was/)
  const { summary } = await replayed(0, { cwd, url: server.url })
  assert.deepEqual([summary.read, summary.accepted, summary.resumed], [30, 30, true])
})

test('an input that was begun and is left out is said, stays as it is, and goes on later', async () => {
  const cwd = exportsOf(records(40))
  await replayed(0, { cwd, url, words: ['--limit', '20'] })
  write(cwd, 'other/users.messages.email.Click.ndjson', textOf(records(5, (i) => ({ id: `other${i}` }))))
  const other = await replayed(0, { cwd, url, paths: ['other'] })
  assert.match(other.stderr, /exports\/.*Open\.ndjson was begun and is not among the paths/)
  assert.equal(other.summary.read, 25)
  assert.equal(checkpointIn(cwd).complete, false)
  const { summary } = await replayed(0, { cwd, url, paths: ['exports', 'other'] })
  assert.deepEqual([summary.read, summary.accepted], [45, 45])
  assert.equal(checkpointIn(cwd).complete, true)
})

test('10,000 small files are resumed after a kill, and the checkpoint stays small', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [
      `exports/date=2026-01-${String((i % 28) + 1).padStart(2, '0')}/users.messages.email.Open.${i}.ndjson`,
      `{"id":"f${i}","external_user_id":"u${i % 3000}","time":1767225600}\n`,
    ]),
  )
  const cwd = directoryOf(files)
  const { unique } = emulator.stats()
  const words = ['--max-eps', '2500']
  await killed(({ counts }) => counts.accepted >= 1000, { cwd, url, words })
  const { summary } = await replayed(0, { cwd, url })
  assert.deepEqual([summary.read, summary.accepted, summary.skipped.total], [10_000, 10_000, 0])
  assert.equal(emulator.stats().unique, unique + 10_000)
  assert.ok(statSync(join(cwd, '.braze2amp', 'checkpoint.json')).size < 4096)
  assert.ok(existsSync(join(cwd, '.braze2amp', 'files.ndjson')))
})
