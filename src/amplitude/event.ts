/** What an Amplitude event may hold, and its traps (AMPLITUDE.md §2). */

/** Ids that Amplitude refuses, in any case. An empty id counts as one. */
const REFUSED_IDS = new Set([
  'anonymous',
  'nil',
  'none',
  'null',
  'n/a',
  'na',
  'undefined',
  'unknown',
  '',
  '00000000-0000-0000-0000-000000000000',
  '{}',
  'lmy47d',
  '0',
  '-1',
])

/** Lengths in characters that a refused id can have: others need no look-up. */
export const REFUSED_ID_LENGTHS: ReadonlySet<number> = new Set(Array.from(REFUSED_IDS, (id) => id.length))

/** True when Amplitude refuses `id` as a user or device id. */
export function isRefusedId(id: string): boolean {
  return REFUSED_IDS.has(id.toLowerCase())
}
