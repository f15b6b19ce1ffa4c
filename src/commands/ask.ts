import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { setTimeout } from 'node:timers/promises'
import type { Ask } from '../session/session.ts'

/** It does not come to a process that ignores it, or is not of that terminal. */
const HANGUP_COMES_WITHIN_MS = 2000

/**
 * How to ask a person; null when there is nobody to answer.
 * @param isStdinTaken standard input is the records or the key
 * @param signal ends the question, as if with no
 */
export function createAsk(isStdinTaken: boolean, signal: AbortSignal): Ask {
  if (isStdinTaken || !process.stdin.isTTY || !process.stderr.isTTY) return null
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    // While a question is open the terminal hands Ctrl-C to it instead of to the process.
    terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    const answered = terminal.question(`${question} [y/N] `, { signal }).catch(() => '')
    const closed = once(terminal, 'close').then(
      () => '',
      () => '',
    )
    const answer = await Promise.race([answered, closed])
    terminal.close()
    // A terminal that is closed ends its input, and then sends SIGHUP: that counts, not the answer.
    const isGone = process.stdin.readableEnded || process.stdin.destroyed
    if (isGone) await setTimeout(HANGUP_COMES_WITHIN_MS, null, { signal }).catch(() => {})
    return /^y(es)?$/i.test(answer.trim())
  }
}
