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
        if (signal?.aborted) return resolve()
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
/** Longer than a proof lasts and one call takes: so long every lock is watched that is taken from a process nobody sees. */
const LEAST_WATCH_MS = 25_000

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
    signal: new AbortController().signal,
    tell: (line) => told.push(line),
  })
  /** Takes a lock that has to be watched: time goes by until that is decided. */
  async function acquireWatched(given: LockOptions): Promise<Lock> {
    let isOver = false
    const taking = acquireLock(given).finally(() => {
      isOver = true
    })
    taking.catch(() => {})
    await turns()
    while (!isOver) await clock.advance(1000)
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

  for (const [title, { holder, touchedMs, takenAfterMs }] of Object.entries({
    'of another host, touched just now': { holder: identityOf(7, THERE), touchedMs: 0, takenAfterMs: 60_000 },
    'of another host, touched a while ago': { holder: identityOf(7, THERE), touchedMs: -20_000, takenAfterMs: 40_000 },
    'of another host, touched long ago': {
      holder: identityOf(7, THERE),
      touchedMs: -3_600_000,
      takenAfterMs: LEAST_WATCH_MS,
    },
    'of another host, touched by a clock that is ahead': {
      holder: identityOf(7, THERE),
      touchedMs: 3_600_000,
      takenAfterMs: 60_000,
    },
    'of this host name and pid in another container, touched just now: this one was started again': {
      holder: identityOf(1, CONTAINER),
      touchedMs: 0,
      takenAfterMs: 30_000,
    },
    'of this host name and pid before the machine was started again': {
      holder: identityOf(1, { ...HERE, boot: 'boot before' }),
      touchedMs: -1000,
      takenAfterMs: 29_000,
    },
    'of an older version with this host name and pid': {
      holder: { pid: 1, processStart: null, host: 'here', boot: null, pidNamespace: null },
      touchedMs: 0,
      takenAfterMs: 30_000,
    },
    'of an older version of this host, whose pid does not live': {
      holder: { pid: 7, processStart: null, host: 'here', boot: null, pidNamespace: null },
      touchedMs: 0,
      takenAfterMs: LEAST_WATCH_MS,
    },
    'of this boot and namespace with another host name, where its pid does not live': {
      holder: identityOf(7, { ...HERE, host: 'twin' }),
      touchedMs: 0,
      takenAfterMs: 60_000,
    },
  })) {
    test(`${title}, is watched, and taken over when no sign of life comes`, async () => {
      const { disk, clock, alive, told, options, acquireWatched } = scene()
      alive.set(1, { processStart: 1000 })
      plantLock(disk, holder, NOW_MS + touchedMs)
      await acquireWatched(options(1))
      assert.equal(clock.now() - NOW_MS, takenAfterMs)
      const { startedAt, ...taken } = JSON.parse(String(disk.files().get('/state/lock')))
      assert.deepEqual(taken, identityOf(1, HERE))
      assert.equal(told.length, 1)
      const until = new Date(NOW_MS + takenAfterMs).toISOString()
      assert.ok(told[0]?.includes(`process ${holder.pid} on host ${holder.host}`), told[0])
      assert.ok(told[0]?.includes(until), told[0])
    })

    test(`${title}, is refused as soon as it is touched`, async () => {
      const { disk, clock, alive, options, acquireWatched } = scene()
      alive.set(1, { processStart: 1000 })
      plantLock(disk, holder, NOW_MS + touchedMs)
      void clock.sleep(9000).then(() => options(7).fileSystem.touch('/state/lock', NOW_MS + touchedMs + 9000))
      const expected = new RegExp(`in use by process ${holder.pid} on host ${holder.host}`)
      await assert.rejects(acquireWatched(options(1)), expected)
      assert.ok(clock.now() - NOW_MS <= 11_000)
      assert.equal(JSON.parse(String(disk.files().get('/state/lock'))).host, holder.host)
    })
  }

  test('of this host name and pid in another container is kept while that is alive, and taken over when it is silent', async () => {
    const { disk, clock, alive, options, acquireWatched } = scene()
    alive.set(1, { processStart: 1 })
    const holder = stoppable(clock)
    const lock = await acquireLock({ ...options(1, CONTAINER), clock: holder })
    for (let i = 0; i < 30; i++) await clock.advance(10_000)
    await assert.rejects(acquireWatched(options(1)), /in use by process 1 on host here/)
    holder.stopProcess()
    await acquireWatched(options(1))
    assert.equal(JSON.parse(String(disk.files().get('/state/lock'))).pidNamespace, 'namespace')
    await assert.rejects(lock.prove(), /another process has taken \/state\/lock/)
  })

  test('of a holder whose clock is an hour behind is refused, since it is touched while it is watched', async () => {
    const { disk, clock, options, acquireWatched } = scene()
    const behind = { ...clock, wallClock: () => clock.wallClock() - 3_600_000 }
    await acquireLock({ ...options(1, THERE), clock: behind })
    await clock.advance(10_000)
    await assert.rejects(acquireWatched(options(2)), /in use by process 1 on host there/)
    assert.equal(holderOf(disk), 1)
  })

  test('that is released while it is watched is free at once', async () => {
    const { disk, clock, options, acquireWatched } = scene()
    const lock = await acquireLock(options(1, THERE))
    void clock.sleep(5000).then(() => lock.release())
    await acquireWatched(options(2))
    assert.ok(clock.now() - NOW_MS <= 6000)
    assert.equal(holderOf(disk), 2)
  })

  test('of a process that is seen to end while it is watched is free at once', async () => {
    const { disk, clock, alive, options, acquireWatched } = scene()
    plantLock(disk, { processStart: null }, NOW_MS - 3_600_000)
    alive.set(7, { processStart: 7 })
    void clock.sleep(5000).then(() => alive.delete(7))
    await acquireWatched(options(1))
    assert.ok(clock.now() - NOW_MS <= 6000)
    assert.equal(holderOf(disk), 1)
  })

  test('that another process takes while it is watched is refused, and names that one', async () => {
    const { disk, clock, alive, options, acquireWatched } = scene()
    plantLock(disk, identityOf(7, THERE))
    alive.set(9, { processStart: 9 })
    void clock.sleep(5000).then(() => plantLock(disk, { pid: 9, processStart: 9 }))
    await assert.rejects(acquireWatched(options(1)), /in use by process 9 on host here/)
  })

  test('that is empty or odd is watched until 60 s old', async () => {
    for (const content of ['', '{', '[]', '{"pid":"7"}']) {
      const { disk, clock, told, options, acquireWatched } = scene()
      disk.plant('/state/lock', content)
      await acquireWatched(options(1))
      assert.equal(clock.now() - NOW_MS, 60_000)
      assert.equal(holderOf(disk), 1)
      assert.match(String(told), /another process, which has just begun/)
    }
  })

  test('that is watched when the user stops the command stays as it is', async () => {
    const { disk, clock, options } = scene()
    plantLock(disk, identityOf(7, THERE))
    const before = disk.files()
    const stop = new AbortController()
    const taking = acquireLock({ ...options(1), signal: stop.signal })
    taking.catch(() => {})
    await turns()
    await clock.advance(5000)
    stop.abort('SIGTERM')
    await assert.rejects(taking, (reason) => reason === 'SIGTERM')
    assert.deepEqual(disk.files(), before)
  })

  test('is touched every 10 s, so that another host leaves it alone', async () => {
    const { clock, options, acquireWatched } = scene()
    const lock = await acquireLock(options(1, THERE))
    for (let i = 0; i < 30; i++) await clock.advance(10_000)
    await assert.rejects(acquireWatched(options(2)), /process 1 on host there/)
    await lock.release()
    await acquireLock(options(2))
  })

  for (const [title, touch] of Object.entries({
    refuses: () => Promise.reject(Object.assign(new Error('not the owner'), { code: 'EPERM' })),
    ignores: () => Promise.resolve(),
  })) {
    test(`on a mount that ${title} a touch is written to instead, so that another host leaves it alone`, async () => {
      const { disk, clock, told, options, acquireWatched } = scene()
      const mine = options(1, THERE)
      const lock = await acquireLock({ ...mine, fileSystem: { ...mine.fileSystem, touch } })
      const content = disk.files().get('/state/lock')
      for (let i = 0; i < 30; i++) await clock.advance(10_000)
      assert.deepEqual(told, [])
      await assert.rejects(acquireWatched(options(2)), /process 1 on host there/)
      await lock.prove()
      assert.deepEqual(disk.files().get('/state/lock'), content)
    })
  }

  test('is not overwritten, when another process takes it while its holder writes instead of touching', async () => {
    const { disk, clock, options } = scene()
    const mine = options(1, THERE)
    const fileSystem = {
      ...mine.fileSystem,
      async touch() {
        plantLock(disk, { pid: 9 })
      },
    }
    const lock = await acquireLock({ ...mine, fileSystem })
    await clock.advance(10_000)
    assert.equal(holderOf(disk), 9)
    await clock.advance(10_001)
    await assert.rejects(lock.prove(), /another process has taken/)
  })

  for (const [title, fails] of Object.entries({
    'cannot be touched nor written': () =>
      Promise.reject(Object.assign(new Error('refused: EPERM'), { code: 'EPERM' })),
    'is touched without end': () => new Promise<never>(() => {}),
  })) {
    for (const behindMs of [0, 3_600_000]) {
      const clockOf = behindMs === 0 ? '' : ', by a holder whose clock is behind,'
      test(`that ${title}${clockOf} proves nothing any more before another process has it`, async () => {
        const { clock, told, options, acquireWatched } = scene()
        let isMended = true
        const mine = options(1, THERE)
        const fileSystem: LockOptions['fileSystem'] = {
          ...mine.fileSystem,
          touch: (path, mtimeMs) => (isMended ? mine.fileSystem.touch(path, mtimeMs) : fails()),
          open: (path, how) => (isMended || how === 'read' ? mine.fileSystem.open(path, how) : fails()),
        }
        const itsClock = { ...clock, wallClock: () => clock.wallClock() - behindMs }
        const lock = await acquireLock({ ...mine, fileSystem, clock: itsClock })
        for (let i = 0; i < 3; i++) await clock.advance(10_000)
        isMended = false
        let lastActedAt = Number.NaN
        let isTaken = false
        const taking = acquireWatched(options(2)).then(() => {
          isTaken = true
        })
        while (!isTaken) {
          void lock.prove().then(
            () => {
              lastActedAt = clock.now()
            },
            () => {},
          )
          await turns()
        }
        await taking
        const CALL_MS = 4000
        assert.ok(clock.now() - lastActedAt > CALL_MS, `${clock.now() - lastActedAt} ms after it was proven`)
        assert.equal(told.filter((line) => /cannot be touched/.test(line)).length, title.startsWith('cannot') ? 1 : 0)
      })
    }
  }

  test('that cannot be touched nor written ends the run, resumable, and says so once before', async () => {
    const { clock, told, options } = scene()
    const mine = options(1)
    const refused = () => Promise.reject(Object.assign(new Error('EPERM: not permitted'), { code: 'EPERM' }))
    const fileSystem: LockOptions['fileSystem'] = {
      ...mine.fileSystem,
      touch: refused,
      open: (path, how) => (how === 'write' ? refused() : mine.fileSystem.open(path, how)),
    }
    const lock = await acquireLock({ ...mine, fileSystem })
    await clock.advance(10_000)
    await lock.prove()
    await clock.advance(10_000)
    await clock.advance(1)
    await assert.rejects(lock.prove(), (error) => error instanceof StoppedError && /EPERM/.test(error.message))
    assert.equal(told.length, 1)
    assert.match(String(told), /\/state\/lock cannot be touched.*EPERM/)
  })

  test('on a file system that keeps times in steps of 2 s is not thought to be untouched', async () => {
    const { clock, told, options } = scene()
    await clock.advance(1500)
    const mine = options(1)
    const inSteps = (ms: number | undefined) => Math.floor((ms ?? 0) / 2000) * 2000
    const fileSystem: LockOptions['fileSystem'] = {
      ...mine.fileSystem,
      async stat(path) {
        const facts = await mine.fileSystem.stat(path)
        return facts === null ? null : { ...facts, mtimeMs: inSteps(facts.mtimeMs) }
      },
    }
    const lock = await acquireLock({ ...mine, fileSystem })
    await clock.advance(9000)
    clock.stop(20_000)
    await Promise.all([lock.prove(), lock.prove()])
    // It is touched again in the same step.
    await clock.advance(1000)
    await lock.prove()
    assert.deepEqual(told, [])
  })

  test('is touched once, when many changes ask for a proof after its process was stopped', async () => {
    const { clock, options } = scene()
    const mine = options(1)
    let touches = 0
    const fileSystem: LockOptions['fileSystem'] = {
      ...mine.fileSystem,
      async touch(path, mtimeMs) {
        touches += 1
        await mine.fileSystem.touch(path, mtimeMs)
      },
    }
    const lock = await acquireLock({ ...mine, fileSystem })
    clock.stop(61_000)
    await Promise.all([lock.prove(), lock.prove(), lock.prove()])
    await lock.prove()
    assert.equal(touches, 1)
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

test('a lock that is taken once more, before the takeover files of the dead are deleted, has one holder', async () => {
  const { disk, options } = scene()
  plantLock(disk, {})
  const late = JSON.stringify({ ...identityOf(8, HERE), startedAt: NOW_MS })
  disk.plant('/state/lock.takeover-0', late)
  const mine = options(1)
  const fileSystem = {
    ...mine.fileSystem,
    async unlink(path: string) {
      // Its maker seemed dead, and was stopped between looking at the lock and taking it.
      if (path === '/state/lock.takeover-0') await mine.fileSystem.rename(path, '/state/lock')
      await mine.fileSystem.unlink(path)
    },
  }
  const taking = acquireLock({ ...mine, fileSystem })
  await taking.catch(() => {})
  assert.equal(holderOf(disk), 1, 'it took the lock of the late one, which is dead, in its turn')
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
          // No time goes by: what one of them has just begun to write is no lock of a dead process.
          const clock = { ...mine.clock, sleep: scheduler.scheduleFunction(async () => {}) }
          try {
            winners.push(await acquireLock({ ...mine, clock, fileSystem: scheduled }))
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
        const { disk, options, acquireWatched } = scene()
        if (start !== 'free') plantLock(disk, {})
        if (start === 'taken over and crashed') disk.plant('/state/lock.takeover-0', DEAD)
        const { fileSystem } = withFaults(disk.boot(), crashAt(call, when))
        await acquireLock({ ...options(1), fileSystem }).catch(() => {})
        disk.kill()
        const isTorn = [...disk.files()].some(([path, content]) => path.startsWith('/state/lock') && !isWhole(content))
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
