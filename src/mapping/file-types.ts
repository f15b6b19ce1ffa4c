import { matchesGlob } from './glob.ts'
import type { FileRule } from './rule-types.ts'

/**
 * The event type that a mapping file's `files` gives to the file at `path` (src/README.md §3); null when none of its globs matches. A glob
 * speaks of the whole path, or of what follows a `/` in it. Of several that match, the one with the most letters counts, of equals
 * the later in the file.
 */
export function typeOfFile(files: readonly FileRule[], path: string): FileRule | null {
  let best: FileRule | null = null
  for (const rule of files) {
    const isMatch = matchesGlob(rule.pattern, path) || matchesGlob(`*/${rule.pattern}`, path)
    if (isMatch && (best === null || letters(rule) >= letters(best))) best = rule
  }
  return best
}

function letters({ pattern }: FileRule): number {
  return pattern.replace(/[*?]/g, '').length
}
