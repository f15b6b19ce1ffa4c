import { LONE_REFUSALS_BEFORE_STOP } from '../amplitude/limits.ts'
import type { DeadEvent } from './classify.ts'
import type { UploadEvent } from './upload-event.ts'

/** An event that was refused alone, for no named reason. */
interface Suspect {
  readonly event: UploadEvent
  readonly dead: DeadEvent
  readonly status: number | null
}

/**
 * Tells a bad event from an endpoint that refuses everything (amplitude/README.md §4). An event refused alone is a suspect until a request
 * passes that was sent after the suspect's own was first refused; then the endpoint takes others, and the event is to blame.
 */
export interface Suspects {
  /** A request that was sent at `sentAtMs` passed: gives those that are to blame. */
  passed(sentAtMs: number): readonly Suspect[]
  /** Takes an event that was refused alone. Gives it back when another request has passed meanwhile. */
  refused(suspect: Suspect): 'guilty' | 'suspected' | 'everything'
  /** Nothing else is left to send: gives those to send once more, or to blame when this endpoint ever took anything. */
  takeAll(): { readonly again: readonly UploadEvent[]; readonly guilty: readonly Suspect[] }
  count(): number
}

export function createSuspects(): Suspects {
  let suspects: Suspect[] = []
  let refusals = 0
  let lastPassedMs = Number.NEGATIVE_INFINITY

  return {
    passed(sentAtMs) {
      refusals = 0
      lastPassedMs = Math.max(lastPassedMs, sentAtMs)
      if (suspects.length === 0) return []
      const guilty = suspects.filter(({ event }) => lastPassedMs >= event.trouble.refusedAtMs)
      suspects = suspects.filter(({ event }) => lastPassedMs < event.trouble.refusedAtMs)
      return guilty
    },
    refused(suspect) {
      if (lastPassedMs >= suspect.event.trouble.refusedAtMs) return 'guilty'
      refusals += 1
      suspects.push(suspect)
      return refusals >= LONE_REFUSALS_BEFORE_STOP ? 'everything' : 'suspected'
    },
    takeAll() {
      const all = suspects
      suspects = []
      // If the last event of a run waited for another request to pass, the run would never end.
      if (lastPassedMs > Number.NEGATIVE_INFINITY) return { again: [], guilty: all }
      return { again: all.map(({ event }) => event), guilty: [] }
    },
    count: () => suspects.length,
  }
}
