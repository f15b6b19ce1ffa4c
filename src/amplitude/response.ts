import { MAX_STRING_LENGTH } from './event.ts'
import { LONGEST_ANSWER_TEXT, MAX_FAULTS } from './limits.ts'

/**
 * What a body from Amplitude says (amplitude/README.md §3). Whatever the other side sends, each field is in its range, or absent: a body is
 * never a reason to fail. Absent maps and lists mean empty. Its texts are raw: they may hold the key (`upload/server-text.ts`).
 */
export interface AmplitudeBody {
  /** An HTTP status. Null when the body has none. */
  readonly code: number | null
  readonly error: string
  /** A field of the request itself, not of an event. */
  readonly missingField: string | null
  /**
   * From 0 to the events of the request. Null when the body does not say, and when it says a number that cannot be: that it was
   * accepted is then said by status and `code` alone, as in a body without it.
   */
  readonly eventsIngested: number | null
  /** Index of a bad event → what is wrong with it, in Amplitude's words: `invalid time`. */
  readonly badEvents: ReadonlyMap<number, readonly string[]>
  /** Events a second of one identity, 1 at least; null when not said. */
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

/**
 * The parsed body; null when it is no JSON object.
 * @param sent events of the request that it answers: no index and no count goes beyond
 */
export function parseBody(text: string, sent: number): AmplitudeBody | null {
  const body = objectOf(parsed(text))
  if (body === null) return null
  const missingField = textOf(body['missing_field'])
  return {
    code: integerOf(body['code'], 100, 599),
    error: textOf(body['error']) ?? '',
    missingField: missingField === '' ? null : missingField,
    eventsIngested: integerOf(body['events_ingested'], 0, sent),
    badEvents: badEventsOf(body, sent),
    epsThreshold: integerOf(body['eps_threshold'], 1, Number.MAX_SAFE_INTEGER),
    silencedDevices: namesOf(body['silenced_devices']),
    silencedEvents: indexesOf(body['silenced_events'], sent),
    throttledDevices: namesOf(body['throttled_devices']),
    throttledUsers: namesOf(body['throttled_users']),
    throttledEvents: indexesOf(body['throttled_events'], sent),
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

function badEventsOf(body: Readonly<Record<string, unknown>>, sent: number): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>()
  for (const [key, what] of BAD_EVENT_MAPS) {
    for (const [field, indexes] of Object.entries(objectOf(body[key]) ?? {})) {
      const fault = `${what} ${field.slice(0, MAX_STRING_LENGTH)}`
      for (const index of indexesOf(indexes, sent)) {
        const known = found.get(index)
        if (known === undefined) found.set(index, [fault])
        else if (known.length < MAX_FAULTS) known.push(fault)
      }
    }
  }
  return found
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
}

function integerOf(value: unknown, least: number, most: number): number | null {
  return isIntegerWithin(value, least, most) ? value : null
}

function isIntegerWithin(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, LONGEST_ANSWER_TEXT) : null
}

/** The keys of a map, or the strings of a list: the pages show both. None is longer than what Amplitude keeps of an id. */
function namesOf(value: unknown): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : Object.keys(objectOf(value) ?? {})
  return names.filter((name) => typeof name === 'string' && name !== '' && name.length <= MAX_STRING_LENGTH) as string[]
}

/** The indexes in a list, each once. */
function indexesOf(value: unknown, sent: number): readonly number[] {
  if (!Array.isArray(value)) return []
  return [...new Set(value.filter((index) => isIntegerWithin(index, 0, sent - 1)))]
}
