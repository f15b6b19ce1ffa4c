import { API_LIMITS, type ApiName, EXCERPT_CHARACTERS, KEPT_CHARACTERS, SHOWN_CHARACTERS } from '../amplitude/limits.ts'
import { type AmplitudeBody, parseBody } from '../amplitude/response.ts'
import { StoppedError } from '../errors.ts'
import type { RejectReason } from '../model.ts'
import type { IdentityRef, QueuedEvent } from '../schedule/contract.ts'
import { retryAfterMs } from './pause.ts'
import { serverText } from './server-text.ts'

/** How one attempt to send a request ended. */
export type Answer =
  | {
      readonly is: 'response'
      readonly status: number
      readonly text: string
      readonly retryAfter: string | null
      readonly location: string | null
      /** The request was compressed. */
      readonly gzipped: boolean
    }
  /** No complete answer: whether the events were taken is unknown. */
  | {
      readonly is: 'failure'
      readonly kind: 'timeout' | 'network'
      readonly message: string
      /** What a person must do before any attempt can succeed; absent when waiting may help. */
      readonly remedy?: string
    }

/** An identity to send nothing of: for a time, or as its daily quota says. */
export interface Hold {
  readonly identity: IdentityRef
  readonly forMs: number
  readonly forQuota: boolean
}

/** An event that will never be accepted. */
export interface DeadEvent {
  /** Index of the event in the request. */
  readonly at: number
  readonly reason: RejectReason
  /** In Amplitude's words, as `serverText` gives them. */
  readonly detail: string
}

/** What an answer asks for: one row per line of amplitude/README.md §4. */
export type Verdict =
  | { readonly do: 'settle'; readonly ingested: number }
  /** The `dead` events are rejected; the rest of the request is sent again at once. */
  | { readonly do: 'deadLetter'; readonly dead: readonly DeadEvent[]; readonly holds: readonly Hold[] }
  /** The request is too large: it is sent again in halves. A single event that is too large is rejected. */
  | { readonly do: 'split'; readonly detail: string }
  | { readonly do: 'hold'; readonly holds: readonly Hold[]; readonly runEventsPerSecond: number | null }
  | {
      readonly do: 'backOff'
      readonly scope: 'request' | 'run'
      readonly retryAfterMs: number | null
      readonly detail: string
      /** Status and text of a success that did not come from Amplitude; null otherwise. */
      readonly excerpt: string | null
    }
  /** Amplitude does not say which event it refuses, or whether it refuses all: the request is sent in halves, down to the culprit. */
  | { readonly do: 'requestRefused'; readonly reason: RejectReason; readonly detail: string }
  | { readonly do: 'sendPlain' }
  | { readonly do: 'stop'; readonly error: StoppedError }

/** The request that was answered, and what is needed to judge its answer. */
export interface Asked {
  readonly events: readonly Pick<QueuedEvent, 'user' | 'device'>[]
  readonly api: ApiName
  /** Never shown. */
  readonly key: string
  readonly wallClockMs: number
}

/**
 * What `answer` asks for. A pure function: the same answer to the same request always gives the same verdict. The texts of a verdict are
 * safe to show and to store.
 */
export function classify(answer: Answer, asked: Asked): Verdict {
  if (answer.is === 'failure') {
    const detail = serverText(answer.message, asked.key, KEPT_CHARACTERS)
    if (answer.remedy !== undefined) return { do: 'stop', error: shutOff(detail, answer.remedy) }
    return { do: 'backOff', scope: 'request', retryAfterMs: null, detail, excerpt: null }
  }
  const body = parseBody(answer.text, asked.events.length)
  const status = isSuccess(answer.status) ? statusOfBody(answer.status, body) : answer.status
  const detail = `${answer.status} ${serverText(body?.error || answer.text, asked.key, KEPT_CHARACTERS)}`.trim()
  const backOff = {
    do: 'backOff',
    scope: 'request',
    retryAfterMs: retryAfterMs(answer.retryAfter, asked.wallClockMs),
    detail,
    excerpt: null,
  } as const

  if (status === null) {
    const excerpt = serverText(answer.text, asked.key, EXCERPT_CHARACTERS)
    return { ...backOff, excerpt: `status ${answer.status}, ${excerpt === '' ? '(nothing)' : excerpt}` }
  }
  if (status === 200) return { do: 'settle', ingested: body?.eventsIngested ?? asked.events.length }
  if (status === 413) return { do: 'split', detail }
  if (status === 429) return throttled(body, asked) ?? { ...backOff, scope: 'run' }
  if (status === 408 || (status >= 500 && status <= 599)) return backOff
  if (answer.gzipped && (status === 415 || isInvalidJson(status, body))) return { do: 'sendPlain' }
  if (status === 403) return { do: 'requestRefused', reason: 'forbidden', detail }
  if (status === 400) return refused(body, asked, detail)
  return { do: 'stop', error: stopFor(status, answer.location, detail, asked.key) }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299
}

/**
 * What a success really is, by its body: 200, or the error status that the body names. Null when the body is not Amplitude's: some
 * other server answered, though it may have passed the request on.
 */
function statusOfBody(status: number, body: AmplitudeBody | null): number | null {
  if (status !== 200 || body === null || body.code === null) return null
  return body.code === 200 || (body.code >= 400 && body.code <= 599) ? body.code : null
}

function refused(body: AmplitudeBody | null, asked: Asked, detail: string): Verdict {
  if (body === null) return { do: 'requestRefused', reason: 'invalid_event', detail }
  const silenced = silencedVerdict(body, asked, detail)
  if (silenced !== null) return silenced
  const dead = deadEvents(body, asked, detail)
  if (dead.length > 0) return { do: 'deadLetter', dead, holds: [] }
  const isOfRequest =
    body.missingField !== null || /^invalid api.?key/i.test(body.error) || /^invalid request path/i.test(body.error)
  if (isOfRequest) return { do: 'stop', error: stopFor(400, null, detail, asked.key, body.missingField) }
  return { do: 'requestRefused', reason: 'invalid_event', detail }
}

function deadEvents({ badEvents, error }: AmplitudeBody, { key }: Asked, detail: string): readonly DeadEvent[] {
  const what = error === '' ? detail : serverText(error, key, KEPT_CHARACTERS)
  /** Texts that are made safe already: many events have the same fault. */
  const known = new Map<string, string>()

  function shown(fault: string): string {
    const text = known.get(fault) ?? serverText(fault, key, KEPT_CHARACTERS)
    known.set(fault, text)
    return text
  }

  return Array.from(badEvents, ([at, faults]) => ({
    at,
    reason: 'invalid_event',
    detail: `${what}: ${faults.map(shown).join(', ')}`.slice(0, KEPT_CHARACTERS),
  }))
}

function silencedVerdict(body: AmplitudeBody, asked: Asked, detail: string): Verdict | null {
  const { events } = asked
  const indexes = new Set(body.silencedEvents)
  const names = new Set(body.silencedDevices)
  if (names.size > 0) {
    for (const [at, { device }] of events.entries()) if (device !== null && names.has(device)) indexes.add(at)
  }
  if (indexes.size === 0) return null
  const dead = [...indexes].map((at) => ({ at, reason: 'silenced_device', detail }) as const)
  return { do: 'deadLetter', dead, holds: holdsOf(body, asked) }
}

function throttled(body: AmplitudeBody | null, asked: Asked): Verdict | null {
  if (body === null) return null
  const holds = holdsOf(body, asked)
  return holds.length === 0 ? null : { do: 'hold', holds, runEventsPerSecond: body.epsThreshold }
}

/** The identities in this request that the body names, or whose events the body lists. */
function holdsOf(body: AmplitudeBody, { events, api }: Asked): readonly Hold[] {
  const forMs = API_LIMITS[api].holdMs
  const named = {
    device: new Set([...body.throttledDevices, ...body.quotaDevices]),
    user: new Set([...body.throttledUsers, ...body.quotaUsers]),
  }
  const quota = { device: new Set(body.quotaDevices), user: new Set(body.quotaUsers) }
  const listed = new Set(body.throttledEvents)
  const holds = new Map<string, Hold>()

  function hold(kind: IdentityRef['kind'], id: string): void {
    holds.set(`${kind} ${id}`, { identity: { kind, id }, forMs, forQuota: quota[kind].has(id) })
  }

  for (const [at, { user, device }] of events.entries()) {
    const deviceNamed = device !== null && named.device.has(device)
    const userNamed = user !== null && named.user.has(user)
    if (deviceNamed) hold('device', device)
    if (userNamed) hold('user', user)
    if (deviceNamed || userNamed || !listed.has(at)) continue
    // For an event without `device_id` Amplitude names a device that it made up (amplitude/README.md §2). Only the list leads to it then.
    if (device !== null) hold('device', device)
    else if (user !== null) hold('user', user)
  }
  return [...holds.values()]
}

function isInvalidJson(status: number, body: AmplitudeBody | null): boolean {
  return status === 400 && (body === null || /invalid json/i.test(body.error))
}

/** The error for a failure that every further attempt would meet too. */
function shutOff(detail: string, remedy: string): StoppedError {
  return new StoppedError(`Amplitude cannot be reached: ${detail.slice(0, SHOWN_CHARACTERS)}`, {
    stopped: 'unreachable',
    hint: `${remedy} Nothing was sent with it; the same command goes on.`,
  })
}

function stopFor(
  status: number,
  location: string | null,
  detail: string,
  key: string,
  missingField: string | null = null,
): StoppedError {
  const shown = (text: string) => serverText(text, key, SHOWN_CHARACTERS)
  if (status >= 300 && status < 400) {
    const to = location === null ? '' : `, to ${shown(location)}`
    return new StoppedError(`Amplitude's address redirects${to} (${status}); redirects are not followed`, {
      stopped: 'refused',
      hint: 'Check --endpoint and --region, and the proxy in between.',
    })
  }
  const field = missingField === null ? '' : ` (${shown(missingField)})`
  const isKey = /api.?key/i.test(detail) || missingField === 'api_key' || status === 401
  return new StoppedError(`Amplitude refuses every request: ${detail.slice(0, SHOWN_CHARACTERS)}${field}`, {
    stopped: 'refused',
    hint: isKey
      ? 'Check the key in AMPLITUDE_API_KEY or --api-key-file; a project in the EU also needs --region eu. The same command ' +
        'goes on; with another key or region, once with --accept-changes.'
      : 'Check --endpoint, --region and --api. Nothing of these requests was taken; the same command goes on.',
  })
}
