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

/** What ended a run early, in the summary's words. */
export type StopCause = 'refused' | 'unreachable' | 'quota' | 'max_errors' | 'input' | 'state' | 'output'

/** The run ended early and can be resumed: exit 4. */
export class StoppedError extends Braze2ampError {
  override readonly name = 'StoppedError'
  readonly exitCode = EXIT.stopped
  readonly stopped: StopCause

  constructor(message: string, { stopped, ...options }: ErrorOptions & { readonly stopped: StopCause }) {
    super(message, options)
    this.stopped = stopped
  }
}
