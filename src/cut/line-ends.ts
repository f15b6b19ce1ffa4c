import { CARRIAGE_RETURN, NEWLINE } from '../json/bytes.ts'

/** Where lines of CSV end: in LF, CRLF, CR, or CR CR LF (src/README.md §2). */

/** Where the line at `from` ends: at the first byte of its line end, or where the bytes end. */
export function endOfLine(bytes: Uint8Array, from: number): number {
  let p = from
  while (p < bytes.length && bytes[p] !== NEWLINE && bytes[p] !== CARRIAGE_RETURN) p++
  return p
}

/** Where the CRs end that begin at `from`. */
export function endOfReturns(bytes: Uint8Array, from: number): number {
  let p = from
  while (p < bytes.length && bytes[p] === CARRIAGE_RETURN) p++
  return p
}

/**
 * Whether lines end in a lone CR, to judge by the line end at `at`; null when the bytes that would tell have not come yet.
 * @param isLast no bytes follow
 */
export function endsInReturn(bytes: Uint8Array, at: number, isLast: boolean): boolean | null {
  const next = endOfReturns(bytes, at)
  if (next >= bytes.length && !isLast) return null
  return next > at && bytes[next] !== NEWLINE
}

/** Where the line at `from` ends, when a lone CR does not end it: before its line end, or where the bytes end. */
export function endOfLongLine(bytes: Uint8Array, from: number): number {
  const lineEnd = bytes.indexOf(NEWLINE, from)
  let end = lineEnd < 0 ? bytes.length : lineEnd
  for (let returns = 0; returns < 2 && end > from && bytes[end - 1] === CARRIAGE_RETURN; returns++) end--
  return end
}

/**
 * How many bytes the line end at `at` takes: 0 when there is none, -1 when the bytes that would tell have not come yet.
 * @param isLast no bytes follow
 */
export function lineEndAt(bytes: Uint8Array, at: number, isLast: boolean): number {
  if (bytes[at] === NEWLINE) return 1
  if (bytes[at] !== CARRIAGE_RETURN) return 0
  if (bytes[at + 1] === NEWLINE) return 2
  if (bytes[at + 1] === CARRIAGE_RETURN && bytes[at + 2] === NEWLINE) return 3
  const told = bytes[at + 1] === CARRIAGE_RETURN ? at + 2 : at + 1
  return told >= bytes.length && !isLast ? -1 : 1
}

/** How many line ends stand in `[start, end)`. */
export function lineEndsIn(bytes: Uint8Array, start: number, end: number): number {
  const part = bytes.subarray(start, end)
  let count = 0
  for (let p = endOfLine(part, 0); p < part.length; p = endOfLine(part, p + lineEndAt(part, p, true))) count++
  return count
}
