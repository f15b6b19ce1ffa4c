import { Worker } from 'node:worker_threads'
import type { Answer } from './classify.ts'
import type { HttpClient, HttpClientOptions } from './http-client.ts'

/** The options of the client, in a form that can be sent to its thread. */
export type HttpWorkerData = Omit<HttpClientOptions, 'url'> & { readonly url: string }

export type ToHttpWorker =
  | { readonly do: 'post'; readonly number: number; readonly body: Uint8Array }
  | { readonly do: 'sendPlain' }

export interface FromHttpWorker {
  readonly number: number
  readonly answer: Answer
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/** The thread makes few short-lived objects. Without this limit V8 would set aside 48 MB for them. */
const YOUNG_MEGABYTES = 4

/**
 * The client of `http-client.ts` in a thread of its own: encrypting bodies and handing them to the system is a seventh of the work of
 * an upload. A body in shared memory (`request.ts`) is not copied on its way.
 *
 * `post` rejects when the thread ends in an error, which is a bug or a lack of memory.
 */
export function createHttpThread({ url, ...options }: HttpClientOptions): HttpClient {
  const workerData: HttpWorkerData = { ...options, url: url.href }
  const worker = new Worker(new URL('./http-worker.js', import.meta.url), {
    workerData,
    // Node's flags for this process, such as one for a profile, are not meant for the thread.
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
  })
  const waiting = new Map<number, Waiting>()
  let lastNumber = 0
  let failure: Error | null = null

  function send(message: ToHttpWorker): void {
    worker.postMessage(message)
  }

  function settleAll(settle: (waiting: Waiting) => void): void {
    for (const each of waiting.values()) settle(each)
    waiting.clear()
  }

  worker.on('message', ({ number, answer }: FromHttpWorker) => {
    waiting.get(number)?.resolve(answer)
    waiting.delete(number)
  })
  worker.on('error', (cause) => {
    // The new error has no code: `stoppedByDisk` would take an error with a code for one of the disk.
    const error = new Error(`the thread that sends requests has ended: ${cause.message}`, { cause })
    failure = error
    settleAll(({ reject }) => reject(error))
  })

  return {
    post: (body) =>
      new Promise((resolve, reject) => {
        if (failure !== null) {
          reject(failure)
          return
        }
        lastNumber += 1
        waiting.set(lastNumber, { resolve, reject })
        send({ do: 'post', number: lastNumber, body })
      }),
    sendPlain: () => send({ do: 'sendPlain' }),
    async close() {
      await worker.terminate()
      settleAll(({ resolve }) => resolve({ is: 'failure', kind: 'network', message: 'the client was closed' }))
    },
  }
}
