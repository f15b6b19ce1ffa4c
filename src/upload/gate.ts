import { backoffMs } from './backoff.ts'

/** Pauses every request of the run when Amplitude refuses the whole project (amplitude/README.md §4). */
export interface Gate {
  /** When requests may go again; in the past when they may now. */
  opensAtMs(): number
  /** A project-wide refusal: `retryAfterMs` is Amplitude's wish, null for a backoff of our own. Gives the end of the pause. */
  close(nowMs: number, retryAfterMs: number | null, latestMs: number): number
  /** A request passed: the next pause is short again. */
  passed(): void
}

export function createGate(random: () => number): Gate {
  let opensAtMs = Number.NEGATIVE_INFINITY
  let refusals = 0

  return {
    opensAtMs: () => opensAtMs,
    close(nowMs, retryAfterMs, latestMs) {
      // Requests that were in flight together are refused together: that is one refusal.
      if (nowMs >= opensAtMs) refusals += 1
      const until = Math.min(nowMs + (retryAfterMs ?? backoffMs(refusals, random())), latestMs)
      opensAtMs = Math.max(opensAtMs, until)
      return opensAtMs
    },
    passed() {
      refusals = 0
    },
  }
}
