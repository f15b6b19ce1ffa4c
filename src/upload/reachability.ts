import { FOREIGN_ANSWERS_BEFORE_STOP, SHOWN_CHARACTERS } from '../amplitude/limits.ts'
import { StoppedError } from '../errors.ts'

/** Notices when waiting longer is no use (amplitude/README.md §4). */
export interface Reachability {
  /** Amplitude accepted a request, or refused one for what is in it. */
  reached(nowMs: number): void
  /** An attempt failed. Gives the error that ends the run when it has been so for too long. */
  failed(attempt: FailedAttempt): StoppedError | null
  /** After a failure: no wait goes beyond this, the attempt that decides comes then. */
  deadlineMs(): number
}

interface FailedAttempt {
  readonly detail: string
  /** What answered with a success and is not Amplitude; null otherwise. */
  readonly excerpt: string | null
  /** An attempt can take minutes: the time without an answer begins with it. */
  readonly sentAtMs: number
  readonly nowMs: number
}

export function createReachability(giveUpAfterMs: number): Reachability {
  let sinceMs: number | null = null
  let lastReachedMs = Number.NEGATIVE_INFINITY
  let foreign = 0

  return {
    reached(nowMs) {
      lastReachedMs = nowMs
      sinceMs = null
      foreign = 0
    },
    failed({ detail, excerpt, sentAtMs, nowMs }) {
      sinceMs ??= Math.max(sentAtMs, lastReachedMs)
      if (excerpt !== null) {
        foreign += 1
        if (foreign >= FOREIGN_ANSWERS_BEFORE_STOP) {
          return new StoppedError(`what answers is not Amplitude: ${excerpt}`, {
            stopped: 'refused',
            hint: 'Check --endpoint, and whether a proxy or a sign-in page stands in between. The same command goes on.',
          })
        }
      }
      if (nowMs - sinceMs < giveUpAfterMs) return null
      const what = `for ${durationOf(nowMs - sinceMs)} nothing but ${detail.slice(0, SHOWN_CHARACTERS)}`
      return new StoppedError(`Amplitude cannot be reached: ${what}`, {
        stopped: 'unreachable',
        hint: 'The same command goes on; --give-up-after sets how long to try.',
      })
    },
    deadlineMs: () => (sinceMs ?? lastReachedMs) + giveUpAfterMs,
  }
}

function durationOf(ms: number): string {
  return ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
