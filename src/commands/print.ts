import { StoppedError } from '../errors.ts'

/** Writes a command's data to standard output, and knows when its reader is gone (`| head`), which is no failure. */
export interface Printer {
  /** Resolves when the text is written. Throws a StoppedError when it cannot be (a full disk). */
  print(text: string): Promise<void>
  isClosed(): boolean
}

export function createPrinter(): Printer {
  let isClosed = false

  function failed(error: NodeJS.ErrnoException): Error | null {
    if (error.code === 'EPIPE') {
      isClosed = true
      return null
    }
    return new StoppedError(`cannot write to standard output: ${error.message}`, { stopped: 'output', cause: error })
  }

  return {
    print(text) {
      if (isClosed) return Promise.resolve()
      return new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => {
          const failure = error ? failed(error) : null
          if (failure === null) resolve()
          else reject(failure)
        })
      })
    },
    isClosed: () => isClosed,
  }
}
