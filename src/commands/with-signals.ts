/** Runs a command's work; the number it resolves to is the exit code. The signal aborts with its name when the user stops it. */
export type Run = (work: (signal: AbortSignal) => Promise<number>) => Promise<void>

/** SIGHUP comes when the terminal is closed. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs work that the first of these signals asks to stop; the second ends the process at once. */
export async function withSignals(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController()
  const leave = () => {
    for (const name of STOP_SIGNALS) process.off(name, stop)
  }
  const stop = (name: NodeJS.Signals) => {
    leave()
    process.stderr.write(`\n${name}: stopping; once more to stop at once\n`)
    controller.abort(name)
  }
  for (const name of STOP_SIGNALS) process.on(name, stop)
  try {
    return await work(controller.signal)
  } finally {
    leave()
  }
}
