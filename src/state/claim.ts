import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { type Braze2ampError, UsageError } from '../errors.ts'
import { CHECKPOINT_FILE, type Checkpoint, resumeCheckpoint } from './checkpoint.ts'
import { DELIVERED_FILE } from './delivered-files.ts'
import { type FileSystem, refusedByDisk } from './file-system.ts'
import { RETRYING_FILE } from './input-plan.ts'
import { acquireLock, type Lock, whileHeld } from './lock.ts'
import { isOwnName, mustBeOurs, whatIsGone } from './ownership.ts'
import type { Processes } from './processes.ts'
import { DEAD_LETTERS_FILE, LANES_DIRECTORY } from './state-directory.ts'

/** A state directory that this process alone works on. */
export interface Claim {
  /** Null when the directory is not there yet: `makeDirectory` makes it, once it is sure that the run begins. */
  readonly lock: Lock | null
  /** The checkpoint; null when there is none, or it cannot be read. */
  readonly saved: Checkpoint | null
  /** Why the run cannot go on: its checkpoint, or what that names, is damaged or gone; null when it can, or a run begins. */
  readonly damage: UsageError | null
}

interface Place {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Clock
  readonly processes: Processes
  /** Ends waiting for the lock: the call then rejects with its reason, and nothing is changed. */
  readonly signal: AbortSignal
  /** Shows a line: why nothing happens. */
  readonly tell: (line: string) => void
  /** A state that is there is to be moved aside: nothing of it is written to. */
  readonly isFresh: boolean
}

/**
 * Takes the lock of a state directory, if it is there, and reads its checkpoint.
 * @throws UsageError when another process holds it, or the directory is not ours or cannot be used
 */
export async function claimState(place: Place): Promise<Claim> {
  const { fileSystem, directory } = place
  if ((await inDirectory(directory, fileSystem.stat(directory))) === null) {
    return { lock: null, saved: null, damage: null }
  }
  // Before the lock: of what is not ours nothing is touched.
  await inDirectory(directory, mustBeOurs(place))
  const lock = await lockOf(place)
  try {
    const saved = await resumeCheckpoint(fileSystem, directory)
    if (saved === null) {
      const damage = await mustBeOurs(place)
      // The process that made the directories may have been killed before it synced their names.
      if (damage === null) await syncNames(fileSystem, directoriesAbove(directory))
      return { lock, saved, damage }
    }
    await mendRetry(whileHeld(fileSystem, lock.prove), directory, saved)
    return { lock, saved, damage: await whatIsGone(fileSystem, directory, saved) }
  } catch (error) {
    if (error instanceof UsageError) return { lock, saved: null, damage: error }
    await lock.release()
    throw isOfSystem(error) ? unusable(directory, error) : error
  }
}

/**
 * Makes the directory of a run that begins, and takes its lock.
 * @throws UsageError when it cannot be made, or another process was faster
 */
export async function makeDirectory(place: Place): Promise<Lock> {
  const { fileSystem, directory } = place
  // With what is in ours alone: a crash of this process must not leave a lock by itself, which could be anybody's.
  await inDirectory(directory, makeDurably(fileSystem, join(directory, LANES_DIRECTORY)))
  const damage = await inDirectory(directory, mustBeOurs(place))
  if (damage !== null) throw damage
  const lock = await lockOf(place)
  const saved = await inDirectory(directory, resumeCheckpoint(fileSystem, directory)).catch(async (error: unknown) => {
    await lock.release()
    throw error
  })
  if (saved === null) return lock
  await lock.release()
  throw new UsageError(`another process has begun a run in ${directory} meanwhile`, {
    hint: 'The same command goes on with that run; --state DIR names another directory.',
  })
}

/** Errors of directories in which we may write but not read. */
const CANNOT_BE_SYNCED = new Set(['EACCES', 'EPERM'])

/** A power failure must not take the directory away, with all that is synced within. */
async function makeDurably(fileSystem: FileSystem, directory: string): Promise<void> {
  const changed: string[] = []
  for (let made = directory; (await fileSystem.stat(made)) === null; made = dirname(made)) changed.push(dirname(made))
  await fileSystem.mkdir(directory)
  await syncNames(fileSystem, changed)
}

function directoriesAbove(path: string): string[] {
  const above = dirname(path)
  return above === path ? [] : [above, ...directoriesAbove(above)]
}

async function syncNames(fileSystem: FileSystem, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    await fileSystem.syncDirectory(directory).catch((error: NodeJS.ErrnoException) => {
      if (!CANNOT_BE_SYNCED.has(error.code ?? '')) throw error
    })
  }
}

function lockOf(place: Place): Promise<Lock> {
  return inDirectory(place.directory, acquireLock(place))
}

/**
 * Names the state directory in what the system says of it.
 * @throws Braze2ampError for an error of the system; any other as it is
 */
export async function inDirectory<T>(directory: string, act: Promise<T>): Promise<T> {
  try {
    return await act
  } catch (error) {
    throw isOfSystem(error) ? unusable(directory, error) : error
  }
}

function isOfSystem(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code !== undefined
}

function unusable(directory: string, cause: unknown): Braze2ampError {
  return refusedByDisk(`the state directory ${directory} cannot be used`, cause)
}

/**
 * Puts right what a `retry` left that was killed: before its checkpoint, its file is the dead letters still, and fewer bytes of a new
 * one are there than the checkpoint knows; after its last checkpoint, its file is worth nothing.
 */
async function mendRetry(fileSystem: FileSystem, directory: string, { open, logs }: Checkpoint): Promise<void> {
  const retrying = join(directory, RETRYING_FILE)
  const letters = join(directory, DEAD_LETTERS_FILE)
  if (open.some(({ kind }) => kind === 'retry') || (await fileSystem.stat(retrying)) === null) return
  const size = (await fileSystem.stat(letters))?.size ?? 0
  if (size < (logs[DEAD_LETTERS_FILE] ?? 0)) await fileSystem.rename(retrying, letters)
  else await fileSystem.unlink(retrying)
  await fileSystem.syncDirectory(directory)
}

/**
 * Moves a run's state into `old-<UTC>/` within the directory, all but `files.ndjson` and the lock; returns that name (state/README.md §5).
 * What is not ours stays where it is.
 *
 * The checkpoint goes first. What a crash leaves:
 *
 *     make old-<UTC>, sync   the state before, and an empty old-<UTC>
 *     move the checkpoint    the same, or the next
 *     sync both directories  the rest without a checkpoint: no command goes on with it, and `--fresh` moves it. By the checkpoint in
 *     move the rest, sync    old-<UTC> the directory is known as ours (`ownership.ts`), also when other files are in it
 *     (first checkpoint)     a run that has not begun
 */
export async function moveAside(fileSystem: FileSystem, directory: string, nowMs: number): Promise<string> {
  const names = (await fileSystem.readdir(directory)).filter((name) => isOwnName(name) && name !== DELIVERED_FILE)
  const utc = new Date(nowMs).toISOString().replaceAll(':', '-')
  const target = `old-${utc}`
  await fileSystem.mkdir(join(directory, target))
  await fileSystem.syncDirectory(directory)
  for (const isFirst of [true, false]) {
    for (const name of names) {
      if ((name === CHECKPOINT_FILE) === isFirst)
        await fileSystem.rename(join(directory, name), join(directory, target, name))
    }
    await fileSystem.syncDirectory(join(directory, target))
    await fileSystem.syncDirectory(directory)
  }
  return target
}
