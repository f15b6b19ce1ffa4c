import { REPEAT_SPAN_MS } from './documented-limits.ts'

const GENERATION_SECONDS = 24 * 60 * 60
// A Map holds at most 16.7 million keys, so a busy day gets several generations.
const MAX_KEYS = 8_000_000

/**
 * Remembers `insert_id`s for 7 days (amplitude/README.md §2). `seen(key, nowMs)` says whether the key came before, and remembers it if not;
 * a repeat does not start the 7 days again. Memory: some 100 bytes per event of the last 7 days, released by the day.
 */
export function createRepeats(): { seen(key: string, nowMs: number): boolean } {
  let generations: { readonly startedAt: number; readonly firstSeen: Map<string, number> }[] = []
  const spanSeconds = REPEAT_SPAN_MS / 1000

  return {
    seen(key, nowMs) {
      const now = Math.floor(nowMs / 1000) // small integers: a float would take an object each
      let newest = generations.at(-1)
      if (newest === undefined || now - newest.startedAt >= GENERATION_SECONDS || newest.firstSeen.size >= MAX_KEYS) {
        newest = { startedAt: now, firstSeen: new Map() }
        generations = generations.filter(({ startedAt }) => now - startedAt < spanSeconds + GENERATION_SECONDS)
        generations.push(newest)
      }
      for (const { firstSeen } of generations) {
        const at = firstSeen.get(key)
        if (at !== undefined && now - at < spanSeconds) return true
      }
      newest.firstSeen.set(key, now)
      return false
    },
  }
}
