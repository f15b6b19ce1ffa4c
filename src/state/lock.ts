import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { StoppedError, UsageError } from '../errors.ts'
import { type FileSystem, isMissing, readWhole, replaceFile } from './file-system.ts'
import { count, objectOf, text, time } from './shape.ts'

/**
 * `lock`: who works on a state directory, one JSON object {pid, host, startedAt}; touched every 10 s.
 *
 * Invariants:
 * - At most one process holds it. It is made by `create`, which one process alone can win, and is never absent while it changes hands.
 * - It is stale when its process is known to be dead (same host), or when nobody touched it for 60 s (another host, or unreadable).
 *   A stopped process of this host still holds it. A clock that is behind makes a lock fresh, never stale.
 *
 * Write order, and what a crash leaves:
 *
 *     free       create lock, write      an empty lock: unreadable, stale after 60 s
 *     stale      create takeover-0       a takeover file that is stale after 60 s; one process alone can win it
 *                read lock again         the one who won before may hold it by now
 *                replace lock            the old or the new one, whole
 *                unlink takeover-0       as above
 *     held       touch                   nothing
 *     release    unlink lock             a lock of a dead process
 *
 * It need not be durable: after a power failure its process is dead.
 */
export interface Lock {
  /** Aborts, with the error to show, when another process has taken the lock: this one must not write any more. */
  readonly lost: AbortSignal
  /** Deletes the lock, if it is still this process's. Never rejects. */
  release(): Promise<void>
}

export interface LockOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Clock
  readonly pid: number
  readonly host: string
  /** True when a process of this host is alive. */
  readonly isAlive: (pid: number) => boolean
}

interface Holder {
  readonly pid: number
  readonly host: string
  readonly startedAt: number
}

export const LOCK_FILE = 'lock'

const TOUCH_EVERY_MS = 10_000
const STALE_AFTER_MS = 60_000

const holderShape = objectOf<Holder>({ pid: count, host: text, startedAt: time })

/**
 * Takes the lock of a state directory.
 * @throws UsageError when another process holds it; it names pid and host
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { fileSystem, directory, clock, pid, host } = options
  const path = join(directory, LOCK_FILE)
  const content = Buffer.from(`${JSON.stringify({ pid, host, startedAt: clock.wallClock() } satisfies Holder)}\n`)
  if (!(await create(fileSystem, path, content))) {
    await refuseIfHeld(options, path)
    await takeOver(options, path, content)
  }
  return keep(options, path, content)
}

/** False when somebody else has it. */
async function create(fileSystem: FileSystem, path: string, content: Uint8Array): Promise<boolean> {
  try {
    const file = await fileSystem.open(path, 'create')
    try {
      await file.write(content, 0)
    } catch (error) {
      // An empty lock would keep everybody out for a minute.
      await fileSystem.unlink(path).catch(() => {})
      throw error
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function refuseIfHeld(options: LockOptions, path: string): Promise<void> {
  const found = await lookAt(options, path)
  if (found === null || found.isStale) return
  const { holder } = found
  if (holder === null) throw held(path, 'another process, which has just begun or was killed in doing so')
  throw held(path, `${nameOf(holder)}, since ${new Date(holder.startedAt).toISOString()}`)
}

/** Who works on a state directory, in words; null when nobody does. */
export async function holderIn(options: LockOptions): Promise<string | null> {
  const found = await lookAt(options, join(options.directory, LOCK_FILE))
  if (found === null || found.isStale) return null
  return found.holder === null ? 'another process' : nameOf(found.holder)
}

function nameOf({ pid, host }: Holder): string {
  return `process ${pid} on host ${host}`
}

interface FoundLock {
  /** Null when it is not a lock as we write it. */
  readonly holder: Holder | null
  readonly isStale: boolean
}

/** Null when there is no lock. */
async function lookAt({ fileSystem, clock, pid, host, isAlive }: LockOptions, path: string): Promise<FoundLock | null> {
  const holder = await readHolder(fileSystem, path)
  const facts = await fileSystem.stat(path)
  if (facts === null) return null
  const isUntouched = clock.wallClock() - facts.mtimeMs > STALE_AFTER_MS
  if (holder?.host !== host) return { holder, isStale: isUntouched }
  // In a container that was started again everything has the pid it had.
  return { holder, isStale: holder.pid === pid || !isAlive(holder.pid) }
}

/** Null when it is gone, or not a lock as we write it. */
async function readHolder(fileSystem: FileSystem, path: string): Promise<Holder | null> {
  const content = await readWhole(fileSystem, path)
  try {
    return content === null ? null : holderShape(JSON.parse(content.toString('utf8')), '')
  } catch {
    return null
  }
}

function held(path: string, by: string): UsageError {
  return new UsageError(`${dirname(path)} is in use by ${by}`, {
    hint:
      'Wait for it, or give --state DIR for a run of its own. If it no longer runs, a lock of this host frees itself; that of ' +
      `another one does 60 s after its last sign of life. Otherwise delete ${path}.`,
  })
}

/**
 * Replaces a stale lock. Two that found it stale must not both have it: only the one that makes the takeover file goes on, and looks
 * at the lock again. A takeover file that a crash left is passed over for one of the next number, and not deleted before the lock
 * is new: deleting one that others look at would let two of them through.
 */
async function takeOver(options: LockOptions, path: string, content: Uint8Array): Promise<void> {
  const { fileSystem, clock } = options
  const takeovers: string[] = []
  for (let isOurs = false; !isOurs; ) {
    const takeover = `${path}.takeover-${takeovers.length}`
    isOurs = await create(fileSystem, takeover, content)
    const facts = isOurs ? null : await fileSystem.stat(takeover)
    if (facts !== null && clock.wallClock() - facts.mtimeMs <= STALE_AFTER_MS) {
      throw held(path, 'another process, which is taking over the lock of a dead one')
    }
    takeovers.push(takeover)
  }
  try {
    await refuseIfHeld(options, path)
    await replaceFile(fileSystem, path, content)
  } finally {
    for (const takeover of takeovers) await unlinkIfThere(fileSystem, takeover)
  }
}

async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  await fileSystem.unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error
  })
}

function keep({ fileSystem, clock }: LockOptions, path: string, content: Buffer): Lock {
  const released = new AbortController()
  const lost = new AbortController()

  async function isOurs(): Promise<boolean> {
    return (await readWhole(fileSystem, path))?.equals(content) ?? false
  }

  async function touchNow(): Promise<void> {
    if (!(await isOurs())) {
      lost.abort(
        new StoppedError(`another process has taken ${path}`, {
          stopped: 'state',
          hint: 'Leave the state directory to one process; the same command goes on when no other runs.',
        }),
      )
      return
    }
    await fileSystem.touch(path, clock.wallClock())
  }

  async function touchForEver(): Promise<void> {
    for (;;) {
      await clock.sleep(TOUCH_EVERY_MS, released.signal)
      if (released.signal.aborted || lost.signal.aborted) return
      // A disk that fails shows itself where something of the run must be written.
      await touchNow().catch(() => {})
    }
  }

  const touching = touchForEver()
  return {
    lost: lost.signal,
    async release() {
      released.abort()
      await touching
      try {
        if (await isOurs()) await fileSystem.unlink(path)
      } catch {
        // It is stale as soon as this process has ended.
      }
    },
  }
}

/** True when a process of this machine is alive; also when it is another user's. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
