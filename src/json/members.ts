import { COMMA, OPEN_BRACE, QUOTE, textOf } from './bytes.ts'
import { endOfString, endOfValue, skipSpace } from './values.ts'

/** One member of a JSON object: its key, and where its value stands. */
export interface Member {
  readonly key: string
  readonly start: number
  readonly end: number
}

/** The members of the object at `at`, in order; none when something else stands there. The text must be valid JSON. */
export function membersOf(bytes: Uint8Array, at: number): readonly Member[] {
  const members: Member[] = []
  const open = skipSpace(bytes, at)
  if (bytes[open] !== OPEN_BRACE) return members
  let p = skipSpace(bytes, open + 1)
  while (bytes[p] === QUOTE) {
    const keyEnd = endOfString(bytes, p)
    const start = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1)
    const end = endOfValue(bytes, start)
    members.push({ key: JSON.parse(textOf(bytes, p, keyEnd)), start, end })
    p = skipSpace(bytes, end)
    if (bytes[p] === COMMA) p = skipSpace(bytes, p + 1)
  }
  return members
}
