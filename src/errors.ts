/** Exit codes of every command (src/README.md §5). */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  recordsRejected: 3,
  stopped: 4,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const

const INTERRUPTED = 'interrupted by SIGHUP, SIGINT or SIGTERM'

/** What each exit code says, as the README has it. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'all done, or `--limit` reached; skips are no failure',
  unexpected: 'unexpected failure, or books that do not balance',
  usage:
    'wrong use, or a question for a person: option, mapping file, path, changed run or file, delivered files, lock',
  recordsRejected: 'done, but there are dead letters, a file was refused, or `validate` found errors',
  stopped: 'stopped early: key refused, Amplitude unreachable, `--max-errors`, daily quota, full disk, read error',
  hungUp: INTERRUPTED,
  interrupted: INTERRUPTED,
  terminated: INTERRUPTED,
}

/** The exit code of a command that the user stopped. */
export function interruptedCode(signal: AbortSignal): number {
  if (signal.reason === 'SIGHUP') return EXIT.hungUp
  return signal.reason === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
}

interface ErrorOptions {
  /** What the user can do about it, one sentence. */
  readonly hint?: string
  readonly cause?: unknown
}

/** An error that a user can act on: its message says what happened and where, its hint what to do. */
export abstract class Braze2ampError extends Error {
  abstract readonly exitCode: number
  readonly hint: string | undefined

  constructor(message: string, { hint, cause }: ErrorOptions = {}) {
    super(message, { cause })
    this.hint = hint
  }
}

/** Wrong use, or a question only a person can answer: exit 2, nothing was done. */
export class UsageError extends Braze2ampError {
  override readonly name = 'UsageError'
  readonly exitCode = EXIT.usage
}

/** An input is not the one that a run has begun to read: going on could send some of it twice, or never. */
export class ChangedInputError extends UsageError {}

/** An input was read to its end and is another one by now: what was read of it is good, and nowhere to be read again. */
export class ReplacedInputError extends ChangedInputError {}

/** Why a run ended before its input did, as the summary says it. */
export type StopCause =
  // What the user asked for.
  | 'limit'
  | 'signal'
  | 'max_errors'
  // What Amplitude did.
  | 'refused'
  | 'unreachable'
  | 'quota'
  // What failed on this machine.
  | 'input'
  | 'state'
  | 'output'
  // Any other error.
  | 'error'

/** The run ended early and can be resumed: exit 4, or that of the signal that ended it. */
export class StoppedError extends Braze2ampError {
  override readonly name = 'StoppedError'
  readonly exitCode: number
  readonly stopped: StopCause

  /** @param options `exitCode` is that of a stop which the user asked for */
  constructor(
    message: string,
    {
      stopped,
      exitCode = EXIT.stopped,
      ...options
    }: ErrorOptions & { readonly stopped: StopCause; readonly exitCode?: number },
  ) {
    super(message, options)
    this.stopped = stopped
    this.exitCode = exitCode
  }
}
