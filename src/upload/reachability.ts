import { FOREIGN_ANSWERS_BEFORE_STOP, SHOWN_CHARACTERS } from '../amplitude/limits.ts'
import { StoppedError } from '../errors.ts'

/** Notices when it is no use to wait longer (amplitude/README.md §4). */
export interface Reachability {
  /** Notes that Amplitude accepted a request, or refused one for its content. */
  reached(nowMs: number): void
  /** Notes that an attempt failed. Returns the error that ends the run when attempts have failed for too long; null otherwise. */
  failed(attempt: FailedAttempt): StoppedError | null
  /** After a failure: the time of the attempt that decides. No wait may be longer. */
  deadlineMs(): number
}

interface FailedAttempt {
  readonly detail: string
  /** Status and text of a success that did not come from Amplitude; null otherwise. */
  readonly excerpt: string | null
  /** The time without an answer begins when the attempt is sent, since an attempt can take minutes. */
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
