import { isRefusedId, mayBeRefused } from '../amplitude/event.ts'
import { BACKSLASH, copyLiteral, type Literal, QUOTE, type TextView, textOf } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import type { RecordScanner } from './record-scanner.ts'
import { copyContent } from './record-values.ts'

/** Writes one id of an event: the user's or the device's. */
export interface IdentityWriter {
  /** Writes `key` and the id of the first field that holds one that Amplitude takes; gives where it ends, `at` when there is none. */
  write(source: TextView, target: TextView, at: number): number
  /** True when the last call passed over an id that Amplitude refuses. */
  hasDropped(): boolean
}

/**
 * @param names fields that can hold the id, in the order in which they are tried
 * @param key what stands before the id, its opening quote included
 * @param minIdLength characters that an id must have
 */
export function createIdentityWriter(
  scanner: RecordScanner,
  names: readonly string[],
  key: Literal,
  minIdLength: number,
): IdentityWriter {
  const { kinds } = scanner
  const fields = Int32Array.from(names, scanner.fieldOf)
  let dropped = false

  function writeId(source: TextView, field: number, target: TextView, at: number): number {
    const kind = kinds[field] as number
    if (kind <= KIND.null || kind === KIND.object || kind === KIND.array) return at
    const { bytes } = target
    const idAt = copyLiteral(target, at, key)
    const to = copyContent(scanner, source, field, target, idAt)
    const isTooShort = minIdLength > 1 && hasFewerCharacters(bytes, idAt, to, minIdLength)
    if (isTooShort || (mayBeRefused(bytes[idAt] as number, to - idAt) && isRefusedId(textOf(bytes, idAt, to)))) {
      dropped = true
      return at
    }
    bytes[to] = QUOTE
    return to + 1
  }

  return {
    write(source, target, at) {
      dropped = false
      for (let i = 0; i < fields.length; i++) {
        const to = writeId(source, fields[i] as number, target, at)
        if (to > at) return to
      }
      return at
    },
    hasDropped: () => dropped,
  }
}

/** True when the content of a JSON string stands for fewer than `count` characters. */
function hasFewerCharacters(bytes: Uint8Array, start: number, end: number, count: number): boolean {
  let characters = 0
  for (let p = start; p < end && characters < count; p++) {
    const c = bytes[p] as number
    if (c === BACKSLASH) p += bytes[p + 1] === 0x75 ? 5 : 1
    // Bytes of the form 10xxxxxx go on with a character.
    if ((c & 0xc0) !== 0x80) characters++
  }
  return characters < count
}
