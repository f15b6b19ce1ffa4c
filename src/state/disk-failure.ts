import { type Braze2ampError, StoppedError, UsageError } from '../errors.ts'

/** A disk that fails later than at the start ends the run, resumable; any other error is a bug. */
export function stoppedByDisk(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  return new StoppedError(`cannot write to the state directory: ${message}`, {
    stopped: 'state',
    cause: error,
    hint: 'Make room or mend the disk; the same command goes on.',
  })
}

/** What the system says of a path that is wrong, or may not be used; anything else, as a full disk, passes. */
const WRONG_PATH = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'ENOENT',
  'ELOOP',
  'ENAMETOOLONG',
  'EINVAL',
])

/**
 * What a failure of the disk at the start means: wrong use when only a person can mend it, as a directory that may not be written; else
 * the same command goes on once there is room.
 * @param what as `the state directory x cannot be used`
 */
export function refusedByDisk(what: string, cause: unknown): Braze2ampError {
  const text = `${what}: ${(cause as Error).message}`
  if (isWrongPath(cause))
    return new UsageError(text, { hint: 'Mend its permissions; --state DIR names another.', cause })
  return new StoppedError(text, {
    stopped: 'state',
    hint: 'Make room or mend the disk; the same command goes on.',
    cause,
  })
}

/** True when only a person can mend it. */
export function isWrongPath(error: unknown): boolean {
  return WRONG_PATH.has((error as NodeJS.ErrnoException).code ?? '')
}
