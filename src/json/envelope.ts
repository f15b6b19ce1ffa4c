import { bufferOf, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, textOf } from './bytes.ts'
import { endOfString, endOfValue, skipSpace } from './values.ts'

/**
 * Objects that hold records: `{"events":[…]}`, what Braze posts to a Custom HTTP endpoint, other keys beside the list; and an object with
 * none of a record's keys before a list of records (`{"meta":…,"data":[…]}`), what tools that page and export write. A list is one of
 * records when the first thing in it is an object that has a record's key: ClickHouse lists columns before the records.
 */

/** The key of the list, as it stands in the bytes. */
const EVENTS_KEY = Buffer.from('"events"')
/** Where it is searched for from: quotes and vowels are everywhere, and each would be a false start. */
const RARE_AT = EVENTS_KEY.indexOf('v')
const RARE_PART = EVENTS_KEY.subarray(RARE_AT)

/** False when no object in `bytes` can be such an envelope. */
export function holdsEventsKey(bytes: Uint8Array): boolean {
  const buffer = bufferOf(bytes)
  for (let at = buffer.indexOf(RARE_PART); at >= 0; at = buffer.indexOf(RARE_PART, at + 1)) {
    if (EVENTS_KEY.every((byte, i) => buffer[at - RARE_AT + i] === byte)) return true
  }
  return false
}

/** Where the list of events of the object at `start` begins; -1 when the object has none, or is broken before it. */
export function eventsListAt(bytes: Uint8Array, start: number): number {
  return valueAt(bytes, start, (keyStart, keyEnd, value) => {
    return bytes[value] === OPEN_BRACKET && isEventsKey(bytes, keyStart, keyEnd)
  })
}

/**
 * Where the list of records begins that makes the object at `start` an envelope, although it has no list of events, or an empty one; -1
 * when there is none, or the object is a record.
 */
export function otherListAt(bytes: Uint8Array, start: number): number {
  let isOther = false
  const found = valueAt(bytes, start, (keyStart, keyEnd, value) => {
    if (isRecordKey(textOf(bytes, keyStart + 1, keyEnd - 1))) return true
    const isList = bytes[value] === OPEN_BRACKET
    isOther = isList && mayBeRecord(bytes, skipSpace(bytes, value + 1)) && !isEventsKey(bytes, keyStart, keyEnd)
    return isOther || (isList && isEventsKey(bytes, keyStart, keyEnd) && !isEmptyList(bytes, value))
  })
  return isOther ? found : -1
}

/** True when an object is at `start` that has a record's key, or is not all there. */
function mayBeRecord(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === OPEN_BRACE && (hasRecordKey(bytes, start) || endOfValue(bytes, start) < 0)
}

/** True when an object is at `start` that has a record's key before it breaks, if it does. */
export function hasRecordKey(bytes: Uint8Array, start: number): boolean {
  return valueAt(bytes, start, (keyStart, keyEnd) => isRecordKey(textOf(bytes, keyStart + 1, keyEnd - 1))) >= 0
}

/**
 * True when the list at `list`, which is a member's value, or a member before it has a record's key, or when the object breaks before it.
 * @param from the key of the first member to look at
 */
export function isBehindRecordKey(bytes: Uint8Array, from: number, list: number): boolean {
  let isBehind = true
  memberFrom(bytes, from, (keyStart, keyEnd, value) => {
    if (isRecordKey(textOf(bytes, keyStart + 1, keyEnd - 1))) return true
    isBehind = value < list
    return !isBehind
  })
  return isBehind
}

/** True for a key, in any spelling, that a record has and an object around records has not. */
function isRecordKey(key: string): boolean {
  return RECORD_KEYS.has(key.toLowerCase().replace(/[^a-z0-9]/g, ''))
}

const RECORD_KEYS = new Set(['id', 'time', 'eventtype', 'externaluserid', 'userid', 'deviceid', 'user', 'properties'])

function isEmptyList(bytes: Uint8Array, start: number): boolean {
  return bytes[skipSpace(bytes, start + 1)] === CLOSE_BRACKET
}

/** Where the first value of the object at `start` is that is asked for, by the places of its key and value; -1 when there is none before it breaks. */
function valueAt(
  bytes: Uint8Array,
  start: number,
  isAskedFor: (keyStart: number, keyEnd: number, value: number) => boolean,
): number {
  return bytes[start] === OPEN_BRACE ? memberFrom(bytes, skipSpace(bytes, start + 1), isAskedFor) : -1
}

/** As `valueAt`, of the members from the one on whose key is at `at`. */
function memberFrom(
  bytes: Uint8Array,
  at: number,
  isAskedFor: (keyStart: number, keyEnd: number, value: number) => boolean,
): number {
  let p = at
  while (bytes[p] === QUOTE) {
    const keyEnd = endOfString(bytes, p)
    if (keyEnd < 0) return -1
    const colon = skipSpace(bytes, keyEnd)
    if (bytes[colon] !== COLON) return -1
    const value = skipSpace(bytes, colon + 1)
    if (isAskedFor(p, keyEnd, value)) return value
    const valueEnd = endOfValue(bytes, value)
    if (valueEnd < 0) return -1
    p = skipSpace(bytes, valueEnd)
    if (bytes[p] !== COMMA) return -1
    p = skipSpace(bytes, p + 1)
  }
  return -1
}

function isEventsKey(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== EVENTS_KEY.length) return false
  for (let i = 0; i < EVENTS_KEY.length; i++) if (bytes[start + i] !== EVENTS_KEY[i]) return false
  return true
}

/** The events of the envelope `[start, end)` as pairs of start and end; null when it is anything else. */
export function envelopeItems(bytes: Uint8Array, start: number, end: number): readonly number[] | null {
  let list = eventsListAt(bytes, start)
  if (list >= 0 && isEmptyList(bytes, list)) {
    const other = otherListAt(bytes, start)
    if (other >= 0) list = other
  }
  if (list < 0 || endOfValue(bytes, start) !== end) return null
  const items: number[] = []
  let p = skipSpace(bytes, list + 1)
  while (bytes[p] !== CLOSE_BRACKET) {
    const itemEnd = endOfValue(bytes, p)
    items.push(p, itemEnd)
    p = skipSpace(bytes, itemEnd)
    if (bytes[p] === COMMA) p = skipSpace(bytes, p + 1)
  }
  return items
}
