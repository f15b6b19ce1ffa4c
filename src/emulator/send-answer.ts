import type { ServerResponse } from 'node:http'
import type { Refusal, Success } from './answers.ts'
import type { Fault } from './faults.ts'
import { type Counters, countUp } from './stats.ts'

export interface Delivery {
  /** Sends the answer, or as much of it as the fault lets through, and counts what became of it. */
  deliver(response: ServerResponse, result: Success | Refusal, fault: Fault): void
  /** Resets a connection whose request does not count. */
  reset(response: ServerResponse): void
  /** Answers 500 after an error inside the emulator itself. */
  apologise(response: ServerResponse, message: string): void
}

export function createDelivery(counters: Counters): Delivery {
  function send(response: ServerResponse, { status, body }: Success | Refusal): void {
    countUp(counters.byStatus, status)
    response.writeHead(status, head(status, body)).end(textOf(body))
  }

  function sendHalf(response: ServerResponse, { status, body }: Success | Refusal): void {
    const bytes = Buffer.from(textOf(body))
    response.writeHead(status, { ...head(status, body), 'content-length': bytes.length })
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
  }

  return {
    deliver(response, result, fault) {
      // A sender that has given up in the meantime gets as little as one whose answer we withhold.
      const lost = fault.kind === 'dropAfter' || fault.kind === 'cutAnswer' || response.destroyed
      if ('reason' in result) countUp(counters.refused, result.reason)
      else if (lost) counters.unacknowledged += result.events
      else counters.accepted += result.events

      if (lost) counters.dropped++
      if (!lost) send(response, result)
      else if (fault.kind === 'cutAnswer') sendHalf(response, result)
      else response.destroy()
    },
    reset(response) {
      counters.dropped++
      response.socket?.resetAndDestroy()
    },
    apologise(response, message) {
      if (!response.headersSent && !response.destroyed) {
        send(response, { status: 500, body: { code: 500, error: `emulator: ${message}` }, reason: 'injected' })
        return
      }
      counters.dropped++
      response.destroy()
    },
  }
}

function head(status: number, body: object | string): Record<string, string> {
  const contentType = typeof body === 'string' ? 'text/html; charset=utf-8' : 'application/json'
  const isRedirect = status >= 300 && status < 400
  return { 'content-type': contentType, ...(isRedirect ? { location: '/' } : {}) }
}

function textOf(body: object | string): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}
