import { LONGEST_BACKOFF_MS, SHORTEST_BACKOFF_MS } from '../amplitude/limits.ts'

/**
 * How long to wait before the attempt after `failures` failed ones: full jitter, up to 0.5 s after the first and 60 s at most
 * (AMPLITUDE.md §4).
 * @param random a number from 0 to below 1
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, SHORTEST_BACKOFF_MS * 2 ** Math.max(0, failures - 1))
  return random * ceiling
}

/** A `Retry-After` header in ms from `wallClockMs` on: seconds, or an HTTP date (RFC 9110 §10.2.3); null when it is neither. */
export function retryAfterMs(header: string | null, wallClockMs: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  // Date.parse takes much that is no HTTP date; those start with the day's name.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null
  // The oldest of the three forms has no zone, and means UTC.
  const at = Date.parse(/ GMT$/i.test(text) ? text : `${text} GMT`)
  return Number.isNaN(at) ? null : Math.max(0, at - wallClockMs)
}
