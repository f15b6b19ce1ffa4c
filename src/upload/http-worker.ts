import { parentPort, workerData } from 'node:worker_threads'
import { createHttpClient } from './http-client.ts'
import type { FromHttpWorker, HttpWorkerData, ToHttpWorker } from './http-thread.ts'

/** Runs the HTTP client in the thread that `http-thread.ts` starts: requests and answers are messages. */

const { url, ...options }: HttpWorkerData = workerData
const client = createHttpClient({ ...options, url: new URL(url) })

function answer(message: FromHttpWorker): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', (message: ToHttpWorker) => {
  if (message.do === 'sendPlain') {
    client.sendPlain()
    return
  }
  const { number, body } = message
  void client.post(body).then((answered) => answer({ number, answer: answered }))
})
