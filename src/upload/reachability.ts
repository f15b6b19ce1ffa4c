import { FOREIGN_ANSWERS_BEFORE_STOP, SHOWN_CHARACTERS } from '../amplitude/limits.ts'
import { StoppedError } from '../errors.ts'

/** Notices when waiting longer is no use (AMPLITUDE.md §4). */
export interface Reachability {
  /** Amplitude accepted a request, or refused one for what is in it. */
  reached(): void
  /** An attempt failed. Gives the error that ends the run when it has been so for too long. */
  failed(detail: string, excerpt: string | null, nowMs: number): StoppedError | null
  /** No wait goes beyond this: the attempt that decides comes then. */
  deadlineMs(nowMs: number): number
}

export function createReachability(giveUpAfterMs: number): Reachability {
  let sinceMs: number | null = null
  let foreign = 0

  return {
    reached() {
      sinceMs = null
      foreign = 0
    },
    failed(detail, excerpt, nowMs) {
      sinceMs ??= nowMs
      if (excerpt !== null) {
        foreign += 1
        if (foreign >= FOREIGN_ANSWERS_BEFORE_STOP) {
          return new StoppedError(`what answers is not Amplitude: status 200, ${excerpt}`, {
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
    deadlineMs: (nowMs) => (sinceMs ?? nowMs) + giveUpAfterMs,
  }
}

function durationOf(ms: number): string {
  return ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
