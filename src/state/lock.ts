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
 * - It is taken over when its holder is surely dead, or gave no sign of life while it was watched. A watch is longer than a proof
 *   lasts and one call takes.
 * - Whoever holds it has proven it at most 20 s before it changes or sends anything: it has read its own content, and touched it then.
 *   So a process that was stopped, or slept with its machine, or cannot touch any more, and lost its lock meanwhile does nothing any
 *   more but to end the one call that was under way.
 *
 * When a lock is free (`lock-holder.ts`):
 *
 *     boot and namespace                  process of its pid here     its lock is free
 *     both known, and ours                of its start                never: it may be stopped
 *         our host                        none                        at once
 *                                         of another start            at once
 *                                         of a start nobody knows     watched: 60 s; refused at once when touched within 60 s
 *         another host                    none, or another            watched: 60 s: a machine that was cloned while it ran, or another
 *                                                                     container in the namespace of this machine
 *     one known, and not ours
 *         our host, our pid               means nothing               watched: 30 s: this container or machine, started again
 *         else                            means nothing               watched: 60 s: another host, container or boot
 *     one unknown, to it or to us
 *         another host                    means nothing               watched: 60 s
 *         our host, our pid               this one                    watched: 30 s: this container, started again, or another
 *         our host, another pid           none                        watched: an older version that was killed here, most likely
 *                                         any                         watched: 60 s
 *     none known, and no namespaces here  as above, but
 *         our host, another pid           as in the first lines: macOS, Windows
 *     the lock is empty, or no lock       -                           watched: 60 s
 *
 * A pid namespace without its boot says nothing: its number is the same on many machines. A host name alone proves no life and no
 * death: containers share one, and a machine changes its own.
 *
 * Watched: nobody here can see whether its holder lives, however new the lock is: a container that was killed and started again finds
 * one that was touched a moment ago. So it is read every second. Any change is a sign of life, and ends the command; a live holder
 * gives one within 10 s. It is taken over when it stays untouched for the time that the table says, and in any case for longer than
 * a proof lasts.
 *
 * Untouched by which clock? While it is watched, by our own monotonic one. What it was untouched before is the holder's wall clock
 * compared with ours, and shortens the watch only down to its least: clocks of two machines, or of a network mount, may differ by
 * hours, and a machine that wakes up finds every lock old. A clock that is ahead makes no watch longer. `status` only reads, and
 * believes the wall clock.
 *
 * A touch sets the time of the last change. Where the system refuses that, or the time stays as it was, the same bytes are written in
 * place: through a file that was read after it was opened, so that they never overwrite the lock of another, which is another file.
 *
 * Write order, and what a crash leaves:
 *
 *     free       create lock, write      an empty lock, free after 60 s
 *     taken over create takeover-0       a takeover file with the same content as a lock, of a dead process; or an empty one, free
 *                                        after 60 s. One process alone can make it
 *                read lock again         the one who won before may hold it by now
 *                rename it to lock       the old or the new one, whole. Fails, if somebody thought us dead and cleaned up
 *                unlink dead takeovers   as above: the next to take over passes over them
 *                read lock again         as above: one of them may have been renamed once more, until it was gone
 *     held       read lock, touch        nothing
 *                or write it in place    the same bytes
 *     release    unlink lock             a lock of a dead process
 *
 * It need not be durable: after a power failure its process is dead.
 */
export interface Lock {
  /** Aborts, with the error to show, when another process has taken the lock: this one must not write any more. */
  readonly lost: AbortSignal
  /**
   * Resolves when the lock was ours, and touched, within the last 20 s, at once if it was. To be awaited before every change.
   * @throws StoppedError when it is lost, or cannot be read or touched
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
  /** Ends the watch of a lock: nothing is changed then. */
  readonly signal: AbortSignal
  /** Shows a line: why nothing happens, or what will end the run. */
  readonly tell: (line: string) => void
}

/** All that looking at a lock asks for. */
type Place = Omit<LockOptions, 'signal' | 'tell'>

export const LOCK_FILE = 'lock'

/** More than any race takes: a link to nowhere is there, and is not. */
const MOST_ATTEMPTS = 100
const TOUCH_EVERY_MS = 10_000
/** Two touches. */
const PROOF_LASTS_MS = 2 * TOUCH_EVERY_MS
/** What a holder has begun with a proof of the last moment ends in so long. */
const CALL_TAKES_MS = 5000
/** A holder that was last touched just before the watch acts for no longer than that. */
const LEAST_WATCH_MS = PROOF_LASTS_MS + CALL_TAKES_MS
const LOOK_EVERY_MS = 1000
/** File systems keep times in steps of up to so long: a second touch within one may not show. */
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
 * True when a lock, or a takeover file, may be taken as it was found; false when it is gone, or its process is by now. Watches it
 * where that has to be.
 * @throws UsageError when it is held
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

/** Who works on a state directory, in words; null when nobody does. */
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
  /** Null when it is not a lock as we write it. */
  readonly holder: Holder | null
  readonly condition: Condition
  readonly untouchedMs: number
}

/** Null when there is no lock. */
async function lookAt({ fileSystem, clock, processes }: Place, path: string): Promise<FoundLock | null> {
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
      `another host or in another container, 60 s after its last sign of life, for which the same command waits. Otherwise delete ${path}.`,
  })
}

/**
 * Replaces a lock that may be taken. Two that found it so must not both have it: only the one that makes the takeover file goes on,
 * and looks at the lock again. A takeover file that a crash left is passed over for one of the next number, and not deleted before
 * the lock is new: deleting one that others look at would let two of them through.
 *
 * Returns when the lock was surely ours; null when it is another one than was found.
 * @throws UsageError when another process is taking it over
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
    // From the last: what a crash leaves has no gap.
    for (const dead of passedOver.reverse()) await unlinkIfThere(fileSystem, dead)
    // The maker of one of them may have been stopped just before it renamed it, and have done so by now.
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

  /** Rejects when the lock cannot be read, or others cannot see that it was touched. */
  async function touchAlone(): Promise<void> {
    // What was read may be old when the answer comes: this process can be stopped in between.
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

  /** One at a time: two within a step of the file's time would look like one that has failed. */
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
        // It is free as soon as this process has ended.
      }
    },
  }
}

/** Null when there is no such file. */
async function mtimeOf(fileSystem: FileSystem, path: string): Promise<number | null> {
  return (await fileSystem.stat(path))?.mtimeMs ?? null
}

/** Writes the same bytes in place; false, and nothing is written, when the file has others. */
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
