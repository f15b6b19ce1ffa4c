import { bufferOf, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './bytes.ts'
import { endOfString, endOfValue, skipSpace } from './values.ts'

/** `{"events":[…]}`, what Braze posts to a Custom HTTP endpoint; other keys may stand beside the list. */

/** The key of the list, as it stands in the bytes. */
const EVENTS_KEY = Buffer.from('"events"')

/** False when no object in `bytes` can be an envelope. */
export function holdsEventsKey(bytes: Uint8Array): boolean {
  return bufferOf(bytes).includes(EVENTS_KEY)
}

/** Where the list of events of the object at `start` begins; -1 when the object has none, or is broken before it. */
export function eventsListAt(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== OPEN_BRACE) return -1
  let p = skipSpace(bytes, start + 1)
  while (bytes[p] === QUOTE) {
    const keyEnd = endOfString(bytes, p)
    if (keyEnd < 0) return -1
    const colon = skipSpace(bytes, keyEnd)
    if (bytes[colon] !== COLON) return -1
    const value = skipSpace(bytes, colon + 1)
    if (bytes[value] === OPEN_BRACKET && isEventsKey(bytes, p, keyEnd)) return value
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
  const list = eventsListAt(bytes, start)
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
