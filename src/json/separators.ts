import { skipSpace } from './values.ts'

/** What may stand between JSON texts: byte order marks, where files were put together, and record separators (RFC 7464). */

const RECORD_SEPARATOR = 0x1e

/** The position after the marks at `at`; `at` when there is none. */
export function skipMarks(bytes: Uint8Array, at: number): number {
  let p = at
  for (;;) {
    if (bytes[p] === RECORD_SEPARATOR) p++
    else if (bytes[p] === 0xef && bytes[p + 1] === 0xbb && bytes[p + 2] === 0xbf) p += 3
    else return p
  }
}

/** The position after marks and white space; like `skipSpace` it needs a byte behind them. */
export function skipSeparators(bytes: Uint8Array, at: number): number {
  let p = at
  for (;;) {
    const next = skipMarks(bytes, skipSpace(bytes, p))
    if (next === p) return p
    p = next
  }
}
