import { constants, type Stats } from 'node:fs'
import * as node from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Braze2ampError, StoppedError, UsageError } from '../errors.ts'
import { DIRECTORY_MODE, FILE_MODE } from './state-directory.ts'

/**
 * All that the state directory needs of a file system. A parameter everywhere, so that tests can lose, tear or refuse at each call
 * (state/README.md §9).
 *
 * After a crash only this is certain: bytes are there if `sync` of their file returned, names are there if `syncDirectory` of their
 * directory returned, and a rename did or did not happen. All else may be there, be torn, be zeros, or be gone, in any order.
 * Directories and files are accessible to their owner alone from the moment they exist.
 *
 * Links are not followed, except above the state directory. A file that has another name elsewhere is never written.
 */
export interface FileSystem {
  /**
   * @throws the system's error, with its `code`: ENOENT, EEXIST (`create`), EACCES, ENOSPC, ELOOP (a link), …
   * @throws UsageError for a file with another name elsewhere, unless it is only read
   */
  open(path: string, how: OpenMode): Promise<OpenFile>
  /** Renames atomically, and replaces what is at `to`. */
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Names in a directory, unsorted. */
  readdir(path: string): Promise<readonly string[]>
  /** Makes a directory and those above it, unless they exist. */
  mkdir(path: string): Promise<void>
  /** Facts of a file, or of a link itself. Null when nothing has that name. */
  stat(path: string): Promise<FileFacts | null>
  /** Sets the time of the last change. */
  touch(path: string, mtimeMs: number): Promise<void>
  /** Makes created, renamed and unlinked names in a directory durable, as far as its file system can. */
  syncDirectory(path: string): Promise<void>
}

/**
 * `read`: the file must exist. `write`: for reading and writing, the file is made if it does not exist. `create`: the file must not
 * exist. `replace`: an existing file is emptied.
 */
type OpenMode = 'read' | 'write' | 'create' | 'replace'

export interface OpenFile {
  /** Fills `into` with the file's bytes from `position` on; returns how many there were. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of `bytes` at `position`. When it fails, part of them may be written. */
  write(bytes: Uint8Array, position: number): Promise<void>
  truncate(length: number): Promise<void>
  /** Makes the file's bytes and length durable, but not its name. */
  sync(): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export interface FileFacts {
  readonly isFile: boolean
  readonly isDirectory: boolean
  /** How many names the file has. */
  readonly links: number
  readonly size: number
  readonly mtimeMs: number
}

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY | constants.O_NOFOLLOW,
  write: constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
  // No O_TRUNC: `open` empties the file once it is known to have no other name.
  replace: constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW,
}

/** The file system of this machine. */
export const diskFileSystem: FileSystem = {
  async open(path, how) {
    const handle = await node.open(path, FLAGS[how], FILE_MODE)
    try {
      if (how !== 'read') mustBeOwnFile(path, factsOf(await handle.stat()))
      if (how === 'replace') await handle.truncate(0)
    } catch (error) {
      await handle.close()
      throw error
    }
    return fileOf(handle)
  },
  rename: node.rename,
  unlink: node.unlink,
  readdir: (path) => node.readdir(path),
  async mkdir(path) {
    await node.mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  },
  stat: (path) =>
    node.lstat(path).then(factsOf, (error: unknown) => {
      if (isMissing(error)) return null
      throw error
    }),
  touch: (path, mtimeMs) => node.utimes(path, mtimeMs / 1000, mtimeMs / 1000),
  async syncDirectory(path) {
    const handle = await node.open(path, constants.O_RDONLY)
    try {
      await handle.sync()
    } catch (error) {
      // Some network mounts, and file systems in user space, cannot sync directories.
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
    } finally {
      await handle.close()
    }
  },
}

function factsOf(stats: Stats): FileFacts {
  const { size, mtimeMs, nlink } = stats
  return { isFile: stats.isFile(), isDirectory: stats.isDirectory(), links: nlink, size, mtimeMs }
}

/**
 * Refuses links, pipes and files with another name: a write to them would change something that is not ours.
 * @throws UsageError when `path` is neither a directory nor a file that has this name alone; some mounts count no names at all
 */
export function mustBeOwnFile(path: string, { isFile, isDirectory, links }: FileFacts): void {
  if (isDirectory || (isFile && links <= 1)) return
  const what = isFile ? 'has another name elsewhere (a hard link)' : 'is a link, or something else that is no file'
  throw new UsageError(`${path} ${what}, and would be written to`, {
    hint:
      'Nothing was sent. Put a copy in its place, or move it away; the state directory as a whole may lie behind a link, and --state ' +
      'DIR names another.',
  })
}

function fileOf(handle: node.FileHandle): OpenFile {
  return {
    async read(into, position) {
      let done = 0
      while (done < into.length) {
        const { bytesRead } = await handle.read(into, done, into.length - done, position + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return done
    },
    async write(bytes, position) {
      let done = 0
      while (done < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
        done += bytesWritten
      }
    },
    truncate: (length) => handle.truncate(length),
    sync: () => handle.datasync(),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  }
}

/** True for the system's error that nothing has that name. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

/** The content of a small file; null when there is no such file. */
export async function readWhole(fileSystem: FileSystem, path: string): Promise<Buffer | null> {
  let file: OpenFile
  try {
    file = await fileSystem.open(path, 'read')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
  try {
    const bytes = Buffer.alloc(await file.size())
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

/**
 * Replaces the whole content of a file. A reader finds all of the old content or all of the new, also after a crash.
 *
 *     write PATH.new   a crash leaves the old file, and a PATH.new that is worth nothing and is overwritten the next time
 *     sync PATH.new    without this the rename could outlive the bytes: an empty file under the right name
 *     rename to PATH   a crash leaves the old file or the new one
 *     sync directory   from here on a crash leaves the new file
 */
export async function replaceFile(fileSystem: FileSystem, path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.new`
  const file = await fileSystem.open(temporary, 'replace')
  try {
    await file.write(content, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await fileSystem.rename(temporary, path)
  await fileSystem.syncDirectory(dirname(path))
}

/** The error for a disk that fails later than at the start: the run ends, and can be resumed. Any other error is a bug. */
export function stoppedByDisk(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  return new StoppedError(`cannot write to the state directory: ${message}`, {
    stopped: 'state',
    cause: error,
    hint: 'Make room or mend the disk; the same command goes on.',
  })
}

const MEND_PERMISSIONS = 'Mend its permissions; --state DIR names another.'
const IN_THE_WAY = 'Move away what is there in its place; --state DIR names another.'

/** What to do when the system says that a path is wrong, or may not be used. Other errors, such as a full disk, pass by themselves. */
const WAYS_OUT: ReadonlyMap<string, string> = new Map([
  ['EACCES', MEND_PERMISSIONS],
  ['EPERM', MEND_PERMISSIONS],
  ['EROFS', MEND_PERMISSIONS],
  ['ENOTDIR', IN_THE_WAY],
  ['EISDIR', IN_THE_WAY],
  ['EEXIST', IN_THE_WAY],
  ['ELOOP', 'Put what the link points to in its place; --state DIR names another.'],
  ['ENOENT', 'Somebody may have moved or deleted it meanwhile: put it back; --state DIR names another.'],
  ['ENAMETOOLONG', 'Give a shorter one with --state DIR.'],
  ['EINVAL', 'Its file system does not take this: name a directory on another one with --state DIR.'],
])

/**
 * The error for a disk that fails at the start. It is a UsageError when only a person can mend it, as with a directory that may not be
 * written. Otherwise the same command goes on once there is room.
 * @param what as `the state directory x cannot be used`
 */
export function refusedByDisk(what: string, cause: unknown): Braze2ampError {
  const text = `${what}: ${(cause as Error).message}`
  const hint = WAYS_OUT.get((cause as NodeJS.ErrnoException).code ?? '')
  if (hint !== undefined) return new UsageError(text, { hint, cause })
  return new StoppedError(text, {
    stopped: 'state',
    hint: 'Make room or mend the disk; the same command goes on.',
    cause,
  })
}

/** True for an error that only a person can mend. */
export function isWrongPath(error: unknown): boolean {
  return WAYS_OUT.has((error as NodeJS.ErrnoException).code ?? '')
}
