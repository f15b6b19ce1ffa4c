import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Summary } from '../../src/report/summary.ts'
import { start } from '../emulator/harness.ts'
import { braze2amp, temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'

const SHARDS = ['1/4', '2/4', '3/4', '4/4']

/** Users with several devices each, devices alone, broken lines, records without identity, a cut gzip, a file without a type. */
function exportsDirectory(): string {
  const cwd = temporaryDirectory()
  const root = join(cwd, 'exports')
  mkdirSync(root)
  const lines = records(4000, (i) =>
    i % 5 === 0 ? { device_id: `device-${i % 300}` } : { external_user_id: `user-${i % 700}` },
  ).map((line, i) => {
    if (i % 50 === 7) return '{"id":"broken'
    if (i % 50 === 8) return JSON.stringify({ id: `n${i}`, time: 1_767_225_600 })
    return line
  })
  // A repeat of the record before it.
  for (let i = 20; i < lines.length; i += 100) lines[i] = lines[i - 1] ?? ''
  const text = (from: number, to: number) => `${lines.slice(from, to).join('\n')}\n`
  writeFileSync(join(root, 'users.messages.email.Open.ndjson'), text(0, 3000))
  writeFileSync(join(root, 'users.messages.email.Open.2.ndjson.gz'), gzipSync(text(3000, 4000)).subarray(0, -40))
  return cwd
}

async function dryRun(cwd: string, words: readonly string[]): Promise<{ events: string[]; summary: Summary }> {
  const { code, stdout, stderr } = await braze2amp(['replay', 'exports', '--dry-run', '--quiet', '--json', ...words], {
    cwd,
  })
  assert.equal(code, 3, stderr)
  const summary: Summary = JSON.parse(stderr.trim().split('\n').at(-1) ?? '')
  return { events: stdout.split('\n').filter((line) => line !== ''), summary }
}

const total = (summaries: readonly Summary[], of: (summary: Summary) => number) =>
  summaries.reduce((sum, summary) => sum + of(summary), 0)

describe('four shards', () => {
  test('write together what one run writes, no user is in two, and their books add up', async () => {
    const cwd = exportsDirectory()
    const whole = await dryRun(cwd, [])
    const parts = []
    for (const shard of SHARDS) parts.push(await dryRun(cwd, ['--shard', shard]))
    assert.deepEqual(parts.flatMap(({ events }) => events).toSorted(), whole.events.toSorted())
    assert.ok(parts.every(({ events }) => events.length > 500))

    const shardOfIdentity = new Map<string, number>()
    for (const [number, { events }] of parts.entries()) {
      for (const event of events) {
        const { user_id, device_id } = JSON.parse(event)
        const identity = user_id === undefined ? `device ${device_id}` : `user ${user_id}`
        assert.equal(shardOfIdentity.get(identity) ?? number, number, `${identity} is in two shards`)
        shardOfIdentity.set(identity, number)
      }
    }

    const summaries = parts.map(({ summary }) => summary)
    const { summary } = whole
    assert.equal(
      total(summaries, ({ read }) => read),
      summary.read,
    )
    assert.equal(
      total(summaries, ({ accepted }) => accepted),
      summary.accepted,
    )
    for (const reason of ['malformed', 'damaged_input'] as const) {
      const count = summary.rejected.by_reason[reason] ?? 0
      assert.ok(count > 0, reason)
      assert.equal(
        total(summaries, ({ rejected }) => rejected.by_reason[reason] ?? 0),
        count,
        reason,
      )
    }
    for (const reason of ['duplicate', 'no_identity'] as const) {
      const count = summary.skipped.by_reason[reason] ?? 0
      assert.ok(count > 0, reason)
      assert.equal(
        total(summaries, ({ skipped }) => skipped.by_reason[reason] ?? 0),
        count,
        reason,
      )
    }
  })

  test('at once against one Amplitude bring every event once', async (t) => {
    const keepEvents = join(temporaryDirectory(), 'events.ndjson')
    const emulator = await start(t, { keepEvents, httpEventsPerSecond: 1e6 })
    const cwd = exportsDirectory()
    const whole = await dryRun(cwd, [])
    const runs = await Promise.all(
      SHARDS.map((_, index) =>
        braze2amp(
          ['replay', 'exports', '--endpoint', emulator.url, '--shard', 'auto', '--state', `state-${index}`, '--json'],
          { cwd, env: { AMPLITUDE_API_KEY: 'k', JOB_COMPLETION_INDEX: `${index}`, JOB_COMPLETIONS: '4' } },
        ),
      ),
    )
    for (const [index, { code, stderr }] of runs.entries()) {
      assert.equal(code, 3, stderr)
      assert.match(stderr, new RegExp(`Upload of shard ${index + 1}/4: `))
    }
    const { unique, duplicates } = emulator.stats()
    assert.deepEqual([unique, duplicates], [whole.events.length, 0])
    const ids = (lines: readonly string[]) => lines.map((line) => String(JSON.parse(line).insert_id)).toSorted()
    assert.deepEqual(ids(readFileSync(keepEvents, 'utf8').trim().split('\n')), ids(whole.events))
    const summaries = runs.map(({ stdout }) => JSON.parse(stdout) as Summary)
    assert.equal(
      total(summaries, ({ accepted }) => accepted),
      whole.events.length,
    )
  })
})

test('--limit counts the records of the shard only', async () => {
  const cwd = exportsDirectory()
  const { events } = await dryRun(cwd, ['--shard', '3/4'])
  const limited = await braze2amp(
    ['replay', 'exports', '--dry-run', '--quiet', '--json', '--shard', '3/4', '--limit', '700'],
    {
      cwd,
    },
  )
  const lines = limited.stdout.split('\n').filter((line) => line !== '')
  assert.equal((JSON.parse(limited.stderr.trim().split('\n').at(-1) ?? '') as Summary).read, 700)
  assert.deepEqual(lines, events.slice(0, lines.length))
})

describe('a shard that cannot be', () => {
  for (const [words, env, message] of [
    [['--shard', '5/4'], {}, /'--shard <i\/n\|auto>' argument '5\/4' is invalid\. Give I\/N/],
    [['--shard', 'auto'], { JOB_COMPLETION_INDEX: '2' }, /JOB_COMPLETIONS is not: set it to the number of workers/],
  ] as const) {
    test(`${words.join(' ')} exits 2`, async () => {
      const { code, stderr } = await braze2amp(['replay', '.', '--dry-run', ...words], { env })
      assert.equal(code, 2)
      assert.match(stderr, message)
    })
  }
})
