import type { RefusalReason } from './answers.ts'
import type { Peak } from './leaderboard.ts'

/** What the emulator has seen since its start; `GET /stats` answers with it. */
export interface EmulatorStats {
  readonly requests: {
    /** Requests begun, `/` and `/stats` left out. */
    readonly total: number
    /** Complete answers by HTTP status. */
    readonly by_status: Readonly<Record<string, number>>
    /** Answered 429. */
    readonly throttled: number
    /** Ended without a complete answer, whichever side did it. */
    readonly dropped: number
  }
  /** Refused requests by reason, whether or not the answer got through. */
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>
  /** Events whose 200 went out, repeats included. */
  readonly accepted: number
  /** Events that were taken although no complete answer went out, repeats included. */
  readonly unacknowledged: number
  /** Events kept; `unique + duplicates = accepted + unacknowledged` when no request is in flight. */
  readonly unique: number
  /** Repeats dropped by `insert_id`. */
  readonly duplicates: number
  /** Unique events with a smaller `time` than an earlier one of the same user, else device. */
  readonly out_of_order: number
  /** The ten highest rates, averaged over the window and with refused requests. */
  readonly peaks: readonly Peak[]
}

/** The counters behind {@link EmulatorStats}, all of them starting at 0. */
export interface Counters {
  requests: number
  readonly byStatus: Map<number, number>
  readonly refused: Map<RefusalReason, number>
  dropped: number
  accepted: number
  unacknowledged: number
  unique: number
  duplicates: number
  outOfOrder: number
}

export function createCounters(): Counters {
  return {
    requests: 0,
    byStatus: new Map(),
    refused: new Map(),
    dropped: 0,
    accepted: 0,
    unacknowledged: 0,
    unique: 0,
    duplicates: 0,
    outOfOrder: 0,
  }
}

/** Adds one at `key`. */
export function countUp<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** A picture of this instant that later requests do not change. */
export function statsOf(counters: Counters, peaks: readonly Peak[]): EmulatorStats {
  return {
    requests: {
      total: counters.requests,
      by_status: Object.fromEntries(counters.byStatus),
      throttled: counters.byStatus.get(429) ?? 0,
      dropped: counters.dropped,
    },
    refused: Object.fromEntries(counters.refused),
    accepted: counters.accepted,
    unacknowledged: counters.unacknowledged,
    unique: counters.unique,
    duplicates: counters.duplicates,
    out_of_order: counters.outOfOrder,
    peaks,
  }
}
