import { LONGEST_BACKOFF_MS, LONGEST_RETRY_AFTER_MS, SHORTEST_BACKOFF_MS } from '../amplitude/limits.ts'

/** Holds back every request of the run when Amplitude refuses the whole project (amplitude/README.md §4). */
export interface Pause {
  /** When requests may be sent again; a time in the past when they may be sent now. */
  endsAtMs(): number
  /** Begins a pause, at most until `latestMs`; returns its end. `retryAfterMs` is Amplitude's wish, null for a backoff of our own. */
  begin(nowMs: number, retryAfterMs: number | null, latestMs: number): number
  /** Notes that a request passed: the next pause is short again. */
  passed(): void
}

export function createPause(random: () => number): Pause {
  let endsAtMs = Number.NEGATIVE_INFINITY
  let refusals = 0

  return {
    endsAtMs: () => endsAtMs,
    begin(nowMs, retryAfterMs, latestMs) {
      // Requests that were in flight together are refused together. That counts as one refusal.
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
 * How long to wait after `failures` failed attempts, with full jitter: up to 0.5 s after the first failure, and never more than 60 s
 * (amplitude/README.md §4).
 * @param random a number from 0 to below 1
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, SHORTEST_BACKOFF_MS * 2 ** Math.max(0, failures - 1))
  return random * ceiling
}

/**
 * A `Retry-After` header in ms from `wallClockMs` on. The header has seconds or an HTTP date (RFC 9110 §10.2.3); null when it has
 * neither. The wait is at least our own first backoff, since "at once" from a server in trouble would make a loop, and at most a day.
 */
export function retryAfterMs(header: string | null, wallClockMs: number): number | null {
  const text = header?.trim() ?? ''
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : dateOf(text) - wallClockMs
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, SHORTEST_BACKOFF_MS), LONGEST_RETRY_AFTER_MS)
}

/** NaN when `text` is no HTTP date. */
function dateOf(text: string): number {
  // Date.parse accepts many texts that are no HTTP date. An HTTP date starts with the name of the day.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return Number.NaN
  // The oldest of the three forms of HTTP dates has no zone, and means UTC.
  return Date.parse(/ GMT$/i.test(text) ? text : `${text} GMT`)
}
