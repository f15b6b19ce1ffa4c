import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { gzip } from 'node:zlib'
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { GZIP_FROM_BYTES, TIMEOUT_MS } from '../amplitude/limits.ts'
import type { Answer } from './classify.ts'
import { isLoopback } from './loopback.ts'

/** Posts bodies to one URL. */
export interface HttpClient {
  /** Never rejects: what goes wrong is an answer too. */
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
  readonly timeoutMs?: number
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** Of a longer answer only so much is kept; its rest is read and thrown away, so that the connection stays usable. */
const MAX_ANSWER_BYTES = 4 << 20
/** Below the 60 s after which load balancers close an idle connection. */
const KEEP_ALIVE_MS = 20_000
const KEEP_ALIVE_MAX_MS = 50_000

const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']

/**
 * V8 optimises the parser of answers, which is WebAssembly, as soon as it has read the first one. That takes a third of a second of
 * CPU time and 35 MB, also at the end of a run of one request, and saves nothing: answers are short. So it is put off, where V8 is
 * known to have the flag: one that it lacks it complains of on standard error.
 */
const PUT_OFF_OPTIMISING = '--wasm-tiering-budget=2000000000'
const LAST_NODE_WITH_FLAG = 24

const compress = promisify(gzip)

/**
 * A client with kept-alive connections and a timeout of 30 s for connecting, for the head of an answer and between pieces of its
 * body. Proxy variables are honoured, except for loopback. Redirects are never followed: they would carry the key elsewhere.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { url, version, environment = process.env } = options
  if (Number.parseInt(process.versions.node, 10) <= LAST_NODE_WITH_FLAG) setFlagsFromString(PUT_OFF_OPTIMISING)
  const dispatcher = dispatcherOf(options, environment)
  let compresses = options.gzip

  return {
    async post(body) {
      const gzipped = compresses && body.length >= GZIP_FROM_BYTES
      try {
        const response = await dispatcher.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: '*/*',
            'user-agent': `braze2amp/${version}`,
            ...(gzipped ? { 'content-encoding': 'gzip' } : {}),
          },
          body: gzipped ? await compress(body) : body,
        })
        const text = await textOf(response.body)
        return {
          is: 'response',
          status: response.statusCode,
          text,
          retryAfter: headerOf(response.headers['retry-after']),
          location: headerOf(response.headers['location']),
          gzipped,
        }
      } catch (error) {
        return failureOf(error)
      }
    },
    sendPlain() {
      compresses = false
    },
    close: () => dispatcher.destroy(),
  }
}

function dispatcherOf(
  { url, connections, timeoutMs = TIMEOUT_MS }: HttpClientOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Dispatcher {
  const settings = {
    connections,
    pipelining: 1,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
  }
  const hasProxy = PROXY_VARIABLES.some((name) => (environment[name] ?? '') !== '')
  if (!hasProxy || isLoopback(url.hostname)) return new Pool(url.origin, settings)
  return new EnvHttpProxyAgent(settings)
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

function failureOf(error: unknown): Answer {
  const { code = '', message } = error as NodeJS.ErrnoException
  const isTimeout = /TIMEOUT|ETIMEDOUT/.test(code)
  return {
    is: 'failure',
    kind: isTimeout ? 'timeout' : 'network',
    message: message.includes(code) ? message : `${message} (${code})`,
  }
}
