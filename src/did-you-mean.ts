/**
 * The candidate that `text` was probably meant to be; null when none is near.
 * @param maxEdits how far it may be; a third of its length if not given
 */
export function closest(
  text: string,
  candidates: Iterable<string>,
  maxEdits = Math.max(2, Math.floor(text.length / 3)),
): string | null {
  let best: string | null = null
  let bestDistance = maxEdits + 1
  for (const candidate of candidates) {
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase())
    if (distance >= bestDistance) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

/** The end of a message about a name that is none; empty when no other is near. */
export function didYouMean(near: string | null): string {
  return near === null ? '' : `; did you mean ${near}?`
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
