import type { TestContext } from 'node:test'
import type { Clock } from '../../src/clock.ts'
import type { EmulatorOptions } from '../../src/emulator/emulator-options.ts'
import { type Emulator, startEmulator } from '../../src/emulator/server.ts'

export interface VirtualClock extends Clock {
  advance(byMs: number): void
}

/** Time that moves only when the test says so; sleeping takes none. */
export function createVirtualClock(): VirtualClock {
  let nowMs = 0
  return {
    now: () => nowMs,
    wallClock: () => 1_700_000_000_000 + nowMs,
    sleep: () => Promise.resolve(),
    advance(byMs) {
      nowMs += byMs
    },
  }
}

/** An emulator that ends with its test. */
export async function start(t: TestContext, options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator(options)
  t.after(() => emulator.close())
  return emulator
}

export interface Reply {
  readonly status: number
  readonly body: unknown
}

export const HTTP = '/2/httpapi'
export const BATCH = '/batch'

/** Posts text or bytes as they are; resolves with the parsed answer, or its text when that is no JSON. */
export async function postRaw(
  { url }: Pick<Emulator, 'url'>,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(url + path, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  const text = await response.text()
  return { status: response.status, body: parsed(text) }
}

/** Posts events with a key and `min_id_length` 1, as the uploader does. */
export function post(emulator: Pick<Emulator, 'url'>, events: readonly unknown[], path = HTTP): Promise<Reply> {
  return postRaw(emulator, path, JSON.stringify({ api_key: 'key', events, options: { min_id_length: 1 } }))
}

/** `count` copies of a valid event with the given fields. */
export function eventsOf(count: number, fields: object = {}): object[] {
  return Array.from({ length: count }, () => ({
    event_type: 'Email Open',
    device_id: 'device-1',
    time: 1000,
    ...fields,
  }))
}

/** The status alone. */
export async function statusOf(reply: Promise<Reply>): Promise<number> {
  return (await reply).status
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
