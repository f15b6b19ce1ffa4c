import { CLOSE_BRACE, COLON, OPEN_BRACE, QUOTE, textOf } from './bytes.ts'
import { endOfString, endOfValue, skipSpace } from './values.ts'

/** Names of types as Avro's JSON encoding writes them around the value of a union (currents/README.md §2). */
const TYPE_NAMES = new Set(['string', 'int', 'long', 'float', 'double', 'boolean', 'bytes', 'array', 'map'])

/** The full name of a named type: at least one namespace. */
const FULL_NAME = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/

/** Longest type name worth reading. */
const MAX_NAME_BYTES = 200

/**
 * The value inside `{"string": value}`, Avro's JSON encoding of a union, at `at`: an object with exactly one key, which
 * names an Avro type. Null when the object is anything else. The object must be valid JSON.
 */
export function unionValue(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | null {
  const key = skipSpace(bytes, at + 1)
  if (bytes[at] !== OPEN_BRACE || bytes[key] !== QUOTE) return null
  const keyEnd = endOfString(bytes, key)
  if (keyEnd < 0 || keyEnd - key > MAX_NAME_BYTES) return null
  const name = textOf(bytes, key + 1, keyEnd - 1)
  if (!TYPE_NAMES.has(name) && !FULL_NAME.test(name)) return null
  const colon = skipSpace(bytes, keyEnd)
  if (bytes[colon] !== COLON) return null
  const start = skipSpace(bytes, colon + 1)
  const end = endOfValue(bytes, start)
  return end > 0 && bytes[skipSpace(bytes, end)] === CLOSE_BRACE ? { start, end } : null
}
