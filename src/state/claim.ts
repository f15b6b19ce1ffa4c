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
  /** Null when the directory does not exist yet: `makeDirectory` makes it, once it is certain that the run begins. */
  readonly lock: Lock | null
  /** The checkpoint; null when there is none, or when it cannot be read. */
  readonly saved: Checkpoint | null
  /** Why the run cannot go on: its checkpoint, or a file that this names, is damaged or gone. Null when it can, or a run begins. */
  readonly damage: UsageError | null
}

interface Place {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Clock
  readonly processes: Processes
  /** Ends the wait for the lock: the call then rejects with the signal's reason, and changes nothing. */
  readonly signal: AbortSignal
  /** Shows the user a line: why nothing happens. */
  readonly tell: (line: string) => void
  /** True under `--fresh`: an existing state is moved aside, and its files are not written to. */
  readonly isFresh: boolean
}

/**
 * Takes the lock of a state directory, if the directory exists, and reads its checkpoint.
 * @throws UsageError when another process holds the lock, or the directory is not ours or cannot be used
 */
export async function claimState(place: Place): Promise<Claim> {
  const { fileSystem, directory } = place
  if ((await inDirectory(directory, fileSystem.stat(directory))) === null) {
    return { lock: null, saved: null, damage: null }
  }
  // The check comes before the lock: nothing is touched in a directory that is not ours.
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
 * @throws UsageError when the directory cannot be made, or another process was faster
 */
export async function makeDirectory(place: Place): Promise<Lock> {
  const { fileSystem, directory } = place
  // `lanes/` is made before the lock: a crash must not leave a lone lock, which could be any program's.
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

/** Errors when syncing directories that we may write but not read. */
const CANNOT_BE_SYNCED = new Set(['EACCES', 'EPERM'])

/** Makes a directory, and syncs its name: a power failure must not take it away with all that is synced within. */
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
 * Adds the name of the state directory to an error of the system.
 * @throws Braze2ampError for an error of the system; any other error unchanged
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
 * Repairs what a killed `retry` left. If it was killed before its checkpoint, `retrying.ndjson` still is the dead letters, and the new
 * `dead-letters.ndjson` has fewer bytes than the checkpoint knows. After its last checkpoint, `retrying.ndjson` is worth nothing.
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
 * Files that are not ours stay where they are.
 *
 * The checkpoint goes first. What a crash leaves:
 *
 *     make old-<UTC>, sync   the state before, and an empty old-<UTC>
 *     move the checkpoint    the same, or the next
 *     sync both directories  the rest without a checkpoint: no command goes on with it, and `--fresh` moves it. The checkpoint in
 *     move the rest, sync    old-<UTC> shows that the directory is ours (`ownership.ts`), even when other files are in it
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
