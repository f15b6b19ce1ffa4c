import type { StopCause } from '../errors.ts'
import type { RejectReason, SkipReason, Warning } from '../model.ts'
import { type Counts, totalOf } from '../state/books.ts'
import type { SavedTypeCounts, TrafficFigures } from '../state/checkpoint.ts'

/** The books of a run, as `--summary`, `--json` and `status` show them (src/README.md §5). */
export interface Summary {
  readonly version: 1
  readonly read: number
  readonly accepted: number
  readonly rejected: ByReason<RejectReason>
  readonly skipped: ByReason<SkipReason>
  readonly pending: number
  readonly warnings: Readonly<Partial<Record<Warning, number>>>
  readonly by_event_type: Readonly<Record<string, TypeCounts>>
  readonly requests: {
    readonly total: number
    readonly by_status: Readonly<Record<string, number>>
    readonly retries: number
  }
  readonly throttled: { readonly identities: number; readonly held_ms: number }
  readonly deferred: { readonly events: number; readonly files: number }
  readonly duration_ms: number
  /** Time over the time that the limits allow at best; null when nothing was sent. */
  readonly efficiency: number | null
  readonly resumed: boolean
  readonly stopped: StopCause | null
  readonly exit_code: number
}

interface ByReason<Reason extends string> {
  readonly total: number
  readonly by_reason: Readonly<Partial<Record<Reason, number>>>
}

interface TypeCounts extends SavedTypeCounts {
  readonly pending: number
}

/** The difference that the books do not explain; 0 when they balance (src/README.md §1). */
export function unexplained({ read, accepted, pending, rejected, skipped }: Counts): number {
  return read - (accepted + pending + totalOf(rejected) + totalOf(skipped))
}

interface Ending {
  readonly stopped: StopCause | null
  readonly exitCode: number
  readonly durationMs: number
  /** Null when nothing was to be sent. */
  readonly upload: UploadEnd | null
}

/** What an upload did, over all processes of its run. */
export interface UploadEnd {
  readonly traffic: TrafficFigures
  /** What one identity may send; null when nobody knows, and then nobody knows the efficiency. */
  readonly eventsPerSecondOfIdentity: number | null
  /** A process before did a part of it. */
  readonly resumed: boolean
}

/** The summary of a run. */
export function summaryOf(counts: Counts, ending: Ending): Summary {
  const { durationMs, stopped, exitCode, upload } = ending
  const traffic = upload?.traffic
  return {
    version: 1,
    read: counts.read,
    accepted: counts.accepted,
    rejected: { total: totalOf(counts.rejected), by_reason: Object.fromEntries(counts.rejected) },
    skipped: { total: totalOf(counts.skipped), by_reason: Object.fromEntries(counts.skipped) },
    pending: counts.pending,
    warnings: Object.fromEntries(counts.warnings),
    by_event_type: Object.fromEntries(
      Array.from(counts.byType, ([type, { read, accepted, rejected, skipped }]) => [
        type,
        { read, accepted, rejected, skipped, pending: read - accepted - rejected - skipped },
      ]),
    ),
    requests: { total: traffic?.requests ?? 0, by_status: traffic?.byStatus ?? {}, retries: traffic?.retries ?? 0 },
    throttled: { identities: traffic?.heldIdentities ?? 0, held_ms: traffic?.heldMs ?? 0 },
    deferred: { events: traffic?.deferredEvents ?? 0, files: traffic?.deferredFiles ?? 0 },
    duration_ms: Math.round(durationMs),
    efficiency: upload === null ? null : efficiencyOf(counts.accepted, durationMs, upload),
    resumed: upload?.resumed ?? false,
    stopped,
    exit_code: exitCode,
  }
}

/** Time over the least that the network and the limits allow: max(total/throughput, events of the busiest/L) (schedule/README.md §6). */
function efficiencyOf(accepted: number, durationMs: number, upload: UploadEnd): number | null {
  const { traffic, eventsPerSecondOfIdentity } = upload
  const { busiest, bestEventsPerSecond } = traffic
  if (eventsPerSecondOfIdentity === null || accepted === 0 || bestEventsPerSecond === 0) return null
  const leastSeconds = Math.max(accepted / bestEventsPerSecond, busiest / eventsPerSecondOfIdentity)
  return Math.round((durationMs / 1000 / leastSeconds) * 1000) / 1000
}
