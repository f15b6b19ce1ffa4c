import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UsageError } from '../errors.ts'
import { createGate } from './admission.ts'
import { INVALID_PATH, injectedRefusal, type Refusal, SIGN_IN_PAGE, type Success } from './answers.ts'
import { APIS, type Api } from './documented-limits.ts'
import { type EmulatorOptions, resolveOptions } from './emulator-options.ts'
import { openEventFile } from './event-file.ts'
import { createFates, type Fault } from './faults.ts'
import { createJudge } from './judge.ts'
import { readBody } from './read-body.ts'
import { createDelivery } from './send-answer.ts'
import { createCounters, type EmulatorStats, statsOf } from './stats.ts'

const ABOUT = `A local Amplitude, for rehearsals: braze2amp emulator.
POST ${APIS.map(({ path }) => path).join(' or ')} takes events as Amplitude does. GET /stats says what arrived.
`

/** A running emulator. */
export interface Emulator {
  readonly port: number
  /** Base URL without a slash at its end, for `--endpoint`. */
  readonly url: string
  stats(): EmulatorStats
  /** Ends every connection, also those in the middle of a request; resolves when the port is free. */
  close(): Promise<void>
}

/**
 * Starts a local Amplitude on 127.0.0.1 that enforces amplitude/README.md §1 to §3. It shares no code with the uploader, so it judges it
 * independently. Throws a UsageError when the port is taken, an option is impossible or the file for events cannot be opened.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const resolved = resolveOptions(options)
  const { clock, refuseGzip } = resolved
  const nextFate = createFates(resolved.faults)
  const gate = createGate(resolved.limits, new Set(resolved.silencedDevices))
  const counters = createCounters()
  const file = openEventFile(resolved.keepEvents)
  const judge = createJudge({ options: resolved, gate, counters, file })
  const delivery = createDelivery(counters)
  const closing = new AbortController()
  const stats = () => statsOf(counters, gate.peaks())

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '/'] = (request.url ?? '/').split('?')
    if (request.method === 'GET' && path === '/') {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(ABOUT)
    } else if (request.method === 'GET' && path === '/stats') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(stats())}\n`)
    } else {
      counters.requests++
      const api = request.method === 'POST' ? APIS.find((known) => known.path === path) : undefined
      if (api === undefined) delivery.deliver(response, INVALID_PATH, { kind: 'none' })
      else await takeEvents(api, request, response)
    }
  }

  async function takeEvents(api: Api, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { fault, latencyMs } = nextFate()
    if (fault.kind === 'dropBefore') return delivery.reset(response)
    const body = await receive(api, request)
    await pause(latencyMs / 2)
    if (body === undefined || closing.signal.aborted) return delivery.reset(response)
    const result = resultOf(api, body, fault)
    await pause(latencyMs / 2)
    delivery.deliver(response, result, fault)
  }

  /** The body, or undefined when the connection ended before the body did. */
  async function receive(api: Api, request: IncomingMessage): Promise<Buffer | Refusal | undefined> {
    try {
      return await readBody(request, { maxBodyBytes: api.maxBodyBytes, refuseGzip })
    } catch (error) {
      if (request.complete) throw error
      return undefined
    }
  }

  function resultOf(api: Api, body: Buffer | Refusal, fault: Fault): Success | Refusal {
    if (fault.kind === 'fail') return injectedRefusal(fault.status)
    if (fault.kind === 'page') return SIGN_IN_PAGE
    return Buffer.isBuffer(body) ? judge(api, body) : body
  }

  async function pause(forMs: number): Promise<void> {
    if (forMs > 0) await clock.sleep(forMs, closing.signal)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      // A bug, or a full disk under the file for events: the sender and the terminal both get to see it.
      const message = error instanceof Error ? error.message : String(error)
      process.stderr.write(`emulator: ${error instanceof Error ? error.stack : message}\n`)
      delivery.apologise(response, message)
    })
  })
  // Longer than the uploader's own idle limit: a connection that both sides give up at once loses a request.
  server.keepAliveTimeout = 65_000
  const closed = new Promise<void>((resolve) => server.once('close', resolve))

  try {
    const port = await listen(server, resolved.port)
    return {
      port,
      url: `http://127.0.0.1:${port}`,
      stats,
      async close() {
        if (!closing.signal.aborted) {
          closing.abort()
          server.close()
          server.closeAllConnections()
          file.close()
        }
        await closed
      },
    }
  } catch (error) {
    file.close()
    throw error
  }
}

/** Resolves with the port. On loopback only: rehearsals carry real events. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      const message = taken ? `Port ${port} is in use.` : `Port ${port} cannot be opened: ${cause.message}.`
      reject(new UsageError(message, { hint: 'Choose another with --port, or 0 for any free one.', cause }))
    })
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
