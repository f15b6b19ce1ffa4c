import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { systemProcesses } from '../../src/state/processes.ts'
import { temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { checkpointIn, exportsOf, KEY, OPENS, replay, replayed, stopped, unlimited, write } from './upload-harness.ts'

/** The state directory: who may work on it, what is in it, what is wrong with it (state/README.md §1, §6). */

const emulator = await startEmulator(unlimited)
after(() => emulator.close())
const { url } = emulator

const original = exportsOf([...records(20), '{"id":"broken'])
await replayed(0, { cwd: original, url, words: ['--limit', '10'] })

/** A run that was stopped after 10 of its 21 records, the last of which is broken. */
function begun(): string {
  const cwd = temporaryDirectory()
  cpSync(original, cwd, { recursive: true })
  return cwd
}

function lock(cwd: string, holder: object, ageMs = 0): void {
  const path = join(cwd, '.braze2amp', 'lock')
  writeFileSync(path, JSON.stringify({ startedAt: Date.now() - ageMs, ...holder }))
  const touched = (Date.now() - ageMs) / 1000
  utimesSync(path, touched, touched)
}

function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}

describe('the lock', () => {
  for (const [title, facts] of [
    ['a dead process of this host', systemProcesses.self()],
    ['an older version, whose process is dead', { host: hostname() }],
  ] as const) {
    test(`of ${title} is taken over`, async () => {
      const cwd = begun()
      lock(cwd, { ...facts, pid: deadPid() })
      await replayed(3, { cwd, url })
      assert.ok(!existsSync(join(cwd, '.braze2amp', 'lock')))
    })
  }

  test('of a living process is respected, and names it', async () => {
    const cwd = begun()
    lock(cwd, systemProcesses.self(), systemProcesses.self().processStart === null ? 0 : 3_600_000)
    const before = readFileSync(join(cwd, '.braze2amp', 'lock'), 'utf8')
    const run = await replay({ cwd, url })
    assert.equal(run.code, 2, run.stderr)
    assert.ok(run.stderr.includes(`process ${process.pid} on host ${hostname()}`), run.stderr)
    assert.equal(readFileSync(join(cwd, '.braze2amp', 'lock'), 'utf8'), before)
  })

  test('of another host is respected while it is touched, also when it looks old', async () => {
    const cwd = begun()
    lock(cwd, { pid: 1, host: 'elsewhere' }, 3_600_000)
    let touchedMs = Date.now() - 3_600_000
    const touching = setInterval(() => {
      touchedMs += 1000
      utimesSync(join(cwd, '.braze2amp', 'lock'), touchedMs / 1000, touchedMs / 1000)
    }, 1000)
    const run = await replay({ cwd, url }).finally(() => clearInterval(touching))
    assert.equal(run.code, 2, run.stderr)
    assert.match(run.stderr, /process 1 on host elsewhere/)
  })

  test('keeps a second run away while the first one runs', async () => {
    const cwd = exportsOf(records(30))
    const slow = await startEmulator({ ...unlimited, latencyMs: [100, 100] })
    const words = ['--batch-size', '1', '--concurrency', '1']
    const seen: { second: ReturnType<typeof replay> | null } = { second: null }
    let secondEnded = false
    const isTime = () => {
      if (slow.stats().accepted === 0) return false
      seen.second ??= replay({ cwd, url: slow.url, words }).finally(() => {
        secondEnded = true
      })
      return secondEnded
    }
    const first = await stopped('SIGINT', isTime, { cwd, url: slow.url, words })
    const second = await seen.second
    assert.equal(second?.code, 2, second?.stderr)
    assert.match(second?.stderr ?? '', /is in use by process \d+ on host/)
    assert.equal(first.code, 130)
    await slow.close()
  })
})

describe('a checkpoint that cannot be used is an error that names it and the two ways out', () => {
  for (const [name, content, message] of [
    ['a directory', null, /cannot be read: EISDIR/],
    ['of no length', '', /is empty/],
    ['no JSON', '{"version":1,', /is not JSON/],
    ['of the wrong shape', '{"version":1,"run":{}}', /is not a checkpoint: run\.id must be a text/],
    ['a list', '[]', /is not a checkpoint: it must be an object/],
    ['null', 'null', /is not a checkpoint: it must be an object/],
    ['of another version', '{"version":2}', /has version 2; this program knows version 1/],
  ] as const) {
    test(name, async () => {
      const cwd = begun()
      const path = join(cwd, '.braze2amp', 'checkpoint.json')
      rmSync(path)
      if (content === null) mkdirSync(path)
      else writeFileSync(path, content)
      const { total } = emulator.stats().requests
      const run = await replay({ cwd, url })
      assert.equal(run.code, 2, run.stderr)
      assert.match(run.stderr, message)
      assert.match(run.stderr, /\.braze2amp\/checkpoint\.json.*\n.*put back.*--fresh.*--state DIR/)
      assert.equal(emulator.stats().requests.total, total)
      if (content !== null) assert.equal(readFileSync(path, 'utf8'), content)

      const unasked = await replay({ cwd, url, words: ['--fresh'] })
      assert.equal(unasked.code, 2, unasked.stderr)
      assert.match(unasked.stderr, /an unknown number of events/)
      const { summary } = await replayed(3, { cwd, url, words: ['--fresh', '--yes'] })
      assert.equal(summary.read, 21)
    })
  }
})

describe('--fresh', () => {
  const moved = (cwd: string) => readdirSync(join(cwd, '.braze2amp')).filter((name) => name.startsWith('old-'))

  test('moves all but files.ndjson aside, and says how much is undelivered', async () => {
    const cwd = begun()
    write(cwd, 'exports/date=2025-01-01/users.messages.email.Click.ndjson', '')
    await replayed(3, { cwd, url })
    const files = readFileSync(join(cwd, '.braze2amp', 'files.ndjson'), 'utf8')
    write(cwd, OPENS, '{"id":"other","external_user_id":"u","time":1767225600}\n')
    const { summary, stderr } = await replayed(0, { cwd, url, words: ['--fresh', '--yes', '--resend'] })
    assert.deepEqual([summary.read, summary.resumed], [1, false])
    const [old, ...others] = moved(cwd)
    assert.match(old ?? '', /^old-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/)
    assert.equal(others.length, 0)
    assert.ok(stderr.includes(`.braze2amp/${old}`))
    assert.match(stderr, /1 events? \(0 pending, 1 dead letters?\)/)
    const names = readdirSync(join(cwd, '.braze2amp', old as string))
    for (const name of ['checkpoint.json', 'dead-letters.ndjson', 'lanes', 'seen-a.bin'])
      assert.ok(names.includes(name))
    assert.ok(!names.includes('files.ndjson') && !names.includes('lock'))
    assert.ok(readFileSync(join(cwd, '.braze2amp', 'files.ndjson'), 'utf8').startsWith(files))
    assert.equal(statSync(join(cwd, '.braze2amp', old as string)).mode & 0o777, 0o700)
  })

  test('without a terminal needs --yes when something is undelivered, before anything is said of delivered files', async () => {
    const cwd = begun()
    await replayed(3, { cwd, url })
    const before = checkpointIn(cwd)
    const run = await replay({ cwd, url, words: ['--fresh'] })
    assert.equal(run.code, 2, run.stderr)
    assert.match(
      run.stderr,
      /--fresh leaves 1 events \(0 pending, 1 dead letters\) undelivered.*nothing was changed\n.*--yes/,
    )
    assert.doesNotMatch(run.stderr, /delivered into this project by another run/)
    assert.deepEqual([checkpointIn(cwd), moved(cwd)], [before, []])
    const refused = await replay({ cwd, url, words: ['--fresh', '--yes'] })
    assert.equal(refused.code, 2, refused.stderr)
    assert.match(refused.stderr, /delivered into this project by another run/)
    assert.deepEqual([checkpointIn(cwd), moved(cwd)], [before, []])
  })

  test('refuses what Amplitude would have twice: events that were sent more than 6 days ago', async () => {
    const cwd = begun()
    const path = join(cwd, '.braze2amp', 'checkpoint.json')
    const checkpoint = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...checkpoint, savedAt: Date.now() - 7 * 24 * 3_600_000 }))
    const run = await replay({ cwd, url, words: ['--fresh'] })
    assert.equal(run.code, 2, run.stderr)
    assert.match(run.stderr, /10 events of .*Open\.ndjson were sent already, more than 6 days ago.*\n.*--resend/)
    assert.deepEqual(moved(cwd), [])
    await replayed(3, { cwd, url, words: ['--fresh', '--resend'] })
  })

  test('asks nothing when nothing is undelivered', async () => {
    const cwd = begun()
    const { summary } = await replayed(3, { cwd, url, words: ['--fresh'] })
    assert.deepEqual([summary.read, moved(cwd).length], [21, 1])
  })
})

describe('what is in the directory', () => {
  test('is its owner’s alone, whatever the umask', async () => {
    const cwd = exportsOf([...records(200, () => ({ external_user_id: 'hot' })), '{"id":"broken'])
    const umask = process.umask(0)
    try {
      await stopped('SIGKILL', () => existsSync(join(cwd, '.braze2amp', 'lanes', '1.ndjson')), {
        cwd,
        url,
        words: ['--device-eps', '1'],
      })
    } finally {
      process.umask(umask)
    }
    const names = readdirSync(join(cwd, '.braze2amp'), { recursive: true }) as string[]
    assert.ok(
      names.includes('lanes/1.ndjson') && names.includes('checkpoint.json') && names.includes('lock'),
      `${names}`,
    )
    assert.equal(statSync(join(cwd, '.braze2amp')).mode & 0o777, 0o700)
    for (const name of names) {
      const stats = statSync(join(cwd, '.braze2amp', name))
      assert.equal(stats.mode & 0o777, stats.isDirectory() ? 0o700 : 0o600, name)
      if (stats.isFile()) assert.ok(!readFileSync(join(cwd, '.braze2amp', name)).includes(KEY.AMPLITUDE_API_KEY), name)
    }
  })

  for (const [name, message] of [
    ['lanes', /holds lanes, and that is no directory/],
    ['files.ndjson', /holds files\.ndjson, and that is a directory/],
    ['dead-letters.ndjson', /holds dead-letters\.ndjson, and that is a directory/],
  ] as const) {
    test(`${name} of the wrong kind is an error without a stack`, async () => {
      const cwd = begun()
      const path = join(cwd, '.braze2amp', name)
      rmSync(path, { recursive: true, force: true })
      if (name === 'lanes') writeFileSync(path, '')
      else mkdirSync(path)
      const run = await replay({ cwd, url })
      assert.equal(run.code, 2, run.stderr)
      assert.match(run.stderr, message)
    })
  }
})
