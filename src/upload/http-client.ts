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
  /** Resolves for a failed request too. Rejects when another process has taken the lock (before sending), or `http-thread.ts` broke. */
  post(body: Uint8Array): Promise<Answer>
  /** From now on bodies are not compressed: the other side cannot read compressed ones. */
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

/** Only this much of an answer is kept. The rest is read and thrown away, so that the connection stays usable. */
const MAX_ANSWER_BYTES = 4 << 20
/** Below the 60 s after which load balancers close an idle connection. */
const KEEP_ALIVE_MS = 20_000
const KEEP_ALIVE_MAX_MS = 50_000

/**
 * Undici's parser of answers is WebAssembly, and V8 optimises it after the first answer. That costs a third of a second of CPU time and
 * 35 MB, even in a run of one request, and saves nothing, since answers are short. This flag puts the optimisation off. It is set only
 * where V8 is known to have it: V8 complains on standard error about a flag that it lacks.
 */
const PUT_OFF_OPTIMISING = '--wasm-tiering-budget=2000000000'
const LAST_NODE_WITH_FLAG = 24

const compress = promisify(gzip)

/**
 * A client that keeps connections alive. It has a timeout of 30 s for connecting, for the head of an answer and between pieces of its
 * body, and a deadline for the whole request. It follows no redirects, which would carry the key elsewhere. It sends each request once:
 * the caller decides whether to repeat it.
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
      // This timeout starts when the body is handed to the system, which may be long before the body has left.
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
