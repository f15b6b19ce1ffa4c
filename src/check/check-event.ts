import { FIELD_KINDS, MAX_DEPTH, MAX_STRING_LENGTH } from '../amplitude/event.ts'
import { API_LIMITS, BODY_MARGIN_BYTES } from '../amplitude/limits.ts'
import { excerpt } from '../excerpt.ts'
import type { Severity } from '../model.ts'

/** An event as it would be sent, read back. */
export type SentEvent = Readonly<Record<string, unknown>> & {
  readonly event_type: string
  readonly time: number
  readonly event_properties: Readonly<Record<string, unknown>>
}

/** Braze was founded in 2011: an earlier event's time was not in seconds or milliseconds. */
export const EARLIEST_MS = Date.UTC(2011, 0, 1)

/** A request takes no larger event. */
export const MAX_EVENT_BYTES = API_LIMITS.http.maxBodyBytes - BODY_MARGIN_BYTES

/** Takes one thing that is wrong; `title` is the same for all events that have it. */
export type Report = (severity: Severity, cause: string, title: string, message?: string) => void

/** Checks one event against Amplitude's contract as the uploader would meet it (amplitude/README.md §1, §2). */
export function checkEvent(event: SentEvent, byteLength: number, report: Report): void {
  if (byteLength > MAX_EVENT_BYTES) {
    const title = 'the event is larger than a request may be'
    report('error', 'too_large', title, `${title}: ${byteLength} bytes of ${MAX_EVENT_BYTES}`)
  }
  if (event.time < EARLIEST_MS) {
    const title = 'the event is older than Braze'
    report('warning', 'ancient_time', title, `${title}: ${new Date(event.time).toISOString()}`)
  }
  for (const [field, value] of Object.entries(event)) {
    if (field !== 'event_properties') checkLength(field === 'event_type' ? "the event's name" : field, value, report)
  }
  for (const [field, kind] of Object.entries(FIELD_KINDS)) {
    const value = event[field]
    if (value === undefined || isOfKind(value, kind)) continue
    const title = `Amplitude takes only ${kind === 'string' ? 'text' : `a ${kind}`} in ${field}`
    report('error', 'invalid_type', title, `${title}, not ${excerpt(JSON.stringify(value))}`)
  }
  if ('productId' in event && !('price' in event) && !('revenue' in event)) {
    report('warning', 'missing_price', 'productId counts for nothing without a price')
  }
  for (const [property, value] of Object.entries(event.event_properties)) checkProperty(property, value, report)
}

function checkProperty(property: string, value: unknown, report: Report): void {
  if (property.length > MAX_STRING_LENGTH) {
    report('warning', 'long_string', `a property's name has more than ${MAX_STRING_LENGTH} characters`)
  }
  checkLength(property, value, report)
  if (isDeeperThan(value, MAX_DEPTH)) {
    report('error', 'nesting', `${property} is nested more than ${MAX_DEPTH} deep`)
  }
}

function checkLength(name: string, value: unknown, report: Report): void {
  const long = longestString(value)
  if (long <= MAX_STRING_LENGTH) return
  const title = `${name} is cut at ${MAX_STRING_LENGTH} characters`
  report('warning', 'long_string', title, `${title}; it has ${long}`)
}

function isOfKind(value: unknown, kind: 'string' | 'number' | 'integer'): boolean {
  return kind === 'integer' ? Number.isInteger(value) : typeof value === kind
}

function longestString(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  let longest = 0
  const stack: object[] = [value]
  for (let object = stack.pop(); object !== undefined; object = stack.pop()) {
    for (const inner of Object.values(object)) {
      if (typeof inner === 'string') longest = Math.max(longest, inner.length)
      else if (typeof inner === 'object' && inner !== null) stack.push(inner)
    }
  }
  return longest
}

/** One level at a time: a value can be nested deeper than the stack. */
function isDeeperThan(value: unknown, maxDepth: number): boolean {
  let level = [value].filter(isObject)
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= maxDepth) return true
    level = level.flatMap((object) => Object.values(object).filter(isObject))
  }
  return false
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
