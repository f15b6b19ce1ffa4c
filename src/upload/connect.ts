import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure, TLSSocket } from 'node:tls'
import type { buildConnector } from 'undici'
import type { HttpProxy } from './proxy.ts'

/** Why there is no connection. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  /** `ETIMEDOUT`, or the code of the system or of TLS. Never a code after which undici would connect again, at once and without end. */
  readonly code: string
  /** What a person must do before any attempt can succeed; undefined when waiting may help. */
  readonly remedy: string | undefined

  constructor(
    message: string,
    { code, remedy, cause }: { code: string; remedy?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause })
    this.code = code
    this.remedy = remedy
  }
}

interface ConnectorOptions {
  readonly url: URL
  readonly proxy: HttpProxy | null
  /** Time from the first packet until the connection is ready, including the proxy's tunnel and TLS. */
  readonly timeoutMs: number
}

/** TCP probes an idle connection after this time: some networks drop idle connections without telling either side. */
const KEEP_ALIVE_MS = 60_000

/**
 * Opens connections to one origin for undici, directly or through a tunnel of the proxy (CONNECT). Undici's own tunnel would reconnect
 * for ever, without a pause, to a proxy that hangs up. Here each failure is reported once, and the caller decides when to try again.
 */
export function createConnector({ url, proxy, timeoutMs }: ConnectorOptions): buildConnector.connector {
  const host = hostOf(url)
  const port = portOf(url)
  /** The newest TLS session, which the next connection resumes. */
  let session: Buffer | undefined

  async function open(signal: AbortSignal): Promise<Socket> {
    const tunnel = proxy === null ? undefined : await tunnelTo(`${url.hostname}:${port}`, proxy, signal)
    if (url.protocol !== 'https:') return tunnel ?? connected(connectPlain({ host, port }), 'connect', signal)
    const to = tunnel === undefined ? { host, port } : { host, socket: tunnel }
    const servername = isIP(host) === 0 ? { servername: host } : {}
    const socket = connectSecure({ ...to, ...servername, ALPNProtocols: ['http/1.1'], ...(session && { session }) })
    socket.on('session', (newest) => {
      session = newest
    })
    return connected(socket, 'secureConnect', signal)
  }

  return (_options, callback) => {
    const signal = AbortSignal.timeout(timeoutMs)
    open(signal).then(
      (socket) => {
        if (socket.destroyed) {
          callback(new ConnectionError('the other side closed the connection', { code: 'ECONNRESET' }), null)
          return
        }
        socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
        callback(null, socket)
      },
      (error: unknown) => callback(failureOf(error, signal, proxy), null),
    )
  }
}

async function connected(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<Socket> {
  // Undici listens for errors once it has the socket. Until then, an error without a listener would end the process.
  socket.on('error', () => {})
  try {
    await once(socket, event, { signal })
    return socket
  } catch (error) {
    socket.destroy()
    if (socket instanceof TLSSocket && isRefused(socket)) throw certificateRefused(error)
    throw error
  }
}

/** A connection through the proxy to `authority` (host and port). */
async function tunnelTo(authority: string, proxy: HttpProxy, signal: AbortSignal): Promise<Socket> {
  const url = new URL(proxy.url)
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
    host: hostOf(url),
    port: portOf(url),
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      connection: 'keep-alive',
      'proxy-connection': 'keep-alive',
      ...(proxy.authorization === null ? {} : { 'proxy-authorization': proxy.authorization }),
    },
    agent: false,
  })
  request.on('error', () => {})
  request.end()
  const { status, socket, rest } = await tunnelAnswer(request, signal)
  socket.on('error', () => {})
  if (status === 407) {
    socket.destroy()
    throw new ConnectionError('the proxy asks for a user and a password, or does not take those it was given (407)', {
      code: '407',
      remedy: `Give them in ${proxy.variable}: http://user:password@host:port.`,
    })
  }
  if (status < 200 || status > 299) {
    socket.destroy()
    throw new ConnectionError(`the proxy answers ${status} to CONNECT`, { code: String(status) })
  }
  if (rest.length > 0) socket.unshift(rest)
  return socket
}

async function tunnelAnswer(
  request: ClientRequest,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly socket: Socket; readonly rest: Buffer }> {
  try {
    const [response, socket, rest] = (await once(request, 'connect', { signal })) as [IncomingMessage, Socket, Buffer]
    return { status: response.statusCode ?? 0, socket, rest }
  } catch (error) {
    const { socket } = request
    request.destroy()
    if (socket instanceof TLSSocket && isRefused(socket)) throw certificateRefused(error)
    throw error
  }
}

/** True when the certificate is the reason why TLS was not set up. */
function isRefused(socket: TLSSocket): boolean {
  // The types are wrong here: the value is undefined until the certificate is checked, and null when it is good.
  const reason: unknown = socket.authorizationError
  return reason !== undefined && reason !== null
}

function remedyOf(code: string): string {
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'It is for another name: check --endpoint, and the proxy in between.'
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'Check the clock of this machine; if it is right, whoever holds the certificate must renew it.'
    default:
      return 'If your network checks encrypted traffic, name the file of its certificate authority in NODE_EXTRA_CA_CERTS.'
  }
}

function certificateRefused(cause: unknown): ConnectionError {
  const { message, code = '' } = cause as NodeJS.ErrnoException
  return new ConnectionError(`the certificate is refused: ${message}`, {
    code,
    remedy: remedyOf(code),
    cause,
  })
}

function failureOf(error: unknown, signal: AbortSignal, proxy: HttpProxy | null): ConnectionError {
  const { message, code = 'ECONNRESET' } = error as NodeJS.ErrnoException
  const isTimeout = signal.aborted && !(error instanceof ConnectionError)
  const what = isTimeout ? 'no connection in time' : message
  return new ConnectionError(proxy === null ? what : `through the proxy of ${proxy.variable}: ${what}`, {
    code: isTimeout ? 'ETIMEDOUT' : code,
    remedy: error instanceof ConnectionError ? error.remedy : undefined,
    cause: error,
  })
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

function portOf({ protocol, port }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}
