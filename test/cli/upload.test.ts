import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { start } from '../emulator/harness.ts'
import { BINARY, braze2amp } from '../harness.ts'
import { lettersIn, records } from '../upload/harness.ts'
import { startScripted } from '../upload/scripted-server.ts'
import { exportsOf, KEY, summaryIn, unlimited } from './upload-harness.ts'

/** The real binary against the real emulator. */

/** `count` records, every 10th broken, twice there, or without identity; and how many unique events they hold. */
function dirty(count: number): { readonly lines: readonly string[]; readonly unique: number } {
  const good = records(count, (i) => ({ external_user_id: `user-${i % 6000}` }))
  const lines = good.map((line, i) => {
    if (i % 30 === 10) return '{"id":"broken'
    if (i % 30 === 20) return JSON.stringify({ id: `n${i}`, time: 1_767_225_600 })
    if (i % 30 === 29) return good[i - 1] ?? ''
    return line
  })
  return { lines, unique: (count / 30) * 27 }
}

test('30,000 dirty events: every unique event accepted once, the broken ones in the dead letters, exit 3', async (t) => {
  const emulator = await start(t, unlimited)
  const { lines, unique } = dirty(30_000)
  const cwd = exportsOf(lines)
  const run = await braze2amp(['replay', 'exports', '--endpoint', emulator.url, '--json'], { cwd, env: KEY })
  assert.equal(run.code, 3, run.stderr)
  const summary = summaryIn(run.stdout)
  assert.deepEqual(
    [summary.read, summary.accepted, summary.rejected.by_reason, summary.skipped.by_reason, summary.pending],
    [30_000, unique, { malformed: 1000 }, { no_identity: 1000, duplicate: 1000 }, 0],
  )
  assert.deepEqual([emulator.stats().unique, emulator.stats().duplicates], [unique, 0])
  assert.equal(summary.requests.total, emulator.stats().requests.total)
  assert.equal(summary.exit_code, 3)
  assert.ok(summary.efficiency !== null)

  const file = join(cwd, '.braze2amp', 'dead-letters.ndjson')
  assert.deepEqual([statSync(join(cwd, '.braze2amp')).mode & 0o777, statSync(file).mode & 0o777], [0o700, 0o600])
  const letters = lettersIn(file)
  assert.equal(letters.length, 1000)
  const { at, ...letter } = letters[0] as (typeof letters)[number]
  assert.deepEqual(letter, {
    reason: 'malformed',
    detail: 'invalid JSON: ends too early',
    status: null,
    source: { file: 'exports/users.messages.email.Open.ndjson', position: letter.source.position, line: 11 },
    event_type: 'users.messages.email.Open',
    record: '{"id":"broken',
    event: null,
  })
  assert.ok(at > 1_700_000_000_000)
  assert.match(run.stderr, /dead letters in \.braze2amp\/dead-letters\.ndjson; .*braze2amp retry sends them/)
  assert.ok(!`${run.stdout}${run.stderr}`.includes('secret'))
})

test('faults of every kind lose nothing, and double only what lost its answer', async (t) => {
  const emulator = await start(t, {
    ...unlimited,
    fail: [500, 502, 503].map((status) => ({ status, rate: 0.04 })),
    dropBefore: 0.04,
    dropAfter: 0.04,
    garbage: 0.04,
    latencyMs: [5, 60],
    seed: 11,
  })
  const cwd = exportsOf(records(12_000, (i) => ({ external_user_id: `user-${i % 4000}` })))
  const words = ['replay', 'exports', '--endpoint', emulator.url, '--json', '--batch-size', '250']
  const run = await braze2amp(words, { cwd, env: KEY })
  assert.equal(run.code, 0, run.stderr)
  const { accepted, requests } = summaryIn(run.stdout)
  const { unique, duplicates, unacknowledged } = emulator.stats()
  assert.deepEqual([accepted, unique], [12_000, 12_000])
  assert.ok(duplicates <= unacknowledged)
  assert.ok(requests.retries > 0)
})

describe('what stops a run', () => {
  test('a server that answers 400 to everything: exit 4, nothing in the dead letters', async (t) => {
    const server = await startScripted(t, () => ({ status: 400, body: '<html>Bad Request</html>' }))
    const cwd = exportsOf(records(10_000))
    const run = await braze2amp(['replay', 'exports', '--endpoint', server.url, '--json'], { cwd, env: KEY })
    assert.equal(run.code, 4, run.stderr)
    const { accepted, pending, rejected, stopped, exit_code } = summaryIn(run.stdout)
    assert.deepEqual([accepted, rejected.total, stopped, exit_code], [0, 0, 'refused', 4])
    assert.ok(pending > 0)
    assert.ok(!existsSync(join(cwd, '.braze2amp', 'dead-letters.ndjson')))
  })

  test('a refused key: exit 4, the key masked, nothing in the dead letters', async (t) => {
    const emulator = await start(t, { ...unlimited, apiKey: 'another' })
    const cwd = exportsOf(records(10_000))
    const run = await braze2amp(['replay', 'exports', '--endpoint', emulator.url, '--summary', 'summary.json'], {
      cwd,
      env: KEY,
    })
    assert.equal(run.code, 4, run.stderr)
    assert.match(run.stderr, /Invalid API key: \[key\]\n.*AMPLITUDE_API_KEY.*--accept-changes/)
    assert.ok(!`${run.stdout}${run.stderr}`.includes('secret'))
    assert.ok(emulator.stats().requests.total <= 4)
    assert.equal(summaryIn(readFileSync(join(cwd, 'summary.json'), 'utf8')).rejected.total, 0)
    assert.ok(!existsSync(join(cwd, '.braze2amp', 'dead-letters.ndjson')))
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    test(`${signal}: what is in flight is finished, exit ${code}`, async (t) => {
      const emulator = await start(t, { ...unlimited, latencyMs: [100, 100] })
      const cwd = exportsOf(records(5000))
      const words = [
        'replay',
        'exports',
        '--endpoint',
        emulator.url,
        '--json',
        '--batch-size',
        '10',
        '--concurrency',
        '2',
      ]
      const child = spawn(process.execPath, [BINARY, ...words], { cwd, env: { ...process.env, ...KEY } })
      let stdout = ''
      child.stdout.on('data', (text) => {
        stdout += text
      })
      while (emulator.stats().accepted < 50) await new Promise((resolve) => setTimeout(resolve, 20))
      child.kill(signal)
      const [exitCode] = await once(child, 'close')
      assert.equal(exitCode, code)
      const { accepted, pending, stopped, read } = summaryIn(stdout)
      assert.deepEqual([stopped, emulator.stats().unique], ['signal', accepted])
      assert.ok(pending > 0 && pending < read)
    })
  }

  test('too many rejected by Amplitude: --max-errors ends the run', async (t) => {
    const server = await startScripted(t, ({ events }) => ({
      status: 400,
      body: { code: 400, error: 'bad', events_with_invalid_fields: { time: [...events.keys()] } },
    }))
    const cwd = exportsOf(records(1000))
    const words = ['replay', 'exports', '--endpoint', server.url, '--json', '--max-errors', '20', '--batch-size', '50']
    const run = await braze2amp(words, { cwd, env: KEY })
    assert.equal(run.code, 4, run.stderr)
    const { rejected, stopped } = summaryIn(run.stdout)
    assert.equal(stopped, 'max_errors')
    assert.equal(rejected.total, lettersIn(join(cwd, '.braze2amp', 'dead-letters.ndjson')).length)
  })

  test('nobody there: exit 4 after --give-up-after, with the facts before', async () => {
    const cwd = exportsOf(records(10))
    const words = [
      'replay',
      'exports',
      '--endpoint',
      'https://amplitude.invalid',
      '--give-up-after',
      '10ms',
      '--until',
      '2027-01-01',
    ]
    const run = await braze2amp(words, { cwd, env: { ...KEY, HTTPS_PROXY: '', https_proxy: '' } })
    assert.equal(run.code, 4, run.stderr)
    assert.match(
      run.stderr,
      /About to send\n {2}to {8}https:\/\/amplitude\.invalid\/2\/httpapi \(HTTP V2\), project key [0-9a-f]{12}\n/,
    )
    assert.match(run.stderr, /events {4}\[Appboy\] Email Open\n/)
    assert.match(run.stderr, /personal .*email_address.*user_agent/)
    assert.match(run.stderr, /time {6}until 2027-01-01T/)
    assert.match(run.stderr, /Amplitude cannot delete what is sent\.\n[\s\S]*cannot be reached/)
    assert.doesNotMatch(run.stderr, /Without --until|secret/)
  })
})

describe('wrong use', () => {
  const cwd = exportsOf(records(1))
  for (const [name, words, message] of [
    ['--api-key', ['--api-key', 'secret-on-command-line'], /key on the command line.*\n.*--api-key-file/],
    ['--api-key=', ['--api-key=secret-on-command-line'], /key on the command line/],
    ['--api-key in a dry run', ['--dry-run', '--api-key', 'secret-on-command-line'], /key on the command line/],
    ['no key', ['--endpoint', 'http://127.0.0.1:9'], /no API key\n.*AMPLITUDE_API_KEY/],
    ['an empty key file', ['--api-key-file', '/dev/null'], /no API key in \/dev\/null/],
    ['plain http elsewhere', ['--endpoint', 'http://example.com'], /in the clear/],
    ['no URL', ['--endpoint', 'example'], /no URL/],
    ['a password in the URL', ['--endpoint', 'https://u:secret-on-command-line@x'], /no user or password/],
    ['too large a batch', ['--batch-size', '2000'], /more than Amplitude takes/],
    ['a duration without unit', ['--give-up-after', '30'], /with ms, s, m, h or d/],
    ['standard input twice', ['-', '--api-key-file', '-'], /both the key and the records/],
  ] as const) {
    test(`${name} exits 2 and shows no secret`, async () => {
      const env = { AMPLITUDE_API_KEY: '' }
      const run = await braze2amp(['replay', 'exports', ...words], { cwd, env })
      assert.equal(run.code, 2, run.stderr)
      assert.match(run.stderr, message)
      assert.ok(!`${run.stdout}${run.stderr}`.includes('secret-on-command-line'))
      assert.ok(!existsSync(join(cwd, '.braze2amp')))
    })
  }

  test('a state directory that cannot be made', async (t) => {
    const emulator = await start(t)
    const run = await braze2amp(
      ['replay', 'exports', '--endpoint', emulator.url, '--state', 'exports/users.messages.email.Open.ndjson/x'],
      { cwd, env: KEY },
    )
    assert.equal(run.code, 2)
    assert.match(run.stderr, /the state directory .* cannot be used: ENOTDIR.*\n.*--state/)
  })
})

test('the key may come from a file or standard input', async (t) => {
  const emulator = await start(t, { ...unlimited, apiKey: 'from-file' })
  const cwd = exportsOf(records(3))
  writeFileSync(join(cwd, 'key'), 'from-file\n')
  const words = ['replay', 'exports', '--endpoint', emulator.url, '--api-key-file']
  assert.equal((await braze2amp([...words, 'key'], { cwd })).code, 0)
  assert.equal((await braze2amp([...words, '-'], { cwd, stdin: 'from-file' })).code, 0)
})

test('records may come from standard input, to Batch', async (t) => {
  const emulator = await start(t)
  const cwd = exportsOf([])
  const words = [
    'replay',
    '-',
    '--endpoint',
    emulator.url,
    '--api',
    'batch',
    '--event-type',
    'users.messages.email.Open',
    '--quiet',
  ]
  const run = await braze2amp(words, { cwd, env: KEY, stdin: records(3).join('\n') })
  assert.deepEqual([run.code, run.stdout, run.stderr, emulator.stats().unique], [0, '', '', 3])
})
