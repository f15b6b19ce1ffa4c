import { CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, utf8 } from '../json/bytes.ts'
import { endOfValue, skipSpace } from '../json/values.ts'

const KEY = utf8('"events"')

/**
 * The events in `{"events":[…]}`, what Braze posts to a Custom HTTP endpoint, as pairs of start and end; null when
 * `[start, end)` is anything else.
 */
export function envelopeItems(bytes: Uint8Array, start: number, end: number): readonly number[] | null {
  if (bytes[start] !== OPEN_BRACE) return null
  let p = bytes[start + 1] === QUOTE ? start + 1 : skipSpace(bytes, start + 1)
  for (let i = 0; i < KEY.length; i++) if (bytes[p + i] !== KEY[i]) return null
  p = skipSpace(bytes, p + KEY.length)
  if (bytes[p] !== COLON) return null
  p = skipSpace(bytes, p + 1)
  if (bytes[p] !== OPEN_BRACKET || !isOneObject(bytes, start, end)) return null
  const items: number[] = []
  p = skipSpace(bytes, p + 1)
  while (bytes[p] !== CLOSE_BRACKET) {
    const itemEnd = endOfValue(bytes, p)
    items.push(p, itemEnd)
    p = skipSpace(bytes, itemEnd)
    if (bytes[p] === COMMA) p = skipSpace(bytes, p + 1)
  }
  return items
}

function isOneObject(bytes: Uint8Array, start: number, end: number): boolean {
  return endOfValue(bytes, start) === end && bytes[end - 1] === CLOSE_BRACE
}
