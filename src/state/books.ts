import type { RejectReason, SkipReason, Warning } from '../model.ts'
import type { SavedBooks, SavedTypeCounts, TrafficFigures } from './checkpoint.ts'

/** The books as they stand. Every record that was read is in exactly one of them (src/README.md §1). */
export interface Counts {
  readonly read: number
  readonly accepted: number
  readonly pending: number
  readonly rejected: ReadonlyMap<RejectReason, number>
  readonly skipped: ReadonlyMap<SkipReason, number>
  readonly warnings: ReadonlyMap<Warning, number>
  readonly byType: ReadonlyMap<string, SavedTypeCounts>
}

/** The books of a run that has read nothing. */
export const NOTHING_BOOKED: SavedBooks = {
  read: 0,
  accepted: 0,
  pending: 0,
  rejected: {},
  skipped: {},
  warnings: {},
  byType: {},
  unsettled: { byType: {}, warnings: {} },
}

/** The records of all reasons together. */
export function totalOf(counts: ReadonlyMap<string, number>): number {
  let total = 0
  for (const count of counts.values()) total += count
  return total
}

/** The books of a checkpoint as the ledger counts them. */
export function countsOf(books: SavedBooks): Counts {
  const { read, accepted, pending } = books
  return {
    read,
    accepted,
    pending,
    rejected: mapOf<RejectReason>(books.rejected),
    skipped: mapOf<SkipReason>(books.skipped),
    warnings: mapOf<Warning>(books.warnings),
    byType: new Map(Object.entries(books.byType).filter(([type]) => type !== '')),
  }
}

/** The books of two runs, or of two shards of a job, together. */
export function joinBooks(one: SavedBooks, other: SavedBooks): SavedBooks {
  const byType: Record<string, SavedTypeCounts> = { ...one.byType }
  for (const [type, figures] of Object.entries(other.byType)) byType[type] = joinFigures(byType[type], figures)
  return {
    read: one.read + other.read,
    accepted: one.accepted + other.accepted,
    pending: one.pending + other.pending,
    rejected: joinCounts(one.rejected, other.rejected),
    skipped: joinCounts(one.skipped, other.skipped),
    warnings: joinCounts(one.warnings, other.warnings),
    byType,
    unsettled: {
      byType: joinCounts(one.unsettled.byType, other.unsettled.byType),
      warnings: joinCounts(one.unsettled.warnings, other.unsettled.warnings),
    },
  }
}

/** Adds the figures of one event type; absent figures count as 0. */
export function joinFigures(one: SavedTypeCounts = NO_FIGURES, other: SavedTypeCounts = NO_FIGURES): SavedTypeCounts {
  return {
    read: one.read + other.read,
    accepted: one.accepted + other.accepted,
    rejected: one.rejected + other.rejected,
    skipped: one.skipped + other.skipped,
  }
}

function joinCounts<Name extends string>(
  one: Readonly<Partial<Record<Name, number>>>,
  other: Readonly<Partial<Record<Name, number>>>,
): Record<Name, number> {
  const sums = { ...one } as Record<Name, number>
  for (const [name, count] of Object.entries<number | undefined>(other)) {
    sums[name as Name] = (sums[name as Name] ?? 0) + (count ?? 0)
  }
  return sums
}

const NO_FIGURES: SavedTypeCounts = { read: 0, accepted: 0, rejected: 0, skipped: 0 }

function mapOf<Name extends string>(table: Readonly<Partial<Record<Name, number>>>): ReadonlyMap<Name, number> {
  return new Map(
    Object.entries<number | undefined>(table).flatMap(([name, count]) => (count ? [[name as Name, count]] : [])),
  )
}

export const NO_TRAFFIC: TrafficFigures = {
  requests: 0,
  byStatus: {},
  retries: 0,
  heldIdentities: 0,
  heldMs: 0,
  deferredEvents: 0,
  deferredFiles: 0,
  busiest: 0,
  bestEventsPerSecond: 0,
  durationMs: 0,
}

/** What two processes of a run, or two shards of a job, sent together. */
export function joinTraffic(one: TrafficFigures, other: TrafficFigures): TrafficFigures {
  return {
    requests: one.requests + other.requests,
    byStatus: joinCounts(one.byStatus, other.byStatus),
    retries: one.retries + other.retries,
    heldIdentities: one.heldIdentities + other.heldIdentities,
    heldMs: one.heldMs + other.heldMs,
    deferredEvents: one.deferredEvents + other.deferredEvents,
    deferredFiles: one.deferredFiles + other.deferredFiles,
    busiest: Math.max(one.busiest, other.busiest),
    bestEventsPerSecond: Math.max(one.bestEventsPerSecond, other.bestEventsPerSecond),
    durationMs: one.durationMs + other.durationMs,
  }
}
