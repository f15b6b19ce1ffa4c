import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { StoppedError, UsageError } from '../errors.ts'
import { type FileSystem, isMissing, type OpenFile, readWhole } from './file-system.ts'
import { type Condition, conditionOf, type Holder, holderOf, nameOf } from './lock-holder.ts'
import type { Processes } from './processes.ts'

/**
 * `lock`: who works on a state directory, one JSON object {pid, processStart, host, boot, pidNamespace, startedAt}, where null is
 * unknown; older versions wrote {pid, host, startedAt}. Its holder touches it every 10 s.
 *
 * Invariants:
 * - At most one process holds it. It is made by `create`, which one process alone can win, and is never absent while it changes hands.
 * - It is taken over when its holder is dead; and when it only seems so, after 15 s in which nobody touched it.
 * - Whoever holds it has seen its own content in it at most 20 s before it changes or sends anything. So a process that was stopped,
 *   or slept with its machine, and lost its lock meanwhile does nothing any more but to end the one call that was under way.
 *
 * When a lock is free (`lock-holder.ts`); what is not "at once" is watched before:
 *
 *     boot and namespace                  process of its pid here     its lock is free
 *     both known, and ours                none                        at once
 *                                         of another start            at once
 *                                         of its start                never: it may be stopped
 *                                         of a start nobody knows     untouched for 60 s: old lock, hidden or foreign /proc
 *     one known, and not ours             means nothing               untouched for 60 s: another host, container or boot
 *     one unknown, to it or to us
 *         another host                    means nothing               untouched for 60 s
 *         our host, our pid               this one                    untouched for 30 s: this container, started again, or another
 *         our host, another pid           none                        watched: an older version that was killed here, most likely
 *                                         any                         untouched for 60 s
 *     none known, and no namespaces here  as above, but
 *         our host, another pid           none                        at once: macOS, Windows
 *     the lock is empty, or no lock       -                           untouched for 60 s
 *
 * A pid namespace without its boot says nothing: its number is the same on many machines. A host name counts only where one of them is
 * unknown: containers share one, and a machine changes its own.
 *
 * Untouched by which clock? The time of the last touch is the holder's wall clock, and is compared with ours. Where that says
 * "touched", it is believed: a clock that is behind ours or ahead makes a lock held for longer, not for shorter. Where it says
 * "untouched", it is not: the clocks of two machines, or of a network mount, may differ by minutes, and a machine that wakes up finds
 * every lock old. So the lock is then watched for longer than two touches are apart, by our own monotonic clock; any change is a sign
 * of life. `status` only reads and does not watch.
 *
 * Write order, and what a crash leaves:
 *
 *     free       create lock, write      an empty lock, free after 60 s
 *     taken over create takeover-0       a takeover file with the same content as a lock, of a dead process; or an empty one, free
 *                                        after 60 s. One process alone can make it
 *                read lock again         the one who won before may hold it by now
 *                rename it to lock       the old or the new one, whole. Fails, if somebody thought us dead and cleaned up
 *                read lock again         as above
 *                unlink dead takeovers   as above: the next to take over passes over them
 *     held       read lock, touch        nothing
 *     release    unlink lock             a lock of a dead process
 *
 * It need not be durable: after a power failure its process is dead.
 */
export interface Lock {
  /** Aborts, with the error to show, when another process has taken the lock: this one must not write any more. */
  readonly lost: AbortSignal
  /**
   * Resolves when the lock was seen to be ours within the last 20 s, at once if it was. To be awaited before every change.
   * @throws StoppedError when it is lost, or cannot be read
   */
  prove(): Promise<void>
  /** Deletes the lock, if it is still this process's. Never rejects. */
  release(): Promise<void>
}

export interface LockOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Clock
  readonly processes: Processes
  /** Shows a line: why nothing happens. */
  readonly tell: (line: string) => void
}

export const LOCK_FILE = 'lock'

/** More than any race takes: a link to nowhere is there, and is not. */
const MOST_ATTEMPTS = 100
const TOUCH_EVERY_MS = 10_000
/** Longer than from touch to touch, with time for a slow disk. */
const WATCH_MS = 15_000
/** Well below the time after which others may take an untouched lock. */
const PROOF_LASTS_MS = 20_000

/**
 * Takes the lock of a state directory.
 * @throws UsageError when another process holds it; it names pid and host
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { fileSystem, directory, clock, processes } = options
  const path = join(directory, LOCK_FILE)
  const { pid, processStart, host, boot, pidNamespace } = processes.self()
  const holder: Holder = { pid, processStart, host, boot, pidNamespace, startedAt: clock.wallClock() }
  const content = Buffer.from(`${JSON.stringify(holder)}\n`)
  for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts++) {
    const provenAt = momentOf(clock)
    if (await create(fileSystem, path, content)) return keep(options, path, content, provenAt)
    const found = await lookAt(options, path)
    if (found === null) continue
    await refuseIfHeld(options, path, found, inWords(found.holder))
    const takenAt = await takeOver(options, path, content, found)
    if (takenAt !== null) return keep(options, path, content, takenAt)
  }
  throw new UsageError(`${path} cannot be read, and cannot be made`, { hint: `Delete ${path}.` })
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

function inWords(holder: Holder | null): string {
  if (holder === null) return 'another process, which has just begun or was killed in doing so'
  return `${nameOf(holder)}, since ${new Date(holder.startedAt).toISOString()}`
}

/**
 * Resolves when a lock, or a takeover file, may be taken: at once, or when it was watched.
 * @throws UsageError when it is held
 */
async function refuseIfHeld(options: LockOptions, path: string, found: FoundLock, by: string): Promise<void> {
  if (found.condition === 'alive') throw held(path, by)
  if (found.condition === 'dead') return
  const seen = `last seen ${Math.round(found.untouchedMs / 1000)} s ago`
  options.tell(
    `${path} seems to be of a dead process, ${seen}: it is watched for ${WATCH_MS / 1000} s before it is taken over`,
  )
  await options.clock.sleep(WATCH_MS)
  if (!isSame(await lookAt(options, path), found)) throw held(path, by)
}

/** Who works on a state directory, in words; null when nobody does. */
export async function holderIn(options: Omit<LockOptions, 'tell'>): Promise<string | null> {
  const found = await lookAt(options, join(options.directory, LOCK_FILE))
  if (found?.condition !== 'alive') return null
  return found.holder === null ? 'another process' : nameOf(found.holder)
}

interface FoundLock {
  readonly content: Buffer
  readonly mtimeMs: number
  /** Null when it is not a lock as we write it. */
  readonly holder: Holder | null
  readonly condition: Condition
  readonly untouchedMs: number
}

/** Null when there is no lock. */
async function lookAt(
  { fileSystem, clock, processes }: Omit<LockOptions, 'tell'>,
  path: string,
): Promise<FoundLock | null> {
  // A network mount asks its server for the time of a file when it is opened: a `stat` before would show one that is remembered.
  const content = await readWhole(fileSystem, path)
  const facts = await fileSystem.stat(path)
  if (content === null || facts === null) return null
  const { mtimeMs } = facts
  const untouchedMs = clock.wallClock() - mtimeMs
  const holder = holderOf(content)
  return { content, mtimeMs, holder, condition: conditionOf(holder, processes, untouchedMs), untouchedMs }
}

/** Untouched in between. */
function isSame(found: FoundLock | null, before: FoundLock): boolean {
  return found !== null && found.mtimeMs === before.mtimeMs && found.content.equals(before.content)
}

function held(path: string, by: string): UsageError {
  return new UsageError(`${dirname(path)} is in use by ${by}`, {
    hint:
      'Wait for it, or give --state DIR for a run of its own. If it no longer runs, its lock frees itself: at once, or, when it ran on ' +
      `another host or in another container, 60 s after its last sign of life. Otherwise delete ${path}.`,
  })
}

/**
 * Replaces a lock that may be taken. Two that found it so must not both have it: only the one that makes the takeover file goes on,
 * and looks at the lock again. A takeover file that a crash left is passed over for one of the next number, and not deleted before
 * the lock is new: deleting one that others look at would let two of them through.
 *
 * Returns when the lock was surely ours; null when it is another one than was found.
 * @throws UsageError when another process is taking it over
 */
async function takeOver(options: LockOptions, path: string, content: Buffer, found: FoundLock): Promise<Moment | null> {
  const { fileSystem, clock } = options
  const passedOver: string[] = []
  let takeover = `${path}.takeover-0`
  while (!(await create(fileSystem, takeover, content))) {
    const other = await lookAt(options, takeover)
    if (other === null) return null
    await refuseIfHeld(options, takeover, other, 'another process, which is taking over the lock of a dead one')
    passedOver.push(takeover)
    takeover = `${path}.takeover-${passedOver.length}`
  }
  try {
    if (!isSame(await lookAt(options, path), found)) {
      await unlinkIfThere(fileSystem, takeover)
      return null
    }
    const takenAt = momentOf(clock)
    await fileSystem.rename(takeover, path)
    if (!(await readWhole(fileSystem, path))?.equals(content)) return null
    // From the last: what a crash leaves has no gap.
    for (const dead of passedOver.reverse()) await unlinkIfThere(fileSystem, dead)
    return takenAt
  } catch (error) {
    if (isMissing(error)) return null
    await fileSystem.unlink(takeover).catch(() => {})
    throw error
  }
}

async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  await fileSystem.unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error
  })
}

function keep({ fileSystem, clock }: LockOptions, path: string, content: Buffer, takenAt: Moment): Lock {
  const released = new AbortController()
  const lost = new AbortController()
  let provenAt = takenAt

  async function isOurs(): Promise<boolean> {
    return (await readWhole(fileSystem, path))?.equals(content) ?? false
  }

  function lose(message: string, cause?: unknown): void {
    const hint = 'Leave the state directory to one process; the same command goes on when no other runs.'
    lost.abort(new StoppedError(message, { stopped: 'state', hint, cause }))
  }

  async function touchNow(): Promise<void> {
    // What was read may be old when the answer comes: this process can be stopped in between.
    const before = momentOf(clock)
    if (!(await isOurs())) {
      lose(`another process has taken ${path}`)
      return
    }
    provenAt = before
    // The content is the proof. A disk that fails shows itself where something of the run must be written.
    await fileSystem.touch(path, clock.wallClock()).catch(() => {})
  }

  async function touchForEver(): Promise<void> {
    for (;;) {
      await clock.sleep(TOUCH_EVERY_MS, released.signal)
      if (released.signal.aborted || lost.signal.aborted) return
      await touchNow().catch(() => {})
    }
  }

  const touching = touchForEver()
  return {
    lost: lost.signal,
    async prove() {
      lost.signal.throwIfAborted()
      while (sinceMs(provenAt, clock) > PROOF_LASTS_MS) {
        await touchNow().catch((error: Error) => lose(`cannot read ${path}: ${error.message}`, error))
        lost.signal.throwIfAborted()
      }
    },
    async release() {
      released.abort()
      await touching
      try {
        if (await isOurs()) await fileSystem.unlink(path)
      } catch {
        // It is free as soon as this process has ended.
      }
    },
  }
}

/** By both clocks: the monotonic one stands still while the machine sleeps, and the other may be set back. */
interface Moment {
  readonly monotonicMs: number
  readonly wallClockMs: number
}

function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.now(), wallClockMs: clock.wallClock() }
}

function sinceMs({ monotonicMs, wallClockMs }: Moment, clock: Clock): number {
  return Math.max(clock.now() - monotonicMs, clock.wallClock() - wallClockMs)
}

/**
 * A file system that changes nothing any more once `prove` rejects: then another process works on these files, and what this one still
 * had to write would stand in the middle of that one's. Its calls then reject with the reason.
 * @param prove asked before each change, as `Lock.prove`
 */
export function whileHeld(fileSystem: FileSystem, prove: () => Promise<void>): FileSystem {
  function held<Given extends unknown[], T>(act: (...given: Given) => Promise<T>): (...given: Given) => Promise<T> {
    return async (...given) => {
      await prove()
      return act(...given)
    }
  }

  const fileOf = (file: OpenFile): OpenFile => ({ ...file, write: held(file.write), truncate: held(file.truncate) })
  return {
    ...fileSystem,
    open: held(async (path, how) => fileOf(await fileSystem.open(path, how))),
    rename: held(fileSystem.rename),
    unlink: held(fileSystem.unlink),
    mkdir: held(fileSystem.mkdir),
  }
}
