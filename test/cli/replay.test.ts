import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type CurrentsRecord, entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { BINARY, braze2amp, temporaryDirectory } from '../harness.ts'
import { avro } from '../shapes/avro.ts'

const OPEN = 'users.messages.email.Open'
const PUSH = 'users.messages.pushnotification.Open'

function records(type: string, count: number, seed = 1): CurrentsRecord[] {
  const random = randomOf(seed)
  return Array.from({ length: count }, (_, i) => recordOf(entryOf(type), random, i))
}

function ndjson(lines: readonly (CurrentsRecord | string)[]): string {
  return `${lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')}\n`
}

/** Writes files below a new directory. */
function exportOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = temporaryDirectory()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

const insertIds = (stdout: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).insert_id)

describe('a dirty export', () => {
  const total = 10_000
  const unique = records(PUSH, total)
  const lines: (CurrentsRecord | string)[] = []
  const expected = { duplicate: 0, malformed: 0, no_identity: 0, anonymous: 0 }
  const sent: string[] = []
  for (const [i, one] of unique.entries()) {
    if (i % 200 === 7) {
      lines.push(JSON.stringify(one).slice(0, -30))
      expected.malformed++
    } else if (i % 50 === 3) {
      lines.push({ ...one, external_user_id: null, device_id: null })
      expected.no_identity++
    } else {
      const isAnonymous = i % 20 === 1
      if (isAnonymous) expected.anonymous++
      lines.push(isAnonymous ? { ...one, external_user_id: null, device_id: `device-${i}` } : one)
      sent.push(String(one['id']))
      if (i % 50 === 9) {
        lines.push(one)
        expected.duplicate++
      }
    }
  }

  test('gives every unique event once, the right counts by reason, balanced books and exit 3', async () => {
    const root = exportOf({ [`event_type=${PUSH}/date=2026-01-01-00/a.ndjson`]: ndjson(lines) })
    const summaryFile = join(root, 'summary.json')
    const { code, stdout, stderr } = await braze2amp([
      'replay',
      join(root, `event_type=${PUSH}`),
      '--dry-run',
      '--summary',
      summaryFile,
    ])
    assert.equal(code, 3)
    assert.deepEqual(insertIds(stdout), sent)
    const summary = JSON.parse(readFileSync(summaryFile, 'utf8'))
    const { malformed, no_identity, duplicate } = expected
    assert.deepEqual(summary.rejected, { total: malformed, by_reason: { malformed } })
    assert.deepEqual(summary.skipped, { total: no_identity + duplicate, by_reason: { no_identity, duplicate } })
    assert.deepEqual(
      [summary.read, summary.accepted, summary.pending, summary.exit_code],
      [lines.length, sent.length, 0, 3],
    )
    assert.equal(summary.read, summary.accepted + summary.rejected.total + summary.skipped.total + summary.pending)
    assert.equal(stderr.match(/malformed .*a\.ndjson:\d+: invalid JSON/g)?.length, 10)
    assert.match(stderr, /a\.ndjson:8: invalid JSON: ends too early/)
  })

  test('that is clean exits 0', async () => {
    const root = exportOf({ [`${OPEN}.ndjson`]: ndjson(records(OPEN, 10)) })
    const { code, stdout } = await braze2amp(['replay', root, '--dry-run', '--quiet'])
    assert.deepEqual([code, insertIds(stdout).length], [0, 10])
  })
})

describe('the same data', () => {
  const data = records(PUSH, 500)
  const root = exportOf({
    [`ndjson/${PUSH}.ndjson`]: ndjson(data),
    [`gz/${PUSH}.ndjson.gz`]: gzipSync(ndjson(data)),
    'avro/a.avro': avro({ entry: entryOf(PUSH), records: data }, 'null'),
    'deflate/a.avro': avro({ entry: entryOf(PUSH), records: data }, 'deflate', 7),
    'snappy/a.avro': avro({ entry: entryOf(PUSH), records: data }, 'snappy', 7),
  })
  const dryRun = async (path: string, ...options: string[]) =>
    (await braze2amp(['replay', join(root, path), '--dry-run', '--quiet', ...options])).stdout

  test('in Avro of any codec and in NDJSON gives byte-identical events, run after run', async () => {
    const expected = await dryRun('ndjson')
    assert.equal(insertIds(expected).length, data.length)
    for (const path of ['ndjson', 'gz', 'avro', 'deflate', 'snappy']) assert.equal(await dryRun(path), expected, path)
  })

  test('from standard input gives the same events', async () => {
    const expected = await dryRun('ndjson')
    for (const path of [`gz/${PUSH}.ndjson.gz`, `ndjson/${PUSH}.ndjson`, 'snappy/a.avro']) {
      const stdin = readFileSync(join(root, path))
      const { stdout } = await braze2amp(['replay', '-', '--dry-run', '--quiet', '--event-type', PUSH], { stdin })
      assert.equal(stdout, expected, path)
    }
  })
})

describe('what the user may ask for', () => {
  const root = exportOf({
    [`a/${OPEN}.ndjson`]: ndjson(records(OPEN, 20)),
    [`b/${PUSH}.ndjson`]: ndjson(records(PUSH, 20)),
  })
  const run = async (...words: string[]) => braze2amp(['replay', root, '--dry-run', '--json', '--quiet', ...words])
  const summaryOf = (stderr: string) => JSON.parse(stderr.trim().split('\n').at(-1) ?? '')

  test('--limit ends the run after that many records with exit 0', async () => {
    const { code, stdout, stderr } = await run('--limit', '25')
    assert.deepEqual([code, insertIds(stdout).length], [0, 25])
    assert.deepEqual([summaryOf(stderr).read, summaryOf(stderr).stopped], [25, 'limit'])
  })

  test('--include, --exclude, --since and --until leave out by name', async () => {
    assert.equal(summaryOf((await run('--include', 'users.messages.email.*')).stderr).skipped.by_reason.filtered, 20)
    assert.equal(summaryOf((await run('--exclude', '*.Open')).stderr).accepted, 0)
    assert.equal(summaryOf((await run('--since', '2026-01-01T00:00:01Z')).stderr).accepted, 24)
    assert.equal(summaryOf((await run('--until', '1767225601')).stderr).accepted, 16)
  })

  test('--max-errors stops at that very record with exit 4', async () => {
    const broken = exportOf({ [`${OPEN}.ndjson`]: ndjson(['x', ...records(OPEN, 5), 'y', 'z']) })
    const { code, stderr } = await braze2amp(['replay', broken, '--dry-run', '--json', '--max-errors', '1'])
    assert.equal(code, 4)
    const summary = JSON.parse(stderr.split('\n').find((line) => line.startsWith('{')) ?? '')
    assert.deepEqual(
      [summary.read, summary.rejected.total, summary.stopped, summary.exit_code],
      [7, 2, 'max_errors', 4],
    )
    assert.match(stderr, /stopped by --max-errors: 2 of 7 records rejected/)
  })
})

describe('a file that cannot be read', () => {
  test('is refused with what to do, and the others go on: exit 3', async () => {
    const root = exportOf({
      'nameless.ndjson': ndjson(records(OPEN, 2)),
      [`${OPEN}.ndjson`]: ndjson(records(OPEN, 3)),
      'x.parquet': 'PAR1aaaaaaaa',
      'click.ndjson': ndjson(records(OPEN, 2)),
      'stg_email_click_1.ndjson': ndjson(records('users.messages.email.Click', 2)),
      'USERS_CANVAS_REVENUE_SHARED.csv': 'ID,EXTERNAL_USER_ID,TIME\nr-1,u-1,1767319200\n',
      'SNAPSHOTS_CANVAS_SHARED.csv': 'ID,NAME\ns-1,Welcome\n',
      [`${OPEN}.ndjson.tmp`]: '{"id":"half',
    })
    const { code, stdout, stderr } = await braze2amp(['replay', root, '--dry-run', '--profile', 'enriched'])
    assert.deepEqual([code, insertIds(stdout).length], [3, 5])
    assert.match(stderr, /left out 2 hidden or non-data files: .*SNAPSHOTS_CANVAS_SHARED\.csv/)
    assert.match(stderr, /"email_click" in .*stg_email_click_1\.ndjson is taken for users\.messages\.email\.Click/)
    assert.match(
      stderr,
      /click\.ndjson does not say .*: by its name it could be users\.messages\.email\.Click, users\.messages\.inappmessage\.Click, .*\n/,
    )
    assert.match(stderr, /skipped +1 {2}unknown_event_type 1/)
    assert.match(stderr, /Type instead: .* \| braze2amp replay - --dry-run --profile enriched\n/)
    assert.match(stderr, /nameless\.ndjson does not say which event type it holds\n.*--event-type/)
    assert.match(stderr, /x\.parquet is Parquet, which is not read\n.*Type instead: duckdb/)
  })

  test('alone makes exit 2', async () => {
    const root = exportOf({ 'nameless.ndjson': ndjson(records(OPEN, 2)) })
    assert.equal((await braze2amp(['replay', root, '--dry-run'])).code, 2)
  })

  test('that is empty is fine', async () => {
    const root = exportOf({ [`${OPEN}.ndjson`]: '', 'blank.ndjson': '\n\n' })
    assert.equal((await braze2amp(['replay', root, '--dry-run'])).code, 0)
  })
})

describe('wrong use', () => {
  for (const [words, message] of [
    [['replay', '.', '--dry-runn'], /unknown option '--dry-runn'[\s\S]*--dry-run/],
    [['replay', '--dry-run'], /missing required argument 'paths'/],
    [['replay', 'no-such-file', '--dry-run'], /no such file or directory: no-such-file/],
    [['replay', '.', '--dry-run', '--limit', 'x'], /'--limit <n>' argument 'x' is invalid. Give a whole number/],
    [['replay', '.', '--dry-run', '--since', 'soon'], /Give a date/],
    [['replay', '.', '--dry-run', '--format', 'xml'], /Allowed choices are ndjson/],
    [['replay', '.', '--dry-run', '--profile', 'x'], /Allowed choices are braze, documented, enriched/],
    [
      ['replay', '.', '--dry-run', '--event-type', 'users.messages.email.Opn'],
      /did you mean users\.messages\.email\.Open\?/,
    ],
    [['replay', '.', '--dry-run', '--include', 'users.mesages.*'], /matches no event type/],
    [['replay', '.', '--dry-run', '--max-errors', '200%'], /Give a number of records/],
    [['replay', '.', '--dry-run', '--summary', '/no/such/folder/s.json'], /cannot write the summary/],
    [
      ['replay', 's3://bucket/exports/'],
      /Type instead.*\n +aws s3 sync s3:\/\/bucket\/exports\/ exports && braze2amp replay exports\n/,
    ],
    [['reply'], /unknown command 'reply'[\s\S]*replay/],
  ] as const) {
    test(`${words.join(' ')} exits 2 and says what to do`, async () => {
      const { code, stdout, stderr } = await braze2amp(words)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, message)
      assert.doesNotMatch(stderr, /at .*\.js:\d+/)
    })
  }
})

describe('the stream of events', () => {
  const many = ndjson(records(OPEN, 20_000))
  const root = exportOf({ [`${OPEN}.ndjson`]: many })

  test('ends quietly with 0 when its reader goes away', async () => {
    const child = spawn(process.execPath, [BINARY, 'replay', root, '--dry-run'], { stdio: ['ignore', 'pipe', 'pipe'] })
    const stderr: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = await once(child, 'close')
    assert.deepEqual([code, Buffer.concat(stderr).toString()], [0, ''])
  })

  test('that cannot be written ends with 4 and says so, in the summary too', {
    skip: process.platform !== 'linux',
  }, async () => {
    const summary = join(root, 'summary.json')
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [BINARY, 'replay', root, '--dry-run', '--quiet', '--summary', summary], {
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    const stderr: Buffer[] = []
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
    const [code] = await once(child, 'close')
    assert.equal(code, 4)
    assert.match(Buffer.concat(stderr).toString(), /cannot write to standard output/)
    assert.equal(JSON.parse(readFileSync(summary, 'utf8')).exit_code, 4)
  })

  test('waits for a slow reader, and loses nothing', async () => {
    const child = spawn(process.execPath, [BINARY, 'replay', root, '--dry-run', '--quiet'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const chunks: Buffer[] = []
    for await (const chunk of child.stdout) {
      chunks.push(chunk)
      if (chunks.length < 20) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.equal(insertIds(Buffer.concat(chunks).toString()).length, 20_000)
  })

  test('is interrupted by SIGINT with 130, and the summary says so', async () => {
    const child = spawn(process.execPath, [BINARY, 'replay', '-', '--dry-run', '--json', '--event-type', OPEN], {
      stdio: 'pipe',
    })
    const stderr: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.stdin.on('error', () => {})
    child.stdin.write(many)
    await once(child.stdout, 'data')
    child.stdout.resume()
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    assert.equal(code, 130)
    const line = Buffer.concat(stderr)
      .toString()
      .split('\n')
      .find((text) => text.startsWith('{"version"'))
    const summary = JSON.parse(line ?? '')
    assert.deepEqual([summary.stopped, summary.exit_code], ['signal', 130])
    assert.equal(summary.read, summary.accepted)
  })
})
