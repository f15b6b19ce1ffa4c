import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemProcesses } from '../../src/state/processes.ts'
import { BINARY, braze2amp } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { ok, type ScriptedServer, startScripted } from '../upload/scripted-server.ts'
import { checkpointIn, exportsOf, KEY, replayed, slowly } from './upload-harness.ts'

/** Several processes on one state directory. */

const RECORDS = 40
const lockOf = (cwd: string) => join(cwd, '.braze2amp', 'lock')
const checkpointOf = (cwd: string) => join(cwd, '.braze2amp', 'checkpoint.json')

interface Begun {
  readonly child: ChildProcess
  readonly code: Promise<number | null>
  readonly stderr: () => string
}

interface How {
  /** What starts it in a pid namespace of its own. */
  readonly namespace?: readonly string[] | undefined
  readonly words?: readonly string[]
}

/** Starts the binary. */
function begin(t: TestContext, cwd: string, url: string, { namespace = [], words: more = [] }: How = {}): Begun {
  const words = ['replay', 'exports', '--endpoint', url, '--no-progress', ...slowly(1), ...more]
  const [program = '', ...given] = [...namespace, process.execPath, BINARY, ...words]
  const child = spawn(program, given, {
    cwd,
    env: { ...process.env, ...KEY, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr?.on('data', (text) => {
    stderr += text
  })
  const code = once(child, 'close').then(([ended]) => ended as number | null)
  return { child, code, stderr: () => stderr }
}

/** A server that takes the first few events, and no more before it is opened. */
async function startHolding(t: TestContext, retryAfterS = 1): Promise<{ server: ScriptedServer; open(): void }> {
  let isOpen = false
  const refusal = { status: 503, body: 'later', headers: { 'retry-after': String(retryAfterS) } }
  const server = await startScripted(t, ({ number, events }) => (isOpen || number < 3 ? ok(events) : refusal))
  return {
    server,
    open() {
      isOpen = true
    },
  }
}

async function until(holds: () => boolean, of: Begun): Promise<void> {
  while (!holds()) {
    assert.equal(of.child.exitCode, null, of.stderr())
    await sleep(10)
  }
}

const ROOT = ['--pid', '--uts', '--fork', '--mount-proc', '--kill-child']
const namespace = [ROOT, ['--user', '--map-root-user', ...ROOT]]
  .map((options) => ['unshare', ...options])
  .find(([program = '', ...options]) => spawnSync(program, [...options, 'true']).status === 0)

describe('the lock of a killed process', () => {
  test('whose pid is another process’s by now is taken over', async (t) => {
    if (systemProcesses.self().processStart === null) return t.skip('the system does not say when a process started')
    const cwd = exportsOf(records(RECORDS))
    const { server, open } = await startHolding(t)
    const killed = begin(t, cwd, server.url)
    await until(() => server.accepted.length >= 3, killed)
    killed.child.kill('SIGKILL')
    await killed.code
    const holder = JSON.parse(readFileSync(lockOf(cwd), 'utf8'))
    writeFileSync(lockOf(cwd), JSON.stringify({ ...holder, pid: process.pid }))
    open()
    await replayed(0, { cwd, url: server.url })
    assert.equal(new Set(server.accepted).size, RECORDS)
  })

  test('is taken over by exactly one of six that come at once', async (t) => {
    const cwd = exportsOf(records(RECORDS))
    const { server, open } = await startHolding(t)
    const killed = begin(t, cwd, server.url)
    await until(() => server.accepted.length >= 3, killed)
    killed.child.kill('SIGKILL')
    await killed.code
    assert.ok(existsSync(lockOf(cwd)))
    const racers = Array.from({ length: 6 }, () => begin(t, cwd, server.url))
    let refused = 0
    const codes = racers.map(async ({ code, stderr }) => {
      const ended = await code
      if (ended === 2) {
        assert.match(stderr(), /in use by (process \d+ on host|another process)/)
        refused += 1
        // The one that is left may send only now: else a late one would find nothing new.
        if (refused === 5) open()
      }
      return ended
    })
    assert.deepEqual((await Promise.all(codes)).sort(), [0, 2, 2, 2, 2, 2])
    assert.equal(new Set(server.accepted).size, RECORDS)
    assert.ok(!existsSync(lockOf(cwd)))
  })
})

/** They wait, most of the time. */
describe('the lock of a process', { concurrency: true }, () => {
  test('a second process in another pid namespace, with the same host name and pid, is refused, and nothing is sent twice', {
    skip: namespace === undefined && 'unshare makes no pid namespace here',
  }, async (t) => {
    const cwd = exportsOf(records(RECORDS))
    const { server, open } = await startHolding(t)
    const first = begin(t, cwd, server.url, { namespace })
    await until(() => server.accepted.length >= 3, first)
    const lock = readFileSync(lockOf(cwd), 'utf8')
    const { pid, host } = JSON.parse(lock)
    assert.deepEqual([pid, host], [1, hostname()])
    const second = begin(t, cwd, server.url, { namespace })
    while (second.child.exitCode === null) {
      assert.equal(readFileSync(lockOf(cwd), 'utf8'), lock, 'the second process has the lock of the first')
      await sleep(10)
    }
    assert.equal(await second.code, 2, second.stderr())
    assert.ok(second.stderr().includes(`in use by process 1 on host ${hostname()}`), second.stderr())
    const status = await braze2amp(['status'], { cwd })
    assert.match(status.stdout, /in use by process 1 on host /)
    open()
    assert.equal(await first.code, 0, first.stderr())
    assert.equal(server.accepted.length, RECORDS)
    assert.equal(new Set(server.accepted).size, RECORDS)
    assert.ok(!existsSync(lockOf(cwd)))
  })

  test('a run that was killed goes on in another pid namespace with the same host name and pid, and says what it waits for', {
    skip: namespace === undefined && 'unshare makes no pid namespace here',
  }, async (t) => {
    const cwd = exportsOf(records(RECORDS))
    const { server, open } = await startHolding(t)
    const first = begin(t, cwd, server.url, { namespace })
    await until(() => server.accepted.length >= 3, first)
    first.child.kill('SIGKILL')
    await first.code
    open()
    // The system may give the number of a namespace that is gone to the next one.
    const holder = JSON.parse(readFileSync(lockOf(cwd), 'utf8'))
    writeFileSync(lockOf(cwd), JSON.stringify({ ...holder, pidNamespace: 'pid:[1]' }))
    const again = begin(t, cwd, server.url, { namespace })
    assert.equal(await again.code, 0, again.stderr())
    assert.ok(again.stderr().includes(`of process 1 on host ${hostname()}`), again.stderr())
    assert.equal(new Set(server.accepted).size, RECORDS)
  })

  for (const [name, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    test(`${name} ends a run that waits for a lock, also a quiet one, and changes nothing`, async (t) => {
      const cwd = exportsOf(records(RECORDS))
      const { server, open } = await startHolding(t)
      const killed = begin(t, cwd, server.url)
      await until(() => server.accepted.length >= 3, killed)
      killed.child.kill('SIGKILL')
      await killed.code
      const requests = server.requests.length
      open()
      const theirs = JSON.stringify({ pid: 7, host: 'elsewhere', startedAt: Date.now() })
      writeFileSync(lockOf(cwd), theirs)
      const before = readFileSync(checkpointOf(cwd))
      const waiting = begin(t, cwd, server.url, { words: ['--quiet'] })
      await until(() => waiting.stderr().includes('process 7 on host elsewhere'), waiting)
      waiting.child.kill(name)
      assert.equal(await waiting.code, code, waiting.stderr())
      assert.doesNotMatch(waiting.stderr(), /in use|bug/)
      assert.equal(readFileSync(lockOf(cwd), 'utf8'), theirs)
      assert.deepEqual(readFileSync(checkpointOf(cwd)), before)
      assert.equal(server.requests.length, requests)
    })
  }

  test('a process that was stopped, and whose lock another one took meanwhile, sends and changes nothing any more', async (t) => {
    const cwd = exportsOf(records(RECORDS))
    const { server, open } = await startHolding(t, 10)
    const first = begin(t, cwd, server.url)
    // From then on it has nothing to do, until it sends the refused event again while it is stopped.
    await until(() => server.requests.length === 4 && checkpointIn(cwd).counts.accepted === 3, first)
    first.child.kill('SIGSTOP')
    const theirs = JSON.stringify({ ...systemProcesses.self(), startedAt: Date.now() })
    writeFileSync(lockOf(cwd), theirs)
    utimesSync(lockOf(cwd), 0, 0)
    const before = readFileSync(checkpointOf(cwd))
    const requests = server.requests.length
    open()
    // Longer than its last proof lasts: only then does it ask before it does anything.
    await sleep(20_500)
    first.child.kill('SIGCONT')
    assert.equal(await first.code, 4, first.stderr())
    assert.match(first.stderr(), /another process has taken .*lock/)
    assert.equal(server.requests.length, requests)
    assert.deepEqual(readFileSync(checkpointOf(cwd)), before)
    assert.equal(readFileSync(lockOf(cwd), 'utf8'), theirs)
  })
})
