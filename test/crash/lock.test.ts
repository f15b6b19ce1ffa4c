import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Clock } from '../../src/clock.ts'
import { UsageError } from '../../src/errors.ts'
import { acquireLock, isProcessAlive, type Lock, type LockOptions } from '../../src/state/lock.ts'
import { crashAt, failAt, withFaults } from './faults.ts'
import { createMemoryDisk, type MemoryDisk } from './memory-disk.ts'

/** A clock that stands still until it is told otherwise. */
function createHandClock(startMs: number): Clock & { advance(ms: number): Promise<void> } {
  let nowMs = startMs
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = []
  return {
    now: () => nowMs,
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
      // What they do takes a few turns of the disk in memory.
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    },
  }
}

const NOW_MS = 1_767_225_600_000

function scene() {
  const clock = createHandClock(NOW_MS)
  const disk = createMemoryDisk(clock.wallClock)
  disk.plant('/state/checkpoint.json', '')
  const alive = new Set<number>()
  const options = (pid: number, host = 'here'): LockOptions => ({
    fileSystem: disk.boot(),
    directory: '/state',
    clock,
    pid,
    host,
    isAlive: (other) => alive.has(other),
  })
  return { clock, disk, alive, options }
}

function plantLock(disk: MemoryDisk, holder: object, mtimeMs = NOW_MS): void {
  disk.plant('/state/lock', JSON.stringify({ pid: 7, host: 'here', startedAt: NOW_MS - 1000, ...holder }), mtimeMs)
}

function holderOf(disk: MemoryDisk): number {
  return JSON.parse(String(disk.files().get('/state/lock'))).pid
}

describe('a lock', () => {
  test('is there while it is held, and gone after', async () => {
    const { disk, options } = scene()
    const lock = await acquireLock(options(1))
    assert.equal(holderOf(disk), 1)
    await lock.release()
    assert.deepEqual([...disk.files().keys()], ['/state/checkpoint.json'])
  })

  test('of a live process of this host is refused, with its pid, its host and the way out, however long untouched', async () => {
    const { disk, alive, options } = scene()
    plantLock(disk, {}, NOW_MS - 3_600_000)
    alive.add(7)
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
    assert.equal(disk.files().has('/state/lock.takeover-0'), false)
  })

  test('of this very pid is of a container that was started again', async () => {
    const { disk, alive, options } = scene()
    plantLock(disk, { pid: 1 })
    alive.add(1)
    await acquireLock(options(1))
  })

  test('of another host is refused for 60 s after it was touched, whatever runs here', async () => {
    const { disk, clock, options } = scene()
    plantLock(disk, { host: 'there' })
    await assert.rejects(acquireLock(options(1)), /process 7 on host there/)
    await clock.advance(60_000)
    await assert.rejects(acquireLock(options(1)), /process 7 on host there/)
    await clock.advance(1)
    await acquireLock(options(1))
    assert.equal(holderOf(disk), 1)
  })

  test('from the future is fresh', async () => {
    const { disk, options } = scene()
    plantLock(disk, { host: 'there' }, NOW_MS + 3_600_000)
    await assert.rejects(acquireLock(options(1)), /in use/)
  })

  test('that is empty or odd is refused until 60 s old', async () => {
    for (const content of ['', '{', '[]', '{"pid":"7"}']) {
      const { disk, clock, options } = scene()
      disk.plant('/state/lock', content)
      await assert.rejects(acquireLock(options(1)), /in use by another process, which has just begun/)
      await clock.advance(60_001)
      await acquireLock(options(1))
    }
  })

  test('is touched every 10 s, so that another host leaves it alone', async () => {
    const { clock, options } = scene()
    const lock = await acquireLock(options(1, 'there'))
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

  test('survives a disk that fails for a while', async () => {
    const { disk, clock, options } = scene()
    let fails = false
    const { fileSystem } = withFaults(disk.boot(), () => (fails ? { do: 'fail', code: 'EIO' } : { do: 'pass' }))
    const lock = await acquireLock({ ...options(1), fileSystem })
    fails = true
    await clock.advance(10_000)
    fails = false
    await clock.advance(10_000)
    assert.equal(lock.lost.aborted, false)
    fails = true
    await lock.release()
  })

  test('that cannot be made is the system’s error', async () => {
    for (const code of ['EACCES', 'ENOSPC', 'EIO'] as const) {
      const { disk, options } = scene()
      const { fileSystem } = withFaults(disk.boot(), failAt(1, code))
      await assert.rejects(acquireLock({ ...options(1), fileSystem }), { code })
    }
  })
})

test('a process that never was is not alive, and this one is', () => {
  const ended = spawnSync(process.execPath, ['-e', ''])
  assert.equal(isProcessAlive(process.pid), true)
  assert.equal(isProcessAlive(ended.pid), false)
})

test('of many that come at once, whatever their order at each call, one has the lock', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 2, max: 4 }),
      fc.constantFrom('free', 'stale', 'taken over and crashed'),
      async (scheduler, count, start) => {
        const { disk, alive, options } = scene()
        if (start !== 'free') plantLock(disk, {})
        if (start === 'taken over and crashed') disk.plant('/state/lock.takeover-0', '', NOW_MS - 100_000)
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
          alive.add(100 + i)
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

test('a crash at any call of taking the lock leaves one that the next process of this host can have, at the latest in 60 s', async () => {
  for (const isStale of [false, true]) {
    for (let call = 1; call <= 20; call++) {
      for (const when of ['before', 'after', 'torn'] as const) {
        const { disk, clock, options } = scene()
        if (isStale) plantLock(disk, {})
        const { fileSystem } = withFaults(disk.boot(), crashAt(call, when))
        await acquireLock({ ...options(1), fileSystem }).catch(() => {})
        disk.kill()
        await clock.advance(60_001)
        await acquireLock(options(2))
        assert.deepEqual([...disk.files().keys()].sort(), ['/state/checkpoint.json', '/state/lock'])
        assert.equal(holderOf(disk), 2, `crash ${when} call ${call}`)
      }
    }
  }
})
