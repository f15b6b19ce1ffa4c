/** Runs a command's work; the number it resolves to is the exit code. The signal aborts with its name when the user stops it. */
export type Run = (work: (signal: AbortSignal) => Promise<number>) => Promise<void>
