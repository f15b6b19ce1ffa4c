import type { SavedSent } from './checkpoint.ts'

export const NOTHING_SENT: SavedSent = {
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
export function addSent(one: SavedSent, other: SavedSent): SavedSent {
  const byStatus = { ...one.byStatus }
  for (const [status, count] of Object.entries(other.byStatus)) byStatus[status] = (byStatus[status] ?? 0) + count
  return {
    requests: one.requests + other.requests,
    byStatus,
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
