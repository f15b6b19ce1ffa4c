import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { StoppedError, UsageError } from '../errors.ts'
import { type FileSystem, isMissing, type OpenFile, readWhole } from './file-system.ts'
import { type Condition, conditionOf, type Holder, holderOf, nameOf } from './lock-holder.ts'
import type { Processes } from './processes.ts'

/**
 * `lock`: who works on a state directory. It is one JSON object {pid, processStart, host, boot, pidNamespace, startedAt}, where null
 * means unknown; older versions wrote {pid, host, startedAt}. The holder touches the lock every 10 s.
 *
 * Invariants:
 * - At most one process holds the lock. `create` makes it, which one process alone can win. It is never absent while it changes hands.
 * - Another process takes the lock over only when the holder is surely dead, or gave no sign of life during a watch. A watch is longer
 *   than a proof lasts and one call takes.
 * - Before the holder changes or sends anything, it has a proof that is at most 20 s old: it read its own content in the lock, and
 *   touched the lock. A process may lose its lock while it is stopped, sleeps with its machine, or cannot touch the lock. Such a
 *   process only ends the one call that was under way.
 *
 * When a lock is free (`lock-holder.ts`):
 *
 *     boot and namespace in the lock      process here with its pid   the lock is free
 *     both known, and ours                has its start               never: the process may be stopped
 *         our host                        none                        at once
 *                                         has another start           at once
 *                                         its start is not known      watched: 60 s; refused at once when touched within 60 s
 *         another host                    none, or another            watched: 60 s: a machine that was cloned while it ran, or another
 *                                                                     container in the namespace of this machine
 *     one known, and not ours
 *         our host, our pid               means nothing               watched: 30 s: this container or machine, started again
 *         else                            means nothing               watched: 60 s: another host, container or boot
 *     one unknown, in the lock or to us
 *         another host                    means nothing               watched: 60 s
 *         our host, our pid               this one                    watched: 30 s: this container, started again, or another
 *         our host, another pid           none                        watched: an older version that was killed here, most likely
 *                                         any                         watched: 60 s
 *     none known, and no namespaces here  as above, but
 *         our host, another pid           as in the first lines: macOS, Windows
 *     the lock is empty, or no lock       -                           watched: 60 s
 *
 * A pid namespace without its boot says nothing: its number is the same on many machines. A host name alone proves neither life nor
 * death: containers share a host name, and a machine may change its own.
 *
 * The watch. Nobody here can see whether the holder lives, however new the lock is: a container that was killed and started again
 * finds a lock that was touched a moment ago. So the lock is read every second. Any change is a sign of life, and ends the command; a
 * live holder gives one within 10 s. The lock is taken over when it stays untouched for the time in the table, and in any case for
 * longer than a proof lasts.
 *
 * The clocks. During the watch, our own monotonic clock measures how long the lock is untouched. For the time before the watch we can
 * only compare the holder's wall clock with ours. That time shortens the watch, but only down to its minimum: clocks of two machines,
 * or of a network mount, may differ by hours, and a machine that wakes up finds every lock old. A clock that is ahead makes no watch
 * longer. `status` only reads the lock, and believes the wall clock.
 *
 * A touch sets the file's time of last change. Where the system refuses that, or the time does not change, the holder writes the same
 * bytes in place. It reads the file after opening it, and so never overwrites the lock of another process, which is another file.
 *
 * Write order, and what a crash leaves:
 *
 *     free       create lock, write      an empty lock, free after 60 s
 *     taken over create takeover-0       a takeover file with the same content as a lock, of a dead process; or an empty one, free
 *                                        after 60 s. One process alone can make it
 *                read lock again         the same: a process that won before us may hold the lock by now
 *                rename it to lock       the old or the new lock, whole. Fails if another process thought us dead and cleaned up
 *                unlink dead takeovers   dead takeover files, which the next process to take over passes over
 *                read lock again         the same: until they were gone, one of them may have been renamed to the lock
 *     held       read lock, touch        nothing
 *                or write it in place    the same bytes
 *     release    unlink lock             a lock of a dead process
 *
 * The lock need not be durable: after a power failure its process is dead.
 */
export interface Lock {
  /** Aborts, with the error to show, when another process has taken the lock: this process must not write any more. */
  readonly lost: AbortSignal
  /**
   * Resolves when the lock was ours and was touched within the last 20 s; touches it first if need be. Await it before every change.
   * @throws StoppedError when the lock is lost, or cannot be read or touched
   */
  prove(): Promise<void>
  /** Deletes the lock if this process still holds it. Never rejects. */
  release(): Promise<void>
}

export interface LockOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Clock
  readonly processes: Processes
  /** Ends the watch of a lock, without any change. */
  readonly signal: AbortSignal
  /** Shows the user a line: why nothing happens, or what will end the run. */
  readonly tell: (line: string) => void
}

/** What is needed to look at a lock. */
type Place = Omit<LockOptions, 'signal' | 'tell'>

export const LOCK_FILE = 'lock'

/** More than any race takes. The limit is for a dangling link, which can neither be created nor read, however often we try. */
const MOST_ATTEMPTS = 100
const TOUCH_EVERY_MS = 10_000
const PROOF_LASTS_MS = 2 * TOUCH_EVERY_MS
/** A call that the holder began in the last moment of its proof ends within this time. */
const CALL_TAKES_MS = 5000
/** A holder that touched its lock just before the watch began acts for no longer than this. */
const LEAST_WATCH_MS = PROOF_LASTS_MS + CALL_TAKES_MS
const LOOK_EVERY_MS = 1000
/** File systems keep times in steps of up to this length: a second touch within one step may not show. */
const COARSEST_TIME_MS = 2000

/**
 * Takes the lock of a state directory.
 * @throws UsageError when another process holds it; it names pid and host
 * @throws the signal's reason when it aborts
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
    if (!(await isFree(options, path, found, inWords))) continue
    const takenAt = await takeOver(options, path, content, found)
    if (takenAt !== null) return keep(options, path, content, takenAt)
  }
  throw new UsageError(`${path} cannot be read, and cannot be made`, { hint: `Delete ${path}.` })
}

/** Makes the file; false when it exists already. */
async function create(fileSystem: FileSystem, path: string, content: Uint8Array): Promise<boolean> {
  try {
    const file = await fileSystem.open(path, 'create')
    try {
      await file.write(content, 0)
    } catch (error) {
      // An empty lock would keep every process out for a minute.
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
 * True when a lock, or a takeover file, may be taken as it was found. False when the file or its process is gone by now: then look
 * again. Watches the file where the condition is doubtful.
 * @throws UsageError when a process holds the file
 * @throws the signal's reason when it aborts
 */
async function isFree(
  options: LockOptions,
  path: string,
  found: FoundLock,
  inWords: (holder: Holder | null) => string,
): Promise<boolean> {
  const { clock, signal, tell } = options
  if (found.condition === 'alive') throw held(path, inWords(found.holder))
  if (found.condition === 'dead') return true
  const watchMs = Math.max(LEAST_WATCH_MS, found.condition.freeAfterMs - Math.max(0, found.untouchedMs))
  const overAt = clock.now() + watchMs
  const until = new Date(clock.wallClock() + watchMs).toISOString()
  tell(
    `${path} is of ${inWords(found.holder)}, and nobody here can see whether that still runs: it is watched for a sign of life, and ` +
      `taken over if none comes until ${until}`,
  )
  for (;;) {
    await clock.sleep(Math.max(1, Math.min(LOOK_EVERY_MS, overAt - clock.now())), signal)
    signal.throwIfAborted()
    const isOver = clock.now() >= overAt
    const now = await lookAt(options, path)
    if (now === null || now.condition === 'dead') return false
    if (!isSame(now, found)) throw held(path, inWords(now.holder))
    if (isOver) return true
  }
}

/** The process that works on a state directory, in words; null when there is none. */
export async function holderIn(options: Place): Promise<string | null> {
  const found = await lookAt(options, join(options.directory, LOCK_FILE))
  if (found === null || !seemsAlive(found)) return null
  return found.holder === null ? 'another process' : nameOf(found.holder)
}

function seemsAlive({ condition, untouchedMs }: FoundLock): boolean {
  if (condition === 'alive' || condition === 'dead') return condition === 'alive'
  return Math.max(0, untouchedMs) < condition.freeAfterMs
}

interface FoundLock {
  readonly content: Buffer
  readonly mtimeMs: number
  /** Null when the content is not as we write it. */
  readonly holder: Holder | null
  readonly condition: Condition
  readonly untouchedMs: number
}

/** Null when there is no lock. */
async function lookAt({ fileSystem, clock, processes }: Place, path: string): Promise<FoundLock | null> {
  // Reading comes before `stat`: a network mount asks its server for a file's time when the file is opened, and else may show an old one.
  const content = await readWhole(fileSystem, path)
  const facts = await fileSystem.stat(path)
  if (content === null || facts === null) return null
  const { mtimeMs } = facts
  const untouchedMs = clock.wallClock() - mtimeMs
  const holder = holderOf(content)
  return { content, mtimeMs, holder, condition: conditionOf(holder, processes, untouchedMs), untouchedMs }
}

/** True when the lock was neither replaced nor touched in between. */
function isSame(found: FoundLock | null, before: FoundLock): boolean {
  return found !== null && found.mtimeMs === before.mtimeMs && found.content.equals(before.content)
}

function held(path: string, by: string): UsageError {
  return new UsageError(`${dirname(path)} is in use by ${by}`, {
    hint:
      'Wait for it, or give --state DIR for a run of its own. If it no longer runs, its lock frees itself: at once, or, when it ran on ' +
      `another host or in another container, 60 s after its last sign of life, for which the same command waits. Otherwise delete ${path}.`,
  })
}

/**
 * Replaces a lock that may be taken. Two processes may find the same lock free, but only one may get it: the one that makes the
 * takeover file goes on, and looks at the lock again. A takeover file that a crash left is passed over, and the next number is tried.
 * The old file is deleted only after the lock is replaced: if it vanished while others look at it, two of them could get through.
 *
 * Returns a moment at which the lock was surely ours; null when the lock is no longer the one that was found.
 * @throws UsageError when another process is taking the lock over
 * @throws the signal's reason when it aborts
 */
async function takeOver(options: LockOptions, path: string, content: Buffer, found: FoundLock): Promise<Moment | null> {
  const { fileSystem, clock } = options
  const passedOver: string[] = []
  let takeover = `${path}.takeover-0`
  while (!(await create(fileSystem, takeover, content))) {
    const other = await lookAt(options, takeover)
    if (other === null) return null
    const inWords = () => 'another process, which is taking over the lock of a dead one'
    if (!(await isFree(options, takeover, other, inWords))) return null
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
    // The highest number is deleted first, so that the files a crash leaves have no gap in their numbers.
    for (const dead of passedOver.reverse()) await unlinkIfThere(fileSystem, dead)
    // A process that made one of these takeover files may have been stopped just before its rename, and have renamed it by now.
    return (await readWhole(fileSystem, path))?.equals(content) ? takenAt : null
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

function keep({ fileSystem, clock, tell }: LockOptions, path: string, content: Buffer, takenAt: Moment): Lock {
  const released = new AbortController()
  const lost = new AbortController()
  let provenAt = takenAt
  let touch: Promise<void> | null = null

  async function isOurs(): Promise<boolean> {
    return (await readWhole(fileSystem, path))?.equals(content) ?? false
  }

  function loseToAnother(): void {
    const hint = 'Leave the state directory to one process; the same command goes on when no other runs.'
    lost.abort(new StoppedError(`another process has taken ${path}`, { stopped: 'state', hint }))
  }

  function loseToDisk(cause: Error): void {
    const hint = 'Mend the disk or mount; the same command goes on.'
    lost.abort(new StoppedError(`${path} cannot be touched: ${cause.message}`, { stopped: 'state', hint, cause }))
  }

  /** Rejects when the lock cannot be read, or when its touch does not show to others. */
  async function touchAlone(): Promise<void> {
    // The proof counts from before the read: this process can be stopped during it, and the answer is old then.
    const before = momentOf(clock)
    if (!(await isOurs())) return loseToAnother()
    const mtimeMs = await mtimeOf(fileSystem, path)
    const refused = await fileSystem.touch(path, clock.wallClock()).catch((error: unknown) => error)
    if (refused !== undefined || (await mtimeOf(fileSystem, path)) === mtimeMs) {
      if (!(await writeAgain(fileSystem, path, content))) return loseToAnother()
      if ((await mtimeOf(fileSystem, path)) === mtimeMs) throw new Error('the time of its last change stays as it is')
    }
    provenAt = before
  }

  /** Touches one at a time: a second touch within the same step of the file's time would look like a failed one. */
  function touchNow(): Promise<void> {
    touch ??= touchAlone().finally(() => {
      touch = null
    })
    return touch
  }

  async function touchForEver(): Promise<void> {
    let hasTold = false
    for (;;) {
      await clock.sleep(TOUCH_EVERY_MS, released.signal)
      if (released.signal.aborted || lost.signal.aborted) return
      if (sinceMs(provenAt, clock) < COARSEST_TIME_MS) continue
      await touchNow().catch(({ message }: Error) => {
        if (!hasTold)
          tell(`${path} cannot be touched: ${message}. This run stops if that lasts: others would take it for dead`)
        hasTold = true
      })
    }
  }

  const touching = touchForEver()
  return {
    lost: lost.signal,
    async prove() {
      lost.signal.throwIfAborted()
      while (sinceMs(provenAt, clock) > PROOF_LASTS_MS) {
        await touchNow().catch(loseToDisk)
        lost.signal.throwIfAborted()
      }
    },
    async release() {
      released.abort()
      await touching
      try {
        if (await isOurs()) await fileSystem.unlink(path)
      } catch {
        // The lock is free anyway as soon as this process has ended.
      }
    },
  }
}

async function mtimeOf(fileSystem: FileSystem, path: string): Promise<number | null> {
  return (await fileSystem.stat(path))?.mtimeMs ?? null
}

/** Writes the same bytes in place. When the file holds other bytes, writes nothing and returns false. */
async function writeAgain(fileSystem: FileSystem, path: string, content: Buffer): Promise<boolean> {
  const file = await fileSystem.open(path, 'write')
  try {
    const found = Buffer.alloc(await file.size())
    await file.read(found, 0)
    if (!found.equals(content)) return false
    await file.write(content, 0)
    return true
  } finally {
    await file.close()
  }
}

/** A time by both clocks: the monotonic clock stands still while the machine sleeps, and the wall clock may be set back. */
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
 * A file system that changes nothing any more once `prove` rejects: its calls then reject with the same reason. Another process works on
 * these files then, and a late write of ours would land in the middle of its data.
 * @param prove called before each change, as `Lock.prove`
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
