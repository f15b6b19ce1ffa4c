import type { RejectReason, SkipReason, Warning } from './model.ts'

/** What becomes of a record, as the number that the columns of a chunk hold; `meaning` is what people are told. */
export type Outcome =
  | { readonly is: 'event' }
  | { readonly is: 'skipped'; readonly reason: SkipReason; readonly meaning: string }
  | { readonly is: 'rejected'; readonly reason: RejectReason; readonly meaning: string }

export const OUTCOMES = [
  { is: 'event' },
  { is: 'skipped', reason: 'unknown_event_type', meaning: 'the catalogue has no such event type' },
  {
    is: 'skipped',
    reason: 'not_exported',
    meaning: 'the live connector does not send this event type, or its Amplitude name is a guess',
  },
  {
    is: 'skipped',
    reason: 'filtered',
    meaning: 'left out by --include, --exclude, --since or --until, or by the mapping file',
  },
  {
    is: 'skipped',
    reason: 'no_identity',
    meaning: 'it has neither external_user_id nor device_id, and the connector sends no such events',
  },
  { is: 'skipped', reason: 'invalid_identity', meaning: 'its only id is one that Amplitude refuses (anonymous, 0, …)' },
  { is: 'skipped', reason: 'duplicate', meaning: 'the same event type and id as one of the last million events' },
  {
    is: 'rejected',
    reason: 'malformed',
    meaning: 'no JSON object, no time, text where Amplitude takes a number, or not what its format promises',
  },
  { is: 'rejected', reason: 'damaged_input', meaning: 'the file ends or breaks here; all before it was kept' },
  { is: 'rejected', reason: 'too_large', meaning: 'larger than Amplitude takes, by itself (uploads only)' },
  {
    is: 'rejected',
    reason: 'invalid_event',
    meaning: 'Amplitude says that it is wrong, or its name is one that Amplitude keeps for itself',
  },
  { is: 'rejected', reason: 'silenced_device', meaning: 'Amplitude has silenced its device' },
  {
    is: 'rejected',
    reason: 'forbidden',
    meaning: 'something on the way refuses this event alone (403), such as a firewall',
  },
  { is: 'rejected', reason: 'server_error', meaning: 'Amplitude fails on this event alone, time and again' },
  {
    is: 'rejected',
    reason: 'outcome_unknown',
    meaning: 'sent by a process that was killed more than 6 days ago; --unknown dead-letter put it here',
  },
  {
    is: 'rejected',
    reason: 'input_replaced',
    meaning: 'its file was replaced while it was read, and the run ended before Amplitude said that it has it',
  },
] as const satisfies readonly Outcome[]

/** The outcome of a record that becomes an event. */
export const EVENT = 0

/**
 * Not in `OUTCOMES`: the record does not count as read, since it is another shard's (src/README.md §6), or was settled before the run was
 * resumed (state/README.md §3).
 */
export const DROPPED = 255

/** The number of an outcome's reason. */
export function outcomeOf(reason: SkipReason | RejectReason): number {
  return OUTCOMES.findIndex((outcome) => outcome.is !== 'event' && outcome.reason === reason)
}

/** What people are told of a reason. */
export function meaningOf(reason: SkipReason | RejectReason): string {
  const outcome = OUTCOMES[outcomeOf(reason)]
  return outcome === undefined || outcome.is === 'event' ? '' : outcome.meaning
}

/** What people are told of a warning. */
export const WARNING_MEANINGS: Readonly<Record<Warning, string>> = {
  event_type_mismatch: "the record's own event type is not that of its file",
  id_missing: 'no id; an insert_id was made',
  id_dropped: 'an id that Amplitude refuses, beside a good one, is left out',
  properties_not_json: "the customer's own properties are no JSON object; they go out whole, as _raw",
  ingested_fewer: 'Amplitude says that it took fewer events than were sent',
  time_without_zone: 'its time names no zone, and is taken as UTC',
  time_in_future: 'its time is more than a day after now',
  long_string: 'a text of more than 1,024 characters, where Amplitude cuts it',
}

/** Warnings by the number of their bit. */
export const WARNINGS = Object.keys(WARNING_MEANINGS) as readonly Warning[]

/** The bit of a warning in a chunk's `warnings` column. */
export function warningBit(warning: Warning): number {
  return 1 << WARNINGS.indexOf(warning)
}
