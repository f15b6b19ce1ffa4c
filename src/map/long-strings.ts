import { MAX_STRING_LENGTH } from '../amplitude/event.ts'
import { COLON, QUOTE, textOf } from '../json/bytes.ts'
import { endOfString } from '../json/values.ts'

/**
 * True when some string of the event `[start, end)`, which is JSON in canonical form, has more characters than Amplitude keeps
 * (amplitude/README.md §2). Keys do not count.
 */
export function holdsLongString(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) {
    if (bytes[p] !== QUOTE) continue
    const stringEnd = endOfString(bytes, p)
    // No character takes less than a byte.
    const mayBeLong = stringEnd - p - 2 > MAX_STRING_LENGTH && bytes[stringEnd] !== COLON
    if (mayBeLong && String(JSON.parse(textOf(bytes, p, stringEnd))).length > MAX_STRING_LENGTH) return true
    p = stringEnd - 1
  }
  return false
}
