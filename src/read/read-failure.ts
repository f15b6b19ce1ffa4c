import { StoppedError } from '../errors.ts'

/** True when bytes could not be read of what was open: nothing is known of them, least of all that they are damaged or at an end. */
export function isReadFailure(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  // A directory opens like a file, and says what it is only here.
  return syscall === 'read' && code !== 'EISDIR'
}

/** The system failed while an input, or a file of the state, was read. What came before is as it was; the rest is still to be read. */
export function readFailure(path: string, cause: unknown): StoppedError {
  return new StoppedError(`reading ${path} failed: ${(cause as Error).message}`, {
    stopped: 'input',
    hint: 'Nothing that was not read is taken for read. Mend the disk or the mount; the same command goes on.',
    cause,
  })
}
