import { CLOSE_BRACE, COMMA, endOfPlainText, OPEN_BRACE, OPEN_BRACKET, QUOTE, type TextView, utf8 } from '../json/bytes.ts'
import { endOfString, endOfValue } from '../json/values.ts'

/** Is told of a property: where the content of its key stands, and its value. */
type SeeProperty = (source: TextView, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void

const PROPERTIES_KEY = utf8('"event_properties"')

/** Tells `see` of the properties of an event that the mapper wrote, in their order; `at` is the quote before any key of the event. */
export function eachProperty(source: TextView, at: number, see: SeeProperty): void {
  const { bytes } = source
  let p = at
  while (!isPropertiesKey(bytes, p)) {
    p = endOfWritten(source, endOfText(source, p) + 1)
    if (bytes[p++] !== COMMA) return
  }
  p += PROPERTIES_KEY.length + 2
  while (bytes[p] === QUOTE) {
    const keyEnd = endOfText(source, p) - 1
    const valueStart = keyEnd + 2
    const valueEnd = endOfWritten(source, valueStart)
    see(source, p + 1, keyEnd, valueStart, valueEnd)
    p = valueEnd
    if (bytes[p++] !== COMMA) return
  }
}

/** The position after the string at `at`. */
export function endOfText(source: TextView, at: number): number {
  const end = endOfPlainText(source, at + 1)
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
