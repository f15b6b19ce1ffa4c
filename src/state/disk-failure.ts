import { StoppedError } from '../errors.ts'

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
