import { createRequire } from 'node:module'
import { join } from 'node:path'
import { linesOf } from './lines.ts'

/**
 * Sends events, NDJSON of them as they are sent, by Amplitude's own SDK for Node.js, as fast as it can: it is told to flush each batch,
 * since without that it takes an event a millisecond.
 */

interface Sdk {
  createInstance(): Client
}

interface Client {
  init(apiKey: string, options: object): { promise: Promise<void> }
  track(event: object): { promise: Promise<{ code: number; message: string }> }
  flush(): { promise: Promise<void> }
}

const EVENTS_IN_BATCH = 1000
const LOG_NOTHING = 0

const [, , folder = '', events = '', server = ''] = process.argv
const sdk: Sdk = createRequire(join(folder, 'package.json'))('@amplitude/analytics-node')
const client = sdk.createInstance()
await client.init('bench', {
  serverUrl: `${server}/batch`,
  flushQueueSize: EVENTS_IN_BATCH,
  logLevel: LOG_NOTHING,
}).promise

let waiting = 0
let last: ReturnType<Client['track']> | null = null
for await (const lines of linesOf(events)) {
  for (const line of lines) {
    last = client.track(JSON.parse(line))
    if (++waiting === EVENTS_IN_BATCH) await flush()
  }
}
await flush()
// The SDK has a timer for the next flush, of which there is none.
process.exit()

async function flush(): Promise<void> {
  waiting = 0
  await client.flush().promise
  const result = await last?.promise
  if (result !== undefined && result.code !== 200) throw new Error(`${result.code} ${result.message}`)
}
