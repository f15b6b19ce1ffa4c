import { LONE_REFUSALS_BEFORE_STOP } from '../amplitude/limits.ts'
import type { DeadEvent } from './classify.ts'
import type { UploadEvent } from './upload-event.ts'

/** An event that was refused in a request of its own, for no named reason. */
interface Suspect {
  readonly event: UploadEvent
  readonly dead: DeadEvent
  readonly status: number | null
}

/**
 * Tells a bad event from an endpoint that refuses everything (amplitude/README.md §4). An event that is refused alone is a suspect. When
 * a request passes that was sent after the suspect was first refused, the endpoint takes other events, and the suspect is to blame.
 */
export interface Suspects {
  /** Notes that a request passed which was sent at `sentAtMs`. Returns the suspects that are to blame by now. */
  passed(sentAtMs: number): readonly Suspect[]
  /** Takes an event that was refused alone, unless it is `guilty`: another request has passed since it was first refused. */
  refused(suspect: Suspect): 'guilty' | 'suspected' | 'everything'
  /** Gives all suspects, when nothing else is left to send: `guilty` if this endpoint ever took a request, else to send once more. */
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
      // The suspects wait no longer: if the last event of a run waited for another request to pass, the run would never end.
      if (lastPassedMs > Number.NEGATIVE_INFINITY) return { again: [], guilty: all }
      return { again: all.map(({ event }) => event), guilty: [] }
    },
    count: () => suspects.length,
  }
}
