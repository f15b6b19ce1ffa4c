import { StoppedError } from '../errors.ts'

/** Shows a line on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Shows lines on standard error, unless `--quiet` was given. */
export function sayUnless(quiet: boolean | undefined): (line: string) => void {
  return quiet ? () => {} : say
}

/** Writes a command's data to standard output or error, and knows when its reader is gone (`| head`), which is no failure. */
export interface Printer {
  /** Resolves when the text is written. Throws a StoppedError when it cannot be (a full disk). */
  print(text: string): Promise<void>
  isClosed(): boolean
}

export function createPrinter(stream: NodeJS.WriteStream = process.stdout): Printer {
  let isClosed = false

  function failed(error: NodeJS.ErrnoException): Error | null {
    if (error.code === 'EPIPE') {
      isClosed = true
      return null
    }
    const name = stream === process.stderr ? 'error' : 'output'
    return new StoppedError(`cannot write to standard ${name}: ${error.message}`, { stopped: 'output', cause: error })
  }

  return {
    print(text) {
      if (isClosed) return Promise.resolve()
      return new Promise((resolve, reject) => {
        stream.write(text, (error) => {
          const failure = error ? failed(error) : null
          if (failure === null) resolve()
          else reject(failure)
        })
      })
    },
    isClosed: () => isClosed,
  }
}
