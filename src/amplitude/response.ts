/**
 * What a body from Amplitude says (AMPLITUDE.md §3). Absent maps and lists mean empty, and so do those of another shape: a body is
 * never a reason to fail.
 */
export interface AmplitudeBody {
  /** Null when the body has none. */
  readonly code: number | null
  readonly error: string
  /** A field of the request itself, not of an event. */
  readonly missingField: string | null
  /** Null when the body does not say. */
  readonly eventsIngested: number | null
  /** Index of a bad event → what is wrong with it, in Amplitude's words: `invalid time`. */
  readonly badEvents: ReadonlyMap<number, readonly string[]>
  /** Events a second of one identity; null when not said. */
  readonly epsThreshold: number | null
  readonly silencedDevices: readonly string[]
  readonly silencedEvents: readonly number[]
  readonly throttledDevices: readonly string[]
  readonly throttledUsers: readonly string[]
  readonly throttledEvents: readonly number[]
  readonly quotaDevices: readonly string[]
  readonly quotaUsers: readonly string[]
}

const BAD_EVENT_MAPS = [
  ['events_with_invalid_fields', 'invalid'],
  ['events_with_missing_fields', 'missing'],
  ['events_with_invalid_id_lengths', 'invalid length of'],
] as const

/** The parsed body; null when it is no JSON object. */
export function parseBody(text: string): AmplitudeBody | null {
  const body = objectOf(parsed(text))
  if (body === null) return null
  return {
    code: numberOf(body['code']),
    error: typeof body['error'] === 'string' ? body['error'] : '',
    missingField: typeof body['missing_field'] === 'string' ? body['missing_field'] : null,
    eventsIngested: numberOf(body['events_ingested']),
    badEvents: badEventsOf(body),
    epsThreshold: numberOf(body['eps_threshold']),
    silencedDevices: namesOf(body['silenced_devices']),
    silencedEvents: indexesOf(body['silenced_events']),
    throttledDevices: namesOf(body['throttled_devices']),
    throttledUsers: namesOf(body['throttled_users']),
    throttledEvents: indexesOf(body['throttled_events']),
    quotaDevices: namesOf(body['exceeded_daily_quota_devices']),
    quotaUsers: namesOf(body['exceeded_daily_quota_users']),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function badEventsOf(body: Readonly<Record<string, unknown>>): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>()
  for (const [key, what] of BAD_EVENT_MAPS) {
    for (const [field, indexes] of Object.entries(objectOf(body[key]) ?? {})) {
      for (const index of indexesOf(indexes)) {
        const known = found.get(index)
        if (known === undefined) found.set(index, [`${what} ${field}`])
        else known.push(`${what} ${field}`)
      }
    }
  }
  return found
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

/** The keys of a map, or the strings of a list: the pages show both. */
function namesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.filter((name) => typeof name === 'string')
  return Object.keys(objectOf(value) ?? {})
}

function indexesOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.filter((index) => Number.isSafeInteger(index) && index >= 0) : []
}
