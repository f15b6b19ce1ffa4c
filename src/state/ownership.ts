import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import { CHECKPOINT_FILE, type Checkpoint, readCheckpoint } from './checkpoint.ts'
import { beginsAsDeliveredFiles, DELIVERED_FILE } from './delivered-files.ts'
import { type FileFacts, type FileSystem, mustBeOwnFile, readWhole } from './file-system.ts'
import { RETRYING_FILE } from './input-plan.ts'
import { beginsAsLetter } from './letter.ts'
import { LOCK_FILE } from './lock.ts'
import { DOUBTFUL_AFTER_MS } from './lock-holder.ts'
import { HEADER_BYTES, isFirstHeader, SEEN_FILES } from './seen-logs.ts'
import { DEAD_LETTERS_FILE, LANE_FILE, LANES_DIRECTORY } from './state-directory.ts'

/**
 * Tells whether a directory that is given as state directory is ours. In any other, nothing may be written, cut, moved or deleted.
 *
 * A directory is ours when it is empty; when it has a checkpoint of ours, whole or damaged, perhaps in an `old-<UTC>/` of `--fresh`; or
 * when it has only what our crash leaves before the first checkpoint, also after `--fresh`:
 *
 *     lock, lock.…          whole, empty, torn or zeros
 *     old-<UTC>/            moved aside before
 *     files.ndjson          of the runs before: whole lines
 *     lanes/                empty
 *     seen-a.bin            at most the header of a first file, torn or zeros
 *     checkpoint.json.new   torn or zeros
 *
 * Another program may use our names too. A `checkpoint.json` that is a directory, or JSON with neither `version` nor `run`, counts as a
 * damaged one of ours only beside letters, lane files or seen events that are surely ours. Those are known by how they begin.
 *
 * An empty lock with nothing beside it may be anybody's. Our crash between making and writing a lock leaves one in a directory that
 * existed before, but so do many programs that only lock. So a person is asked to delete it. While the lock is young, a process may be
 * about to write it, and it is respected like every lock (`lock.ts`).
 *
 * No file of ours may be a link. No file that is written in place may have another name elsewhere: the write would change something that
 * is not ours. The lock and the checkpoint are only replaced. What `--fresh` moves aside, all but `files.ndjson`, is only renamed.
 */

/** A new file system has this in its uppermost directory. */
const LOST_AND_FOUND = 'lost+found'
const MOVED = /^old-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/
const NEW_CHECKPOINT = `${CHECKPOINT_FILE}.new`
const NAMES = new Set<string>([
  CHECKPOINT_FILE,
  NEW_CHECKPOINT,
  DELIVERED_FILE,
  DEAD_LETTERS_FILE,
  RETRYING_FILE,
  LANES_DIRECTORY,
  ...SEEN_FILES,
])
const SHOWN = 3
/** Of a longer first line, only this many bytes are looked at. */
const MOST_OF_A_LETTER = 1 << 20
/** Bytes of the first word of a file of seen events. */
const MAGIC_BYTES = 4

/** True for the names that we make in a state directory, except `lock` and the `old-<UTC>/` of `--fresh`. */
export function isOwnName(name: string): boolean {
  return NAMES.has(name)
}

function isLockName(name: string): boolean {
  return name === LOCK_FILE || name.startsWith(`${LOCK_FILE}.`) || name.startsWith(`${LOCK_FILE}-`)
}

interface Place {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Pick<Clock, 'wallClock'>
  /** True under `--fresh`: an existing state is moved aside, and of its files only `files.ndjson` is written to. */
  readonly isFresh: boolean
}

/** What is in a directory. */
interface Found {
  /** The entries with names of ours. */
  readonly own: ReadonlyMap<string, FileFacts>
  readonly foreign: readonly string[]
}

/**
 * Looks at an existing directory, and changes nothing.
 * @returns an error to show when the directory is ours, but its checkpoint is gone; null when a run may begin or go on, or when reading
 *   the checkpoint will say why not
 * @throws UsageError when the directory is not ours, or has links in it
 */
export async function mustBeOurs(place: Place): Promise<UsageError | null> {
  const { fileSystem, directory } = place
  const { own, foreign } = await contentOf(fileSystem, directory)
  for (const [name, facts] of own) {
    const isOnlyReplaced = isLockName(name) || name === CHECKPOINT_FILE || (place.isFresh && name !== DELIVERED_FILE)
    mustBeOwnFile(join(directory, name), isOnlyReplaced ? { ...facts, links: 1 } : facts)
  }
  mustBeOfItsKind(directory, own)
  if (foreign.length === 0) mustNotBeLoneLock(place, own)

  const hasCheckpoint = own.has(CHECKPOINT_FILE)
  if (hasCheckpoint && !(await isOfAnotherProgram(fileSystem, join(directory, CHECKPOINT_FILE)))) {
    if (foreign.length > 0) await mustHaveCheckpoint(fileSystem, directory, foreign, own)
    return null
  }
  const remains: string[] = []
  const unlike: string[] = []
  for (const [name, facts] of own) {
    if (name === CHECKPOINT_FILE) continue
    const is = await whatIs(fileSystem, join(directory, name), name, facts)
    if (is === 'foreign') unlike.push(name)
    if (is === 'remains') remains.push(name)
  }
  const areAllOurs = foreign.length + unlike.length === 0 && (!hasCheckpoint || remains.length > 0)
  if (!areAllOurs && (await newestMoved(fileSystem, directory, own)) === null) {
    throw notOurs(directory, [...(hasCheckpoint ? [CHECKPOINT_FILE] : []), ...foreign, ...unlike])
  }
  remains.push(...unlike)
  if (hasCheckpoint || remains.length === 0) return null
  return checkpointGone(directory, remains, await newestMoved(fileSystem, directory, own))
}

/**
 * The error to show when a file that the checkpoint names is gone; null when all are there. When a `--fresh` of an older version was
 * ended in the middle, files are gone.
 */
export async function whatIsGone(
  fileSystem: FileSystem,
  directory: string,
  { logs, lanes, open }: Checkpoint,
): Promise<UsageError | null> {
  const { own } = await contentOf(fileSystem, directory)
  const named = Object.keys(logs).filter((name) => (logs[name] ?? 0) > 0)
  if (lanes.length > 0) named.push(LANES_DIRECTORY)
  if (open.some(({ kind }) => kind === 'retry')) named.push(RETRYING_FILE)
  const gone = named.find((name) => !own.has(name))
  if (gone === undefined) return null
  const bytes = logs[gone]
  const known = bytes === undefined ? 'names it' : `knows ${bytes} bytes of it`
  const moved = await newestWith(fileSystem, directory, own, gone)
  return new UsageError(
    `${join(directory, gone)} is gone, but the checkpoint ${known}${moved === null ? '' : `; ${moved} has one`}`,
    {
      hint: `Nothing was read or sent. Put it back${fromMoved(moved)}, or begin anew: --fresh moves this state aside, --state DIR names another.`,
    },
  )
}

async function contentOf(fileSystem: FileSystem, directory: string): Promise<Found> {
  const own = new Map<string, FileFacts>()
  const foreign: string[] = []
  for (const name of await fileSystem.readdir(directory)) {
    const isOwn = isOwnName(name) || isLockName(name) || MOVED.test(name)
    if (!isOwn && name !== LOST_AND_FOUND) foreign.push(name)
    const facts = isOwn ? await fileSystem.stat(join(directory, name)) : null
    if (facts !== null) own.set(name, facts)
  }
  return { own, foreign }
}

/** @throws UsageError for a directory where we make a file, or the other way round */
function mustBeOfItsKind(directory: string, own: Found['own']): void {
  for (const [name, { isDirectory }] of own) {
    const mustBeDirectory = name === LANES_DIRECTORY || MOVED.test(name)
    // A directory with the name of the checkpoint is judged by what is beside it (`isOfAnotherProgram`).
    if (name === CHECKPOINT_FILE || isDirectory === mustBeDirectory) continue
    throw notOurs(directory, [name], `that is ${isDirectory ? 'a' : 'no'} directory`)
  }
}

/** @throws UsageError when the directory has only an empty old lock: nobody can tell whose it is */
function mustNotBeLoneLock({ directory, clock }: Place, own: Found['own']): void {
  const lock = own.get(LOCK_FILE)
  if (own.size > 1 || lock?.size !== 0 || clock.wallClock() - lock.mtimeMs <= DOUBTFUL_AFTER_MS) return
  const path = join(directory, LOCK_FILE)
  throw new UsageError(`${path} is empty, and nothing of a run is beside it: it may be another program's`, {
    hint: `Nothing was touched. If no other program uses ${directory}, delete ${path}; otherwise name another directory with --state DIR.`,
  })
}

/** True for JSON unlike any checkpoint of ours, or a directory. A file that is no JSON gives its error when the checkpoint is read. */
async function isOfAnotherProgram(fileSystem: FileSystem, path: string): Promise<boolean> {
  if ((await fileSystem.stat(path))?.isDirectory) return true
  try {
    const value: unknown = JSON.parse(((await readWhole(fileSystem, path)) ?? '').toString())
    return typeof value !== 'object' || value === null || !('version' in value || 'run' in value)
  } catch {
    return false
  }
}

/** Refuses foreign files beside a checkpoint that cannot be used: such a checkpoint does not prove that the directory is ours. */
async function mustHaveCheckpoint(
  fileSystem: FileSystem,
  directory: string,
  foreign: readonly string[],
  own: Found['own'],
): Promise<void> {
  try {
    await readCheckpoint(fileSystem, directory)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    if ((await newestMoved(fileSystem, directory, own)) !== null) return
    throw notOurs(directory, foreign, `has no checkpoint of braze2amp: ${error.message}`, error)
  }
}

/** The name of the last `old-<UTC>/` that holds a checkpoint of ours; null when none does. */
async function newestMoved(fileSystem: FileSystem, directory: string, own: Found['own']): Promise<string | null> {
  for (const name of movedIn(own)) {
    try {
      if ((await readCheckpoint(fileSystem, join(directory, name))) !== null) return name
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
    }
  }
  return null
}

/** The name of the last `old-<UTC>/` that holds `file`; null when none does. */
async function newestWith(
  fileSystem: FileSystem,
  directory: string,
  own: Found['own'],
  file: string,
): Promise<string | null> {
  for (const name of movedIn(own)) {
    if ((await fileSystem.stat(join(directory, name, file))) !== null) return name
  }
  return null
}

/** The `old-<UTC>/` directories, the newest first. */
function movedIn(own: Found['own']): readonly string[] {
  return [...own.keys()]
    .filter((name) => MOVED.test(name))
    .sort()
    .reverse()
}

function fromMoved(moved: string | null): string {
  return moved === null ? '' : `, with all that is in ${moved} if a --fresh was ended in the middle`
}

/** What a file is, without a checkpoint: `left` by a crash before the first one, or `remains` of a run whose checkpoint is gone. */
async function whatIs(
  fileSystem: FileSystem,
  path: string,
  name: string,
  { size }: FileFacts,
): Promise<'left' | 'remains' | 'foreign'> {
  if (MOVED.test(name)) return 'left'
  if (name === LANES_DIRECTORY) return whatLanesAre(fileSystem, path)
  if (isLockName(name) || name === NEW_CHECKPOINT) {
    return beginsAsObject(await readWhole(fileSystem, path)) ? 'left' : 'foreign'
  }
  if (name === DELIVERED_FILE) return (await beginsAsDeliveredFiles(fileSystem, path)) ? 'left' : 'foreign'
  if (name === DEAD_LETTERS_FILE || name === RETRYING_FILE) {
    return beginsAsLetter(await beginningOf(fileSystem, path, MOST_OF_A_LETTER)) ? 'remains' : 'foreign'
  }
  if (!isFirstHeader(await beginningOf(fileSystem, path, MAGIC_BYTES))) return 'foreign'
  const isHeader = size <= HEADER_BYTES && isFirstHeader(await beginningOf(fileSystem, path, HEADER_BYTES))
  return isHeader ? 'left' : 'remains'
}

async function whatLanesAre(fileSystem: FileSystem, path: string): Promise<'left' | 'remains' | 'foreign'> {
  const lanes = await fileSystem.readdir(path)
  for (const lane of lanes) {
    if (!LANE_FILE.test(lane) || (await fileSystem.stat(join(path, lane)))?.isFile !== true) return 'foreign'
    if (!beginsAsLetter(await beginningOf(fileSystem, join(path, lane), MOST_OF_A_LETTER))) return 'foreign'
  }
  return lanes.length === 0 ? 'left' : 'remains'
}

async function beginningOf(fileSystem: FileSystem, path: string, most: number): Promise<Buffer> {
  const file = await fileSystem.open(path, 'read')
  try {
    const bytes = Buffer.alloc(Math.min(await file.size(), most))
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

/** True for a JSON object, or what a crash leaves of one. */
function beginsAsObject(content: Buffer | null): boolean {
  return content === null || content.length === 0 || content[0] === 0 || content[0] === '{'.charCodeAt(0)
}

function notOurs(
  directory: string,
  foreign: readonly string[],
  why = 'has no checkpoint of braze2amp',
  cause?: UsageError,
): UsageError {
  const shown = foreign.slice(0, SHOWN).join(', ')
  const more = foreign.length > SHOWN ? `, and ${foreign.length - SHOWN} more` : ''
  return new UsageError(`${directory} is not a state directory: it holds ${shown}${more}, and ${why}`, {
    hint:
      'Nothing in it was touched. Name a directory that is new, or empty, with --state DIR; if a run did begin here, move away what ' +
      'is not its own, or put back its checkpoint.json.',
    cause,
  })
}

function checkpointGone(directory: string, remains: readonly string[], moved: string | null): UsageError {
  const path = join(directory, CHECKPOINT_FILE)
  const found = moved === null ? '' : `; ${moved} has one`
  return new UsageError(`${path} is gone, but ${remains.slice(0, SHOWN).join(', ')} of its run is there${found}`, {
    hint:
      `Nothing was read or sent. Either put back the checkpoint${fromMoved(moved)}, to go on; or begin anew with --fresh, which moves ` +
      'this state aside, or with another --state DIR.',
  })
}
