import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** One run of a program, from its start to its end. */
export interface Measured {
  readonly seconds: number
  /** In user and system mode, of all its threads. */
  readonly cpuSeconds: number
  readonly peakMegabytes: number
}

export interface Program {
  /** What Node.js is given. */
  readonly words: readonly string[]
  readonly exitCodes: readonly number[]
  readonly cwd: string
}

const REPORT_USAGE = fileURLToPath(new URL('programs/report-usage.cjs', import.meta.url))

/**
 * Runs a program to its end, its output thrown away.
 *
 * @throws when it ends with another exit code, or `stop` is aborted: then the program is gone too
 */
export async function measure({ words, exitCodes, cwd }: Program, stop: AbortSignal): Promise<Measured> {
  stop.throwIfAborted()
  const started = performance.now()
  const child = spawn(process.execPath, ['--require', REPORT_USAGE, ...words], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, AMPLITUDE_API_KEY: 'bench' },
    signal: stop,
    killSignal: 'SIGKILL',
  })
  const said = Promise.all([text(child.stderr as Readable), text(child.stdio[3] as Readable)])
  const code = await ended(child)
  const seconds = (performance.now() - started) / 1000
  const [errors, usage] = await said
  if (code === null || !exitCodes.includes(code)) throw new Error(`${words.join(' ')} ended with ${code}\n${errors}`)
  return { seconds, ...(JSON.parse(usage) as Omit<Measured, 'seconds'>) }
}

/** The exit code of a program that is gone. */
export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null
    child.on('error', (error) => {
      failure = error
    })
    child.on('close', (code) => (failure === null ? resolve(code) : reject(failure)))
  })
}
