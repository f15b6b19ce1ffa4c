import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface ScriptedEvent {
  readonly user_id?: string
  readonly device_id?: string
  readonly insert_id: string
  readonly event_type: string
}

/** What the server answers; `reset` cuts the connection, `silent` keeps it without an answer, `dribble` never ends the answer. */
export type ScriptedAnswer =
  | 'reset'
  | 'silent'
  | 'dribble'
  | { readonly status: number; readonly body: object | string; readonly headers?: Readonly<Record<string, string>> }

export interface ScriptedRequest {
  readonly number: number
  readonly events: readonly ScriptedEvent[]
  readonly path: string
  readonly gzipped: boolean
  readonly body: { readonly api_key: string; readonly options: object }
}

export interface ScriptedServer {
  readonly url: string
  readonly requests: readonly ScriptedRequest[]
  /** insert_ids answered with 200, in order. */
  readonly accepted: readonly string[]
}

export function ok(events: readonly unknown[]): ScriptedAnswer {
  return {
    status: 200,
    body: { code: 200, events_ingested: events.length, payload_size_bytes: 1, server_upload_time: 1 },
  }
}

/** A server that answers as the test says, for what the emulator cannot be made to answer. It ends with its test. */
export async function startScripted(
  t: { readonly after: (end: () => void) => void },
  answer: (request: ScriptedRequest) => ScriptedAnswer,
): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = []
  const accepted: string[] = []

  function handle(request: IncomingMessage, bytes: Buffer, response: ServerResponse): void {
    const gzipped = request.headers['content-encoding'] === 'gzip'
    const body = JSON.parse((gzipped ? gunzipSync(bytes) : bytes).toString())
    const asked: ScriptedRequest = {
      number: requests.length,
      events: body.events,
      path: request.url ?? '',
      gzipped,
      body,
    }
    requests.push(asked)
    const given = answer(asked)
    if (given === 'silent') return
    if (given === 'dribble') return void dribble(response)
    if (given === 'reset') return void request.socket.resetAndDestroy()
    if (given.status === 200 && typeof given.body === 'object') {
      accepted.push(...asked.events.map(({ insert_id }) => insert_id))
    }
    response.writeHead(given.status, given.headers ?? {})
    response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body))
  }

  function dribble(response: ServerResponse): void {
    response.writeHead(200)
    const timer = setInterval(() => response.write(' '), 10)
    response.on('close', () => clearInterval(timer))
  }

  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => handle(request, Buffer.concat(pieces), response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, accepted }
}
