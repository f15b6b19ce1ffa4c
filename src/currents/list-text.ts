/** What closes a list, by what opens it. */
const CLOSERS: Readonly<Record<string, string>> = { '[': ']', '{': '}' }

/** Escapes in quoted items; no other character needs one. */
const ESCAPE = /\\(["'\\])/g

/**
 * The items of a list as databases write one that they have no other form for: DuckDB `[a, 'b c']`, ClickHouse `['a','b']`, PostgreSQL
 * `{a,"b c"}`. Null when the text is no such list, or a list of lists.
 */
export function listOfText(text: string): readonly (string | null)[] | null {
  const list = text.trim()
  const closer = CLOSERS[list[0] ?? '']
  const end = list.length - 1
  if (closer === undefined || end < 1 || list[end] !== closer) return null
  const items: (string | null)[] = []
  let at = afterSpaces(list, 1)
  if (at === end) return items
  for (;;) {
    const isQuoted = list[at] === '"' || list[at] === "'"
    const itemEnd = isQuoted ? endOfQuoted(list, at) : endOfBare(list, at, end)
    if (itemEnd < 0 || itemEnd > end) return null
    if (isQuoted) {
      items.push(list.slice(at + 1, itemEnd - 1).replace(ESCAPE, '$1'))
    } else {
      const item = list.slice(at, itemEnd).trim()
      const isNothing = item === '' && closer === '}'
      if (isNothing || /[[\]{}"]/.test(item)) return null
      items.push(item.toLowerCase() === 'null' ? null : item)
    }
    at = afterSpaces(list, itemEnd)
    if (at === end) return items
    if (list[at] !== ',') return null
    at = afterSpaces(list, at + 1)
  }
}

function afterSpaces(text: string, at: number): number {
  let p = at
  while (text[p] === ' ') p++
  return p
}

/** The position after the quote that closes the one at `at`; -1 when none does. */
function endOfQuoted(text: string, at: number): number {
  for (let p = at + 1; p < text.length; p++) {
    if (text[p] === '\\') p++
    else if (text[p] === text[at]) return p + 1
  }
  return -1
}

function endOfBare(text: string, at: number, end: number): number {
  const comma = text.indexOf(',', at)
  return comma < 0 ? end : comma
}
