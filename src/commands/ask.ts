import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Ask } from '../session/session.ts'

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
    const answer = await Promise.race([answered, once(terminal, 'close').then(() => '')])
    terminal.close()
    return /^y(es)?$/i.test(answer.trim())
  }
}
