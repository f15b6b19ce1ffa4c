import { Worker } from 'node:worker_threads'
import type { Answer } from './classify.ts'
import type { HttpClient, HttpClientOptions } from './http-client.ts'

/** The options of the client, as they go to its thread. */
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

/** It makes little that lives for a moment; V8 would give it 48 MB for that. */
const YOUNG_MEGABYTES = 4

/**
 * The client of `http-client.ts` in a thread of its own: to encrypt bodies and to hand them to the system is a seventh of what an
 * upload does. A body in shared memory (`request.ts`) is not copied on its way.
 *
 * `post` rejects when the thread ends in an error, which is a bug or a want of memory.
 */
export function createHttpThread({ url, ...options }: HttpClientOptions): HttpClient {
  const workerData: HttpWorkerData = { ...options, url: url.href }
  const worker = new Worker(new URL('./http-worker.js', import.meta.url), {
    workerData,
    // What was asked of this process, a profile for one, is not asked of the thread.
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
    // An error with a code would be taken for one of the disk.
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
