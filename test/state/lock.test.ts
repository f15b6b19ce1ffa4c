import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Clock } from '../../src/clock.ts'
import { StoppedError, UsageError } from '../../src/errors.ts'
import { acquireLock, holderIn, type Lock, type LockOptions, whileHeld } from '../../src/state/lock.ts'
import type { ProcessIdentity } from '../../src/state/processes.ts'
import { crashAt, failAt, withFaults } from '../crash/faults.ts'
import { createMemoryDisk, type MemoryDisk } from '../crash/memory-disk.ts'

interface HandClock extends Clock {
  advance(ms: number): Promise<void>
  /** Time goes by, and nobody who sleeps wakes up: the process is stopped, or its machine sleeps and the monotonic clock stands. */
  stop(ms: number, stopped?: { monotonicMs: number }): void
}

/** A clock that stands still until it is told otherwise. */
function createHandClock(startMs: number): HandClock {
  let nowMs = startMs
  let asleepMs = 0
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = []
  return {
    now: () => nowMs - asleepMs,
    wallClock: () => nowMs,
    sleep: (forMs, signal) =>
      new Promise((resolve) => {
        sleepers.push({ atMs: nowMs + forMs, wake: resolve })
        signal?.addEventListener('abort', () => resolve())
      }),
    async advance(ms) {
      nowMs += ms
      const woken = sleepers.filter(({ atMs }) => atMs <= nowMs)
      sleepers = sleepers.filter(({ atMs }) => atMs > nowMs)
      for (const { wake } of woken) wake()
      await turns()
    },
    stop(ms, { monotonicMs } = { monotonicMs: ms }) {
      nowMs += ms
      asleepMs += ms - monotonicMs
      sleepers = sleepers.map(({ atMs, wake }) => ({ atMs: atMs + ms, wake }))
    },
  }
}

/** The clock of a process that can be stopped: from then on it never wakes up. */
function stoppable(clock: Clock): Clock & { stopProcess(): void } {
  let isStopped = false
  return {
    ...clock,
    stopProcess() {
      isStopped = true
    },
    sleep: (forMs, signal) =>
      new Promise((resolve) => {
        void clock.sleep(forMs, signal).then(() => {
          if (!isStopped) resolve()
        })
      }),
  }
}

/** What a process does at once takes a few turns of the disk in memory. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
}

const NOW_MS = 1_767_225_600_000
const WATCH_MS = 15_000

const HERE = { host: 'here', boot: 'boot', pidNamespace: 'namespace' }
const THERE = { host: 'there', boot: 'boot of there', pidNamespace: 'namespace' }
/** Another container of this machine, with the same host name. */
const CONTAINER = { host: 'here', boot: 'boot', pidNamespace: 'namespace of a container' }

type Place = Pick<ProcessIdentity, 'host' | 'boot' | 'pidNamespace'>

/** Every process starts at its pid, unless a test says otherwise. */
function identityOf(pid: number, place: Place, processStart = pid): ProcessIdentity {
  return { pid, processStart, ...place }
}

function scene() {
  const clock = createHandClock(NOW_MS)
  const disk = createMemoryDisk(clock.wallClock)
  disk.plant('/state/checkpoint.json', '')
  const alive = new Map<number, { readonly processStart: number }>()
  const told: string[] = []
  const options = (pid: number, place: Place = HERE): LockOptions => ({
    fileSystem: disk.boot(),
    directory: '/state',
    clock,
    processes: {
      self: () => identityOf(pid, place),
      at: (other) => alive.get(other) ?? null,
      haveNamespaces: true,
    },
    tell: (line) => told.push(line),
  })
  /** Takes a lock that has to be watched. */
  async function acquireWatched(given: LockOptions): Promise<Lock> {
    const taking = acquireLock(given)
    taking.catch(() => {})
    await turns()
    await clock.advance(WATCH_MS)
    return taking
  }
  return { clock, disk, alive, told, options, acquireWatched }
}

function plantLock(disk: MemoryDisk, holder: object, mtimeMs = NOW_MS): void {
  const all = { ...identityOf(7, HERE), startedAt: NOW_MS - 1000, ...holder }
  disk.plant('/state/lock', JSON.stringify(all), mtimeMs)
}

function holderOf(disk: MemoryDisk): number {
  return JSON.parse(String(disk.files().get('/state/lock'))).pid
}

describe('a lock', () => {
  test('is there while it is held, says who has it, and is gone after', async () => {
    const { disk, options } = scene()
    const lock = await acquireLock(options(1))
    assert.deepEqual(JSON.parse(String(disk.files().get('/state/lock'))), {
      ...{ pid: 1, processStart: 1, host: 'here', boot: 'boot', pidNamespace: 'namespace' },
      startedAt: NOW_MS,
    })
    await lock.release()
    assert.deepEqual([...disk.files().keys()], ['/state/checkpoint.json'])
  })

  test('of a live process of this host is refused, with its pid, its host and the way out, however long untouched', async () => {
    const { disk, alive, options } = scene()
    plantLock(disk, {}, NOW_MS - 3_600_000)
    alive.set(7, { processStart: 7 })
    await assert.rejects(acquireLock(options(1)), (error) => {
      assert.ok(error instanceof UsageError)
      assert.match(error.message, /\/state is in use by process 7 on host here, since 2025-12-31T23:59:59/)
      assert.match(error.hint ?? '', /--state.*delete \/state\/lock/)
      return true
    })
    assert.equal(holderOf(disk), 7)
  })

  test('of a dead process of this host is taken over', async () => {
    const { disk, options } = scene()
    plantLock(disk, {})
    await acquireLock(options(1))
    assert.equal(holderOf(disk), 1)
    assert.deepEqual([...disk.files().keys()].sort(), ['/state/checkpoint.json', '/state/lock'])
  })

  test('of a dead process whose pid is another process’s by now is taken over', async () => {
    const { disk, alive, options } = scene()
    plantLock(disk, {})
    alive.set(7, { processStart: 1000 })
    await acquireLock(options(1))
    assert.equal(holderOf(disk), 1)
  })

  test('of another host is refused for 60 s after it was touched, whatever runs here', async () => {
    const { disk, clock, told, options, acquireWatched } = scene()
    plantLock(disk, identityOf(7, THERE))
    await assert.rejects(acquireLock(options(1)), /process 7 on host there/)
    await clock.advance(60_000)
    await assert.rejects(acquireLock(options(1)), /process 7 on host there/)
    await clock.advance(1)
    await acquireWatched(options(1))
    assert.equal(holderOf(disk), 1)
    assert.deepEqual(told, [
      '/state/lock seems to be of a dead process, last seen 60 s ago: it is watched for 15 s before it is taken over',
    ])
  })

  test('of this host name and pid in another container is refused, and taken over when it is silent', async () => {
    const { disk, clock, alive, options, acquireWatched } = scene()
    alive.set(1, { processStart: 1 })
    const holder = stoppable(clock)
    const lock = await acquireLock({ ...options(1, CONTAINER), clock: holder })
    await assert.rejects(acquireLock(options(1)), /in use by process 1 on host here/)
    for (let i = 0; i < 30; i++) await clock.advance(10_000)
    await assert.rejects(acquireLock(options(1)), /in use by process 1 on host here/)
    holder.stopProcess()
    await clock.advance(60_001)
    await acquireWatched(options(1))
    assert.equal(JSON.parse(String(disk.files().get('/state/lock'))).pidNamespace, 'namespace')
    await assert.rejects(lock.prove(), /another process has taken \/state\/lock/)
  })

  test('of an older version with this host name and pid is taken over after 30 s', async () => {
    const { disk, clock, alive, options, acquireWatched } = scene()
    alive.set(1, { processStart: 1 })
    disk.plant('/state/lock', JSON.stringify({ pid: 1, host: 'here', startedAt: NOW_MS }))
    await clock.advance(30_000)
    await assert.rejects(acquireLock(options(1)), /in use by process 1 on host here/)
    await clock.advance(1)
    await acquireWatched(options(1))
    assert.equal(JSON.parse(String(disk.files().get('/state/lock'))).boot, 'boot')
  })

  test('from the future is fresh', async () => {
    const { disk, options } = scene()
    plantLock(disk, identityOf(7, THERE), NOW_MS + 3_600_000)
    await assert.rejects(acquireLock(options(1)), /in use/)
  })

  test('that looks old by a clock that is behind is refused, since it is touched while it is watched', async () => {
    const { disk, clock, options } = scene()
    const behind = { ...clock, wallClock: () => clock.wallClock() - 3_600_000 }
    await acquireLock({ ...options(1, THERE), clock: behind })
    await clock.advance(10_000)
    const taking = acquireLock(options(2))
    taking.catch(() => {})
    await turns()
    await clock.advance(10_000)
    await clock.advance(WATCH_MS - 10_000)
    await assert.rejects(taking, /in use by process 1 on host there/)
    assert.equal(holderOf(disk), 1)
  })

  test('that is released while it is watched is refused, and free from then on', async () => {
    const { disk, clock, options } = scene()
    const lock = await acquireLock(options(1, THERE))
    clock.stop(60_001)
    const taking = acquireLock(options(2))
    taking.catch(() => {})
    await turns()
    await lock.release()
    await clock.advance(WATCH_MS)
    await assert.rejects(taking, /in use by process 1 on host there/)
    await acquireLock(options(2))
    assert.equal(holderOf(disk), 2)
  })

  test('that is empty or odd is refused until 60 s old', async () => {
    for (const content of ['', '{', '[]', '{"pid":"7"}']) {
      const { disk, clock, options, acquireWatched } = scene()
      disk.plant('/state/lock', content)
      await assert.rejects(acquireLock(options(1)), /in use by another process, which has just begun/)
      await clock.advance(60_001)
      await acquireWatched(options(1))
    }
  })

  test('is touched every 10 s, so that another host leaves it alone', async () => {
    const { clock, options } = scene()
    const lock = await acquireLock(options(1, THERE))
    for (let i = 0; i < 30; i++) await clock.advance(10_000)
    await assert.rejects(acquireLock(options(2)), /process 1 on host there/)
    await lock.release()
    await acquireLock(options(2))
  })

  test('that another process took is lost, and not deleted', async () => {
    const { disk, clock, options } = scene()
    const lock = await acquireLock(options(1))
    assert.equal(lock.lost.aborted, false)
    plantLock(disk, { pid: 9 })
    await clock.advance(10_000)
    assert.match(String(lock.lost.reason), /another process has taken \/state\/lock/)
    await lock.release()
    assert.equal(holderOf(disk), 9)
  })

  test('is the same to its holder however its times are changed, and is lost with other content of the same time', async () => {
    const { disk, clock, options } = scene()
    const lock = await acquireLock(options(1))
    const content = disk.files().get('/state/lock') as Buffer
    disk.plant('/state/lock', content, NOW_MS - 3_600_000)
    await clock.advance(10_000)
    assert.equal(lock.lost.aborted, false)
    plantLock(disk, identityOf(1, CONTAINER), clock.wallClock())
    await clock.advance(10_000)
    assert.equal(lock.lost.aborted, true)
  })

  for (const [title, stopped] of [
    ['was stopped', { monotonicMs: 61_000 }],
    ['slept with its machine', { monotonicMs: 0 }],
  ] as const) {
    test(`that was taken from a process that ${title} keeps it from the first change on`, async () => {
      const { disk, clock, options } = scene()
      const mine = options(1)
      const lock = await acquireLock(mine)
      const fileSystem = whileHeld(mine.fileSystem, lock.prove)
      const log = await fileSystem.open('/state/log', 'write')
      await log.write(Buffer.from('mine'), 0)
      clock.stop(61_000, stopped)
      plantLock(disk, { pid: 9 })
      disk.plant('/state/log', 'theirs')
      const changes = [
        log.write(Buffer.from('mine again'), 0),
        fileSystem.rename('/state/log', '/state/gone'),
        fileSystem.unlink('/state/checkpoint.json'),
      ]
      for (const change of await Promise.allSettled(changes)) {
        assert.equal(change.status, 'rejected')
        assert.ok(change.reason instanceof StoppedError)
      }
      assert.equal(lock.lost.aborted, true)
      assert.equal(String(disk.files().get('/state/log')), 'theirs')
      await lock.release()
      assert.equal(holderOf(disk), 9)
    })
  }

  test('that nobody took from a process that was stopped is its own still', async () => {
    const { clock, options } = scene()
    const lock = await acquireLock(options(1))
    clock.stop(3_600_000)
    await lock.prove()
    assert.equal(lock.lost.aborted, false)
  })

  test('that is taken while its holder, stopped, waits for what it reads is lost', async () => {
    const { disk, clock, options } = scene()
    const mine = options(1)
    let stopsOnce = true
    const fileSystem = {
      ...mine.fileSystem,
      async touch(path: string, mtimeMs: number) {
        // Between the reading and the touching of the lock.
        if (stopsOnce) {
          stopsOnce = false
          clock.stop(61_000)
          plantLock(disk, { pid: 9 })
        }
        await mine.fileSystem.touch(path, mtimeMs)
      },
    }
    const lock = await acquireLock({ ...mine, fileSystem })
    await clock.advance(10_000)
    assert.equal(stopsOnce, false)
    await assert.rejects(lock.prove(), /another process has taken/)
  })

  test('survives a disk that fails for a while', async () => {
    const { disk, clock, options } = scene()
    let fails = false
    const { fileSystem } = withFaults(disk.boot(), () => (fails ? { do: 'fail', code: 'EIO' } : { do: 'pass' }))
    const lock = await acquireLock({ ...options(1), fileSystem })
    fails = true
    await clock.advance(10_000)
    fails = false
    await clock.advance(10_000)
    await lock.prove()
    assert.equal(lock.lost.aborted, false)
    fails = true
    await lock.release()
  })

  test('that cannot be read for so long that others may have taken it ends the run, resumable', async () => {
    const { disk, clock, options } = scene()
    let fails = false
    const { fileSystem } = withFaults(disk.boot(), () => (fails ? { do: 'fail', code: 'EIO' } : { do: 'pass' }))
    const lock = await acquireLock({ ...options(1), fileSystem })
    fails = true
    await clock.advance(10_000)
    await lock.prove()
    await clock.advance(10_001)
    await assert.rejects(lock.prove(), (error) => error instanceof StoppedError && /EIO/.test(error.message))
    await lock.release()
  })

  test('that cannot be made is the system’s error', async () => {
    for (const code of ['EACCES', 'ENOSPC', 'EIO'] as const) {
      const { disk, options } = scene()
      const { fileSystem } = withFaults(disk.boot(), failAt(1, code))
      await assert.rejects(acquireLock({ ...options(1), fileSystem }), { code })
    }
  })

  test('that is there and cannot be read, as a link to nowhere, is an error', async () => {
    const { disk, options } = scene()
    const fileSystem = disk.boot()
    const toNowhere = {
      ...fileSystem,
      async open(path: string, how: Parameters<typeof fileSystem.open>[1]) {
        throw Object.assign(new Error(path), { code: how === 'create' ? 'EEXIST' : 'ENOENT' })
      },
    }
    await assert.rejects(acquireLock({ ...options(1), fileSystem: toNowhere }), UsageError)
  })
})

describe('a takeover file', () => {
  test('of a live process keeps others out', async () => {
    const { disk, alive, options } = scene()
    plantLock(disk, {})
    disk.plant('/state/lock.takeover-0', JSON.stringify({ ...identityOf(8, HERE), startedAt: NOW_MS }))
    alive.set(8, { processStart: 8 })
    await assert.rejects(acquireLock(options(1)), /another process, which is taking over/)
    assert.equal(holderOf(disk), 7)
  })

  test('of a dead process is passed over at once, and deleted', async () => {
    const { disk, options } = scene()
    plantLock(disk, {})
    for (const number of [0, 1]) {
      const holder = { ...identityOf(8 + number, HERE), startedAt: NOW_MS }
      disk.plant(`/state/lock.takeover-${number}`, JSON.stringify(holder))
    }
    await acquireLock(options(1))
    assert.equal(holderOf(disk), 1)
    assert.deepEqual([...disk.files().keys()].sort(), ['/state/checkpoint.json', '/state/lock'])
  })

  test('that another process deleted, thinking its maker dead, wins nothing', async () => {
    const { disk, alive, options } = scene()
    plantLock(disk, {})
    const mine = options(1)
    const fileSystem = {
      ...mine.fileSystem,
      async rename(from: string, to: string) {
        await mine.fileSystem.unlink(from)
        plantLock(disk, { pid: 9, processStart: 9 })
        alive.set(9, { processStart: 9 })
        await mine.fileSystem.rename(from, to)
      },
    }
    await assert.rejects(acquireLock({ ...mine, fileSystem }), /in use by process 9/)
    assert.equal(holderOf(disk), 9)
  })
})

test('a lock that is released while another process is about to take it over is not taken from a third', async () => {
  const { disk, alive, options } = scene()
  plantLock(disk, {})
  const mine = options(1)
  const third: Lock[] = []
  const fileSystem = {
    ...mine.fileSystem,
    async open(path: string, how: Parameters<typeof mine.fileSystem.open>[1]) {
      if (path === '/state/lock.takeover-0') {
        await mine.fileSystem.unlink('/state/lock')
        alive.set(3, { processStart: 3 })
        third.push(await acquireLock(options(3)))
      }
      return mine.fileSystem.open(path, how)
    },
  }
  await assert.rejects(acquireLock({ ...mine, fileSystem }), /in use by process 3/)
  assert.equal(holderOf(disk), 3)
  assert.deepEqual([...disk.files().keys()].sort(), ['/state/checkpoint.json', '/state/lock'])
})

test('who holds a state is said in words while it is alive', async () => {
  const { disk, clock, alive, options } = scene()
  assert.equal(await holderIn(options(1)), null)
  plantLock(disk, {})
  assert.equal(await holderIn(options(1)), null)
  alive.set(7, { processStart: 7 })
  assert.equal(await holderIn(options(1)), 'process 7 on host here')
  plantLock(disk, identityOf(1, CONTAINER))
  assert.equal(await holderIn(options(1)), 'process 1 on host here')
  await clock.advance(60_001)
  assert.equal(await holderIn(options(1)), null)
})

const DEAD = JSON.stringify({ ...identityOf(8, HERE), startedAt: NOW_MS })

test('of many that come at once, whatever their order at each call, one has the lock', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 2, max: 6 }),
      fc.constantFrom('free', 'stale', 'taken over and crashed'),
      async (scheduler, count, start) => {
        const { disk, alive, options } = scene()
        if (start !== 'free') plantLock(disk, {})
        if (start === 'taken over and crashed') disk.plant('/state/lock.takeover-0', DEAD)
        const winners: Lock[] = []
        const all = Array.from({ length: count }, async (_, i) => {
          const mine = options(100 + i)
          const { fileSystem } = withFaults(mine.fileSystem, () => ({ do: 'pass' }))
          const slow = scheduler.scheduleFunction(async (act: () => Promise<unknown>) => act())
          const scheduled = new Proxy(fileSystem, {
            get(target, name) {
              const method = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>
              return (...given: unknown[]) => slow(() => method.apply(target, given))
            },
          })
          alive.set(100 + i, { processStart: 100 + i })
          try {
            winners.push(await acquireLock({ ...mine, fileSystem: scheduled }))
          } catch (error) {
            assert.ok(error instanceof UsageError, String(error))
          }
        })
        await scheduler.waitFor(Promise.all(all))
        assert.equal(winners.length, 1)
      },
    ),
    { numRuns: 500 },
  )
})

test('a crash at any call of taking the lock leaves one that the next process of this host can have at once, or in 60 s when it is empty', async () => {
  for (const start of ['free', 'dead', 'taken over and crashed']) {
    for (let call = 1; call <= 25; call++) {
      for (const when of ['before', 'after', 'torn'] as const) {
        const { disk, clock, options, acquireWatched } = scene()
        if (start !== 'free') plantLock(disk, {})
        if (start === 'taken over and crashed') disk.plant('/state/lock.takeover-0', DEAD)
        const { fileSystem } = withFaults(disk.boot(), crashAt(call, when))
        await acquireLock({ ...options(1), fileSystem }).catch(() => {})
        disk.kill()
        const isTorn = [...disk.files()].some(([path, content]) => path.startsWith('/state/lock') && !isWhole(content))
        if (isTorn) await clock.advance(60_001)
        await (isTorn ? acquireWatched(options(2)) : acquireLock(options(2)))
        assert.deepEqual([...disk.files().keys()].sort(), ['/state/checkpoint.json', '/state/lock'])
        assert.equal(holderOf(disk), 2, `${start}: crash ${when} call ${call}`)
      }
    }
  }
})

function isWhole(content: Buffer): boolean {
  return content.includes('}')
}

test('a process that lost its lock changes nothing any more, and can still read and close', async () => {
  const disk = createMemoryDisk()
  disk.plant('/state/log', 'theirs')
  const lost = new AbortController()
  const fileSystem = whileHeld(disk.boot(), async () => lost.signal.throwIfAborted())
  const file = await fileSystem.open('/state/log', 'write')
  await file.write(Buffer.from('T'), 0)
  lost.abort(new StoppedError('another process has taken it', { stopped: 'state' }))
  const bytes = Buffer.alloc(6)
  await file.read(bytes, 0)
  assert.equal(bytes.toString(), 'Theirs')
  const changes = [
    file.write(bytes, 0),
    file.truncate(0),
    fileSystem.open('/state/new', 'replace'),
    fileSystem.rename('/state/log', '/state/other'),
    fileSystem.unlink('/state/log'),
  ]
  for (const change of await Promise.allSettled(changes)) assert.equal(change.status, 'rejected')
  await file.close()
  assert.deepEqual([...disk.files()], [['/state/log', Buffer.from('Theirs')]])
})
