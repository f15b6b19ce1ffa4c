import { EXIT } from '../errors.ts'

/** Runs a command's work; the number it resolves to is the exit code. The signal aborts with its name when the user stops it. */
export type Run = (work: (signal: AbortSignal) => Promise<number>) => Promise<void>

/** The exit code of a command that the user stopped. */
export function interruptedCode(signal: AbortSignal): number {
  if (signal.reason === 'SIGHUP') return EXIT.hungUp
  return signal.reason === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
}
