import type { QueuedEvent } from './contract.ts'
import type { Identities } from './identities.ts'
import type { Bucket, Entry, Identity, Lane } from './scheduler-state.ts'

/** The events in memory. Only this file makes and releases entries, so that the counters of their identities cannot drift. */
export interface Memory<E extends QueuedEvent> {
  /** Makes an entry for `event`, in no queue yet. */
  admit(event: E, user: Identity<E> | null, device: Identity<E> | null, lane: Lane<E>): Entry<E>
  /** Lets go of an entry that is settled, or that its lane file has. */
  release(entry: Entry<E>, nowMs: number): void
  /** Bytes of the records and events in memory. */
  bytes(): number
  events(): number
}

export function createMemory<E extends QueuedEvent>(identities: Identities<E>): Memory<E> {
  let sequence = 0
  let events = 0
  let bytes = 0

  return {
    admit(event, user, device, lane) {
      sequence += 1
      events += 1
      bytes += event.bytes
      if (user !== null) user.references += 1
      if (device !== null) device.references += 1
      return {
        event,
        user,
        device,
        sequence,
        lane,
        slot: 0,
        before: null,
        after: null,
        waitingBefore: null,
        waitingAfter: null,
      }
    },
    release(entry, nowMs) {
      events -= 1
      bytes -= entry.event.bytes
      if (entry.user !== null) identities.release(entry.user, nowMs)
      if (entry.device !== null) identities.release(entry.device, nowMs)
    },
    bytes: () => bytes,
    events: () => events,
  }
}

/** The identity whose lane an event belongs to: the one that became hot first, else its user, else its device (schedule/README.md §2). */
export function homeOf<E>(user: Identity<E> | null, device: Identity<E> | null): Identity<E> {
  const home = user ?? device
  if (home === null) throw new Error('An event without user and device cannot be scheduled')
  // Of two hot identities it is the one that became hot first: while that stays hot, all events of this pair are in one lane.
  if (device !== null && device.hotSince > 0 && (home.hotSince === 0 || device.hotSince < home.hotSince)) return device
  return home
}

/** Puts the entry into a request: its lane and identities are busy with it from now on. */
export function enterRequest<E>(entry: Entry<E>, slot: number): void {
  entry.slot = slot
  entry.lane.inFlight += 1
  if (entry.user !== null) entry.user.inFlight += 1
  if (entry.device !== null) entry.device.inFlight += 1
}

/** The waiting entries that carry `identity`, in input order, without entries of hot lanes. */
export function waitingEntriesOf<E>(identity: Identity<E>): Entry<E>[] {
  const entries: Entry<E>[] = []
  if (identity.kind === 'user') {
    for (let entry = identity.lane?.first ?? null; entry !== null; entry = entry.after) entries.push(entry)
  } else {
    for (let entry = identity.firstWaiting; entry !== null; entry = entry.waitingAfter) entries.push(entry)
    entries.sort((one, other) => one.sequence - other.sequence)
  }
  return entries
}

/** The buckets from which an entry needs a token each. */
export function bucketsOf<E>(entry: Entry<E>, run: Bucket<E> | null): Bucket<E>[] {
  const { user, device } = entry
  return [user, device, run].filter((bucket) => bucket !== null)
}
