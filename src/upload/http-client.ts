import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { gzip } from 'node:zlib'
import { type Dispatcher, Pool } from 'undici'
import { GZIP_FROM_BYTES, REQUEST_DEADLINE_MS, sendingMs, TIMEOUT_MS } from '../amplitude/limits.ts'
import type { Answer } from './classify.ts'
import { ConnectionError, createConnector } from './connect.ts'
import type { HttpProxy } from './proxy.ts'

/** Posts bodies to one URL. */
export interface HttpClient {
  /** What goes wrong with a request is an answer too. Rejects only before one is sent: when another process has taken the lock. */
  post(body: Uint8Array): Promise<Answer>
  /** The other side cannot read compressed bodies. */
  sendPlain(): void
  /** Ends every connection, also those with a request under way. */
  close(): Promise<void>
}

export interface HttpClientOptions {
  readonly url: URL
  readonly connections: number
  readonly gzip: boolean
  /** Sent as `user-agent`. */
  readonly version: string
  /** What requests go through; null for nothing. */
  readonly proxy: HttpProxy | null
  readonly timeoutMs?: number
  readonly deadlineMs?: number
}

/** Of a longer answer only so much is kept; its rest is read and thrown away, so that the connection stays usable. */
const MAX_ANSWER_BYTES = 4 << 20
/** Below the 60 s after which load balancers close an idle connection. */
const KEEP_ALIVE_MS = 20_000
const KEEP_ALIVE_MAX_MS = 50_000

/**
 * V8 optimises the parser of answers, which is WebAssembly, as soon as it has read the first one. That takes a third of a second of
 * CPU time and 35 MB, also at the end of a run of one request, and saves nothing: answers are short. So it is put off, where V8 is
 * known to have the flag: one that it lacks it complains of on standard error.
 */
const PUT_OFF_OPTIMISING = '--wasm-tiering-budget=2000000000'
const LAST_NODE_WITH_FLAG = 24

const compress = promisify(gzip)

/**
 * A client with kept-alive connections, a timeout of 30 s for connecting, for the head of an answer and between pieces of its body, and
 * a deadline for the whole of a request. Redirects are never followed: they would carry the key elsewhere. Each attempt is one: what
 * fails is not tried again here.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { url, version, timeoutMs = TIMEOUT_MS, deadlineMs = REQUEST_DEADLINE_MS } = options
  if (Number.parseInt(process.versions.node, 10) <= LAST_NODE_WITH_FLAG) setFlagsFromString(PUT_OFF_OPTIMISING)
  const pool = new Pool(url.origin, {
    connections: options.connections,
    pipelining: 1,
    connect: createConnector({ url, proxy: options.proxy, timeoutMs }),
    bodyTimeout: timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
  })
  let compresses = options.gzip

  async function exchange(body: Uint8Array, gzipped: boolean, signal: AbortSignal): Promise<Answer> {
    const response = await pool.request({
      path: url.pathname + url.search,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: '*/*',
        'user-agent': `braze2amp/${version}`,
        ...(gzipped ? { 'content-encoding': 'gzip' } : {}),
      },
      body,
      // Counts from when the body is handed to the system, which may be long before it has left.
      headersTimeout: timeoutMs + sendingMs(body.length),
      signal,
    })
    return {
      is: 'response',
      status: response.statusCode,
      text: await textOf(response.body),
      retryAfter: headerOf(response.headers['retry-after']),
      location: headerOf(response.headers['location']),
      gzipped,
    }
  }

  return {
    async post(body) {
      const gzipped = compresses && body.length >= GZIP_FROM_BYTES
      const deadline = new AbortController()
      let timer: NodeJS.Timeout | undefined
      try {
        const sent = gzipped ? await compress(body) : body
        const withinMs = deadlineMs + sendingMs(sent.length)
        timer = setTimeout(
          () => deadline.abort(new Error(`no whole answer in ${Math.round(withinMs / 1000)} s`)),
          withinMs,
        )
        return await exchange(sent, gzipped, deadline.signal)
      } catch (error) {
        return failureOf(error, deadline.signal.aborted)
      } finally {
        clearTimeout(timer)
      }
    },
    sendPlain() {
      compresses = false
    },
    close: () => pool.destroy(),
  }
}

async function textOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    if (length < MAX_ANSWER_BYTES) pieces.push(piece)
    length += piece.length
  }
  return Buffer.concat(pieces).toString('utf8', 0, Math.min(length, MAX_ANSWER_BYTES))
}

function headerOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null
}

function failureOf(error: unknown, isLate: boolean): Answer {
  const { code = '', message } = error as NodeJS.ErrnoException
  const isTimeout = isLate || /TIMEOUT|ETIMEDOUT/.test(code)
  const remedy = error instanceof ConnectionError ? error.remedy : undefined
  return {
    is: 'failure',
    kind: isTimeout ? 'timeout' : 'network',
    message: message.includes(code) ? message : `${message} (${code})`,
    ...(remedy === undefined ? {} : { remedy }),
  }
}
