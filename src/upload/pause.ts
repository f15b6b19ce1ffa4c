import { LONGEST_BACKOFF_MS, LONGEST_RETRY_AFTER_MS, SHORTEST_BACKOFF_MS } from '../amplitude/limits.ts'

/** Pauses every request of the run when Amplitude refuses the whole project (amplitude/README.md §4). */
export interface Pause {
  /** When requests may go again; in the past when they may now. */
  endsAtMs(): number
  /** A project-wide refusal: `retryAfterMs` is Amplitude's wish, null for a backoff of our own. Gives the end of the pause. */
  begin(nowMs: number, retryAfterMs: number | null, latestMs: number): number
  /** A request passed: the next pause is short again. */
  passed(): void
}

export function createPause(random: () => number): Pause {
  let endsAtMs = Number.NEGATIVE_INFINITY
  let refusals = 0

  return {
    endsAtMs: () => endsAtMs,
    begin(nowMs, retryAfterMs, latestMs) {
      // Requests that were in flight together are refused together: that is one refusal.
      if (nowMs >= endsAtMs) refusals += 1
      const until = Math.min(nowMs + (retryAfterMs ?? backoffMs(refusals, random())), latestMs)
      endsAtMs = Math.max(endsAtMs, until)
      return endsAtMs
    },
    passed() {
      refusals = 0
    },
  }
}

/**
 * How long to wait before the attempt after `failures` failed ones: full jitter, up to 0.5 s after the first and 60 s at most
 * (amplitude/README.md §4).
 * @param random a number from 0 to below 1
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, SHORTEST_BACKOFF_MS * 2 ** Math.max(0, failures - 1))
  return random * ceiling
}

/**
 * A `Retry-After` header in ms from `wallClockMs` on: seconds, or an HTTP date (RFC 9110 §10.2.3); null when it is neither. Never less
 * than our own first backoff, since "at once" from a server in trouble would be a loop, and never more than a day.
 */
export function retryAfterMs(header: string | null, wallClockMs: number): number | null {
  const text = header?.trim() ?? ''
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : dateOf(text) - wallClockMs
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, SHORTEST_BACKOFF_MS), LONGEST_RETRY_AFTER_MS)
}

/** NaN when it is none. */
function dateOf(text: string): number {
  // Date.parse takes much that is no HTTP date; those start with the day's name.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return Number.NaN
  // The oldest of the three forms has no zone, and means UTC.
  return Date.parse(/ GMT$/i.test(text) ? text : `${text} GMT`)
}
