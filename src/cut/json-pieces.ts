import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, NEWLINE, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../json/bytes.ts'

/**
 * Where a JSON document can be divided: after each bracket that may close a record. The parser is given one such piece at a
 * time, because it says neither where a token stood nor, when it fails, what it had read of the text it was given.
 */
export interface Pieces {
  /** Walks on through `bytes` from `at`; the position after the next closing bracket that counts, or -1 when there is none. */
  next(bytes: Uint8Array, at: number): number
  /** The line reached, from 1. */
  line(): number
  /** Brackets that are open. */
  depth(): number
  /** Line on which the value that is open at `depth`, or was last, began. */
  lineOf(depth: number): number
}

/** Records stand at most this deep: in the list of an envelope that is itself an item of an array. */
const MAX_RECORD_DEPTH = 3

export function createPieces(): Pieces {
  let line = 1
  let depth = 0
  let isInString = false
  let isEscaped = false
  const startLines = new Float64Array(MAX_RECORD_DEPTH + 1)

  /** The position after the string's closing quote, or the end of the bytes. */
  function skipString(bytes: Uint8Array, at: number): number {
    let p = at
    while (p < bytes.length) {
      const c = bytes[p++]
      if (isEscaped) isEscaped = false
      else if (c === BACKSLASH) isEscaped = true
      else if (c === QUOTE) {
        isInString = false
        break
      }
    }
    return p
  }

  return {
    next(bytes, at) {
      let p = isInString ? skipString(bytes, at) : at
      while (p < bytes.length) {
        switch (bytes[p++]) {
          case QUOTE:
            isInString = true
            p = skipString(bytes, p)
            break
          case NEWLINE:
            line++
            break
          case OPEN_BRACE:
          case OPEN_BRACKET:
            if (depth <= MAX_RECORD_DEPTH) startLines[depth] = line
            depth++
            break
          case CLOSE_BRACE:
          case CLOSE_BRACKET:
            if (depth > 0) depth--
            if (depth <= MAX_RECORD_DEPTH) return p
            break
        }
      }
      return -1
    },
    line: () => line,
    depth: () => depth,
    lineOf: (at) => startLines[at] ?? 0,
  }
}
