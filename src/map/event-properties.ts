import { CLOSE_BRACE, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, type TextView, utf8 } from '../json/bytes.ts'
import { endOfPlainText } from '../json/plain-text.ts'
import { endOfString, endOfValue } from '../json/values.ts'
import type { MappedChunk } from '../model.ts'

/** Where the events that the mapper wrote have their parts, for those who look at them afterwards. */

/** Bytes of an event before the quote that opens its name. */
export const EVENT_NAME_AT = '{"event_type":'.length

/** Is told of a property: where the content of its key stands in the chunk's `bytes`, and its value. */
type SeeProperty = (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void

const PROPERTIES_KEY = utf8('"event_properties"')

/** Tells `see` of the properties of event `index`, in their order; `source` is a view of the chunk's `bytes`. */
export function eachProperty(chunk: MappedChunk, index: number, source: TextView, see: SeeProperty): void {
  const { bytes } = source
  // Behind the identity, its quote and a comma.
  let p = Math.max(chunk.userEnds[index] as number, chunk.deviceEnds[index] as number) + 2
  while (!isPropertiesKey(bytes, p)) {
    p = endOfWritten(source, endOfText(source, p) + 1)
    if (bytes[p++] !== COMMA) return
  }
  p += PROPERTIES_KEY.length + 2
  while (bytes[p] === QUOTE) {
    const keyEnd = endOfText(source, p) - 1
    const valueStart = keyEnd + 2
    const valueEnd = endOfWritten(source, valueStart)
    see(p + 1, keyEnd, valueStart, valueEnd)
    p = valueEnd
    if (bytes[p++] !== COMMA) return
  }
}

/** The position after the string at `at`. */
export function endOfText(source: TextView, at: number): number {
  const end = endOfPlainText(source, at + 1, source.bytes.length)
  return source.bytes[end] === QUOTE ? end + 1 : endOfString(source.bytes, at)
}

/** The position after the value at `at`. The mapper wrote it, so there is no white space, and a comma or brace behind it. */
function endOfWritten(source: TextView, at: number): number {
  const { bytes } = source
  const c = bytes[at]
  if (c === QUOTE) return endOfText(source, at)
  if (c === OPEN_BRACE || c === OPEN_BRACKET) return endOfValue(bytes, at)
  let p = at + 1
  while (bytes[p] !== COMMA && bytes[p] !== CLOSE_BRACE) p++
  return p
}

function isPropertiesKey(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < PROPERTIES_KEY.length; i++) if (bytes[at + i] !== PROPERTIES_KEY[i]) return false
  return true
}
