/** A pattern on event types: `*` matches anything, dots too, `?` one character (src/README.md §3). */
export function matchesGlob(pattern: string, type: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(type)
}
