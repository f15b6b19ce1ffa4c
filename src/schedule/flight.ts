import type { ScheduledRequest } from './contract.ts'
import type { Slot } from './repeats.ts'

/** The requests that were sent and not answered. */
export interface Flight<E> {
  /** The attempt of `slot.entries` is sent. */
  launch(slot: Slot<E>, bytes: number, repeated: boolean): ScheduledRequest<E>
  /** @throws Error when the request is not in flight */
  land(request: ScheduledRequest<E>): Slot<E>
  /** How long ago the first event of the oldest was charged, in ms; 0 when none is in flight. */
  oldestMs(nowMs: number): number
  size(): number
}

export function createFlight<E>(): Flight<E> {
  /** The oldest first. */
  const slots = new Map<number, Slot<E>>()

  return {
    launch(slot, bytes, repeated) {
      slots.set(slot.id, slot)
      return { slot: slot.id, events: slot.entries.map((entry) => entry.event), bytes, repeated }
    },
    land(request) {
      const slot = slots.get(request.slot)
      if (slot === undefined) throw new Error(`Slot ${request.slot} has no request in flight`)
      // Deleted, so that its next attempt comes last.
      slots.delete(slot.id)
      return slot
    },
    oldestMs(nowMs) {
      for (const slot of slots.values()) return nowMs - slot.chargedAtMs
      return 0
    },
    size: () => slots.size,
  }
}
