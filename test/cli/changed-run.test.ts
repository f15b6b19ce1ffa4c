import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { directoryOf, KEY, OPENS, replay, replayed, textOf, unlimited, write } from './upload-harness.ts'

/** A command that goes on with a run, and asks for something else than the run was begun with (state/README.md §5). */

const emulator = await startEmulator(unlimited)
after(() => emulator.close())
const { url } = emulator

const MAPPING = 'prefix: "[A] "\n'
const original = directoryOf({ [OPENS]: textOf(records(20)), 'mapping.yaml': MAPPING })
const mapped = ['--mapping', 'mapping.yaml']
await replayed(0, { cwd: original, url, words: ['--limit', '10', ...mapped] })

/** A run that was stopped after 10 of its 20 records. */
function begun(): string {
  const cwd = temporaryDirectory()
  cpSync(original, cwd, { recursive: true })
  return cwd
}

describe('is refused, with both values and the ways out', () => {
  const { requests } = emulator.stats()
  for (const [what, words, message] of [
    ['--include', ['--include', '*Open'], /--include: was not given, now \*Open\n/],
    ['--exclude', ['--exclude', '*Click,*Send'], /--exclude: was not given, now \*Click,\*Send\n/],
    ['--since', ['--since', '2026-01-01'], /--since: was not given, now 2026-01-01T00:00:00\.000Z\n/],
    ['--until', ['--until', '2027-01-01'], /--until: was not given, now 2027-01-01T00:00:00\.000Z\n/],
    ['--event-type', ['--event-type', 'users.messages.email.Click'], /--event-type: was not given, now users\./],
    ['--format', ['--format', 'ndjson'], /--format: was not given, now ndjson\n/],
    ['--shard', ['--shard', '1/2'], /--shard: was not given, now 1\/2\n/],
    ['--no-dedupe', ['--no-dedupe'], /--no-dedupe: was not given, now given\n/],
    ['--skip-user-properties-sync', ['--skip-user-properties-sync'], /sync: was not given, now given\n/],
    ['--profile', ['--profile', 'enriched'], /the mapping \(hash\): was [0-9a-f]+, now [0-9a-f]+\n/],
    [
      'the destination',
      ['--endpoint', 'http://127.0.0.1:9'],
      /the destination: was http:\S+, now http:\/\/127\.0\.0\.1:9\n/,
    ],
  ] as const) {
    test(what, async () => {
      const run = await replay({ cwd: original, url, words: [...mapped, ...words] })
      assert.equal(run.code, 2, run.stderr)
      assert.match(run.stderr, message)
      assert.match(run.stderr, /--state DIR.*--fresh.*--accept-changes/)
      assert.deepEqual(emulator.stats().requests, requests)
    })
  }

  test('the key, by its fingerprint', async () => {
    const env = { AMPLITUDE_API_KEY: 'another-secret' }
    const run = await replay({ cwd: original, url, words: mapped, env })
    assert.equal(run.code, 2, run.stderr)
    assert.match(run.stderr, /the API key \(fingerprint\): was [0-9a-f]{12}, now [0-9a-f]{12}\n/)
    assert.ok(!run.stderr.includes('secret') && !run.stderr.includes(KEY.AMPLITUDE_API_KEY))
  })
})

test('a mapping that was corrected is refused, until --accept-changes takes it for what is not settled', async () => {
  const cwd = begun()
  write(cwd, 'mapping.yaml', 'prefix: "[B] "\n')
  const refused = await replay({ cwd, url, words: mapped })
  assert.equal(refused.code, 2, refused.stderr)
  assert.match(refused.stderr, /the mapping \(hash\): was/)
  const { summary } = await replayed(0, { cwd, url, words: [...mapped, '--accept-changes'] })
  assert.deepEqual([summary.read, summary.accepted, summary.resumed], [20, 20, true])
  const again = await replayed(0, { cwd, url, words: mapped })
  assert.match(again.stderr, /nothing new/, 'the new mapping is the run’s own now')
})

test('a mapping that was written otherwise and means the same is the same', async () => {
  const cwd = begun()
  write(cwd, 'other.yaml', `# the same\n${MAPPING}`)
  await replayed(0, { cwd, url, words: ['--mapping', 'other.yaml'] })
})

test('a filter that was accepted holds for what is not settled', async () => {
  const cwd = begun()
  const words = [...mapped, '--exclude', '*Open', '--accept-changes']
  const { summary } = await replayed(0, { cwd, url, words })
  assert.deepEqual([summary.accepted, summary.skipped.by_reason], [10, { filtered: 10 }])
})

test('API, rates, limit and output change freely', async () => {
  const cwd = begun()
  const free = ['--api', 'batch', '--device-eps', '200', '--max-eps', '500', '--max-rps', '50', '--batch-size', '3']
  const words = [...mapped, ...free, '--limit', '5', '--concurrency', '2', '--gzip', '--summary', 'summary.json']
  const first = await replayed(0, { cwd, url, words })
  assert.deepEqual([first.summary.read, first.summary.stopped], [15, 'limit'])
  const last = await replayed(0, { cwd, url, words: [...mapped, '--max-errors', '5'] })
  assert.deepEqual([last.summary.read, last.summary.accepted, last.summary.pending], [20, 20, 0])
})
