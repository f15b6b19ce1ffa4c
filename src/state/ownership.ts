import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import { CHECKPOINT_FILE, readCheckpoint } from './checkpoint.ts'
import { beginsAsDeliveredFiles, DELIVERED_FILE } from './delivered-files.ts'
import { type FileFacts, type FileSystem, mustBeOwnFile, readWhole } from './file-system.ts'
import { RETRYING_FILE } from './input-plan.ts'
import { LOCK_FILE } from './lock.ts'
import { HEADER_BYTES, isFirstHeader, SEEN_FILES } from './seen-logs.ts'
import { DEAD_LETTERS_FILE, LANE_FILE, LANES_DIRECTORY } from './state-directory.ts'

/**
 * Whose a directory is that is given as a state directory: in one that is not ours nothing may be written, cut, moved or deleted.
 *
 * Ours is one that is empty, one with a checkpoint of ours, and what a crash of ours leaves before the first checkpoint, also behind
 * `--fresh`:
 *
 *     lock, lock.…          whole, empty, torn or zeros
 *     old-<UTC>/            moved aside before
 *     files.ndjson          of the runs before: whole lines
 *     lanes/                empty
 *     seen-a.bin            at most the header of a first file, torn or zeros
 *     checkpoint.json.new   torn or zeros
 *
 * No name of ours is a link, nor has its file another name elsewhere: what is written to it would change what is not ours.
 */

/** What a new file system has in its uppermost directory. */
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

/** True for a name that we make in a state directory, but for `lock` and what `--fresh` moved aside. */
export function isOwnName(name: string): boolean {
  return NAMES.has(name)
}

function isLockName(name: string): boolean {
  return name === LOCK_FILE || name.startsWith(`${LOCK_FILE}.`) || name.startsWith(`${LOCK_FILE}-`)
}

/**
 * Looks at a directory that is there; changes nothing.
 * @returns an error to show when it is ours, but its checkpoint is gone; null when a run may begin or go on
 * @throws UsageError when it is not ours, or has links in it
 */
export async function mustBeOurs(fileSystem: FileSystem, directory: string): Promise<UsageError | null> {
  const names = await fileSystem.readdir(directory)
  const own = new Map<string, FileFacts>()
  const foreign: string[] = []
  for (const name of names) {
    const isOwn = isOwnName(name) || isLockName(name) || MOVED.test(name)
    if (!isOwn && name !== LOST_AND_FOUND) foreign.push(name)
    const facts = isOwn ? await fileSystem.stat(join(directory, name)) : null
    if (facts !== null) own.set(name, facts)
  }
  // A lock changes hands; it is never written to once it is there.
  for (const [name, facts] of own)
    mustBeOwnFile(join(directory, name), isLockName(name) ? { ...facts, links: 1 } : facts)

  if (own.has(CHECKPOINT_FILE)) {
    if (foreign.length > 0) await mustHaveCheckpoint(fileSystem, directory, foreign)
    return null
  }
  const remains: string[] = []
  for (const [name, facts] of own) {
    const is = await whatIs(fileSystem, join(directory, name), name, facts)
    if (is === 'foreign') foreign.push(name)
    if (is === 'remains') remains.push(name)
  }
  if (foreign.length > 0) throw notOurs(directory, foreign)
  return remains.length === 0 ? null : checkpointGone(directory, remains)
}

/** A checkpoint that cannot be used says nothing of what else is there. */
async function mustHaveCheckpoint(
  fileSystem: FileSystem,
  directory: string,
  foreign: readonly string[],
): Promise<void> {
  try {
    await readCheckpoint(fileSystem, directory)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw notOurs(directory, foreign, error)
  }
}

/** Without a checkpoint: `left` by a crash before the first one, or `remains` of a run whose checkpoint is gone. */
async function whatIs(
  fileSystem: FileSystem,
  path: string,
  name: string,
  { isFile, size }: FileFacts,
): Promise<'left' | 'remains' | 'foreign'> {
  if (name === LANES_DIRECTORY) {
    if (isFile) return 'foreign'
    const lanes = await fileSystem.readdir(path)
    if (lanes.length === 0) return 'left'
    return lanes.every((lane) => LANE_FILE.test(lane)) ? 'remains' : 'foreign'
  }
  if (MOVED.test(name)) return isFile ? 'foreign' : 'left'
  if (!isFile) return 'foreign'
  if (isLockName(name) || name === NEW_CHECKPOINT) {
    return beginsAsObject(await readWhole(fileSystem, path)) ? 'left' : 'foreign'
  }
  if (name === DELIVERED_FILE) return (await beginsAsDeliveredFiles(fileSystem, path)) ? 'left' : 'foreign'
  const mayBeHeader = SEEN_FILES.some((file) => file === name) && size <= HEADER_BYTES
  return mayBeHeader && isFirstHeader((await readWhole(fileSystem, path)) ?? Buffer.alloc(0)) ? 'left' : 'remains'
}

/** A JSON object, or what a crash leaves of one. */
function beginsAsObject(content: Buffer | null): boolean {
  return content === null || content.length === 0 || content[0] === 0 || content[0] === '{'.charCodeAt(0)
}

function notOurs(directory: string, foreign: readonly string[], cause?: UsageError): UsageError {
  const shown = foreign.slice(0, SHOWN).join(', ')
  const more = foreign.length > SHOWN ? `, and ${foreign.length - SHOWN} more` : ''
  const why = cause === undefined ? 'has no checkpoint of braze2amp' : cause.message
  return new UsageError(`${directory} is not a state directory: it holds ${shown}${more}, and ${why}`, {
    hint:
      'Nothing in it was touched. Name a directory that is new, or empty, with --state DIR; if a run did begin here, move away what ' +
      'is not its own, or put back its checkpoint.json.',
    cause,
  })
}

function checkpointGone(directory: string, remains: readonly string[]): UsageError {
  const path = join(directory, CHECKPOINT_FILE)
  return new UsageError(`${path} is gone, but ${remains.slice(0, SHOWN).join(', ')} of its run is there`, {
    hint:
      'Nothing was read or sent. Either put back the checkpoint, to go on; or begin anew with --fresh, which moves this state aside, ' +
      'or with another --state DIR.',
  })
}
