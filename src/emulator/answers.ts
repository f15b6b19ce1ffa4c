import { STATUS_CODES } from 'node:http'
import type { Admission } from './admission.ts'
import type { Api } from './documented-limits.ts'
import type { EventFaults, FieldIndexes } from './validate-event.ts'

/** Why a request was refused, as the statistics count it. */
export type RefusalReason =
  | 'invalid_path'
  | 'missing_body'
  | 'invalid_json'
  | 'unsupported_encoding'
  | 'too_large'
  | 'too_many_events'
  | 'missing_field'
  | 'invalid_api_key'
  | 'invalid_events'
  | 'refused_id'
  | 'silenced'
  | 'throttled'
  | 'project_limit'
  | 'injected'

/** A request of which nothing counts. */
export interface Refusal {
  readonly status: number
  /** An object goes out as JSON, a string as an HTML page. */
  readonly body: object | string
  readonly reason: RefusalReason
}

/** A request all of whose events count. */
export interface Success {
  readonly status: 200
  readonly body: object
  readonly events: number
}

/** A row of amplitude/README.md §3 with nothing but its text. */
function plain(status: number, error: string, reason: RefusalReason): Refusal {
  return { status, body: { code: status, error }, reason }
}

export const INVALID_PATH = plain(400, 'Invalid request path', 'invalid_path')
export const MISSING_BODY = plain(400, 'Missing request body', 'missing_body')
export const INVALID_JSON = plain(400, 'Invalid JSON request body', 'invalid_json')
export const UNSUPPORTED_ENCODING = plain(415, 'Unsupported Media Type', 'unsupported_encoding')
export const TOO_LARGE = plain(413, 'Payload too large', 'too_large')
export const TOO_MANY_EVENTS = plain(413, 'Payload too large', 'too_many_events')

/** The refused key is echoed in full, as Amplitude does (amplitude/README.md §3, seen). */
export function invalidApiKey(key: string): Refusal {
  return plain(400, `Invalid API key: ${key}`, 'invalid_api_key')
}

/** A field of the request itself is missing, not one of an event. */
export function missingField(field: 'api_key' | 'events'): Refusal {
  const error = 'Request missing required field'
  return { status: 400, body: { code: 400, error, missing_field: field }, reason: 'missing_field' }
}

/** The 400 for events at fault, or undefined when there are none. */
export function eventRefusal(faults: EventFaults, api: Api): Refusal | undefined {
  const maps = {
    events_with_invalid_fields: faults.invalid,
    events_with_missing_fields: faults.missing,
    events_with_invalid_id_lengths: faults.idLengths,
  }
  const filled = Object.entries(maps).filter(([, indexes]) => indexes.size > 0)
  if (filled.length === 0)
    return faults.refusedId ? plain(400, 'Invalid user_id or device_id', 'refused_id') : undefined

  const listed = filled.map(([name, indexes]) => [name, listIndexes(indexes, api)])
  const body = { code: 400, error: eventError(faults), ...Object.fromEntries(listed) }
  return { status: 400, body, reason: 'invalid_events' }
}

function eventError({ missing, invalid }: EventFaults): string {
  if (missing.size > 0) return 'Request missing required field'
  if (invalid.size > 0) return 'Invalid field values on some events'
  return 'Invalid id length for user_id or device_id'
}

function listIndexes(indexes: FieldIndexes, api: Api): object {
  const lists = [...indexes].map(([field, list]) => [field, api.listsEveryIndex ? list : list.slice(0, 1)])
  return Object.fromEntries(lists)
}

/** The 400 or 429 of a request that the gate stopped; maps and lists that would be empty are absent. */
export function gateRefusal(stopped: Exclude<Admission, { kind: 'admitted' }>): Refusal {
  if (stopped.kind === 'project') return plain(429, 'Too many requests', 'project_limit')
  if (stopped.kind === 'silenced') {
    return {
      status: 400,
      reason: 'silenced',
      body: {
        code: 400,
        error: 'Events silenced for device_id',
        eps_threshold: stopped.eventsPerSecond,
        silenced_devices: stopped.silencedDevices,
        silenced_events: stopped.silencedEvents,
        ...map('throttled_devices', stopped.throttledDevices),
        ...list('throttled_events', stopped.throttledEvents),
        ...map('exceeded_daily_quota_devices', stopped.quotaDevices),
      },
    }
  }
  return {
    status: 429,
    reason: 'throttled',
    body: {
      code: 429,
      error: 'Too many requests for some devices and users',
      eps_threshold: stopped.eventsPerSecond,
      ...map('throttled_devices', stopped.throttledDevices),
      ...map('throttled_users', stopped.throttledUsers),
      ...list('throttled_events', stopped.throttledEvents),
      ...map('exceeded_daily_quota_devices', stopped.quotaDevices),
      ...map('exceeded_daily_quota_users', stopped.quotaUsers),
    },
  }
}

function map(name: string, counts: ReadonlyMap<string, number>): object {
  return counts.size === 0 ? {} : { [name]: Object.fromEntries(counts) }
}

function list(name: string, indexes: readonly number[]): object {
  return indexes.length === 0 ? {} : { [name]: indexes }
}

/** What a proxy may answer in Amplitude's place. */
export const SIGN_IN_PAGE: Refusal = { status: 200, body: page('Please sign in to this network'), reason: 'injected' }

/** An answer that `--fail` asks for: in the words of amplitude/README.md §3 where it has them, a load balancer's page for 502 and 504. */
export function injectedRefusal(status: number): Refusal {
  if (status === 413) return { ...TOO_LARGE, reason: 'injected' }
  const text = STATUS_CODES[status] ?? 'Injected failure'
  if (status === 502 || status === 504) return { status, body: page(`${status} ${text}`), reason: 'injected' }
  return plain(status, text, 'injected')
}

function page(title: string): string {
  return `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`
}
