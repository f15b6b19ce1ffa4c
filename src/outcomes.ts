import type { RejectReason, SkipReason, Warning } from './model.ts'

/** What becomes of a record, as the number that the columns of a chunk hold. */
type Outcome =
  | { readonly is: 'event' }
  | { readonly is: 'skipped'; readonly reason: SkipReason }
  | { readonly is: 'rejected'; readonly reason: RejectReason }

export const OUTCOMES = [
  { is: 'event' },
  { is: 'skipped', reason: 'unknown_event_type' },
  { is: 'skipped', reason: 'not_exported' },
  { is: 'skipped', reason: 'filtered' },
  { is: 'skipped', reason: 'no_identity' },
  { is: 'skipped', reason: 'invalid_identity' },
  { is: 'skipped', reason: 'duplicate' },
  { is: 'rejected', reason: 'malformed' },
  { is: 'rejected', reason: 'damaged_input' },
  { is: 'rejected', reason: 'too_large' },
  { is: 'rejected', reason: 'invalid_event' },
  { is: 'rejected', reason: 'silenced_device' },
  { is: 'rejected', reason: 'forbidden' },
  { is: 'rejected', reason: 'server_error' },
  { is: 'rejected', reason: 'outcome_unknown' },
] as const satisfies readonly Outcome[]

/** The outcome of a record that becomes an event. */
export const EVENT = 0

/**
 * Not in `OUTCOMES`: the record does not count as read, since it is another shard's (DESIGN §8), or was settled before the run was
 * resumed (DESIGN §6).
 */
export const DROPPED = 255

/** The number of an outcome's reason. */
export function outcomeOf(reason: SkipReason | RejectReason): number {
  return OUTCOMES.findIndex((outcome) => outcome.is !== 'event' && outcome.reason === reason)
}

export const WARNINGS: readonly Warning[] = [
  'event_type_mismatch',
  'id_missing',
  'id_dropped',
  'properties_not_json',
  'ingested_fewer',
]

/** The bit of a warning in a chunk's `warnings` column. */
export function warningBit(warning: Warning): number {
  return 1 << WARNINGS.indexOf(warning)
}
