/** Writes a command's data to standard output, and knows when its reader is gone (`| head`), which is no failure. */
export interface Printer {
  print(text: string): void
  isClosed(): boolean
}

export function createPrinter(): Printer {
  let isClosed = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    isClosed = true
  })
  return {
    print(text) {
      if (!isClosed) process.stdout.write(text)
    },
    isClosed: () => isClosed,
  }
}
