/** The types that the stages hand to one another: data, no code. */

/** One input of a run: a file, or standard input. */
export interface Source {
  /** The path as it was given or found; `-` is standard input. */
  readonly path: string
  /** Place in the run's order, from 0. */
  readonly number: number
}

/** Why a record was left out by a named policy (src/README.md §1, §2). */
export type SkipReason =
  | 'unknown_event_type'
  | 'not_exported'
  | 'filtered'
  | 'no_identity'
  | 'invalid_identity'
  | 'duplicate'

/** Why a record went to the dead letters (src/README.md §5). */
export type RejectReason =
  | 'malformed'
  | 'damaged_input'
  | 'too_large'
  | 'invalid_event'
  | 'silenced_device'
  | 'forbidden'
  | 'server_error'
  | 'outcome_unknown'
  | 'input_replaced'

/** What is worth saying about a record that goes on all the same. */
export type Warning =
  | 'event_type_mismatch'
  | 'id_missing'
  | 'id_dropped'
  | 'properties_not_json'
  | 'ingested_fewer'
  | 'time_without_zone'
  | 'time_in_future'
  | 'long_string'

/** A record that the cutter could not take as one; its bytes are the raw text. */
export interface Fault {
  /** Place in the chunk. */
  readonly index: number
  readonly reason: RejectReason
  readonly detail: string
}

/** What the user says of how CSV is written, one ASCII character each; what is undefined is found out (src/README.md §2). */
export interface CsvChoices {
  readonly delimiter?: string | undefined
  /** Null: there are none. */
  readonly quote?: string | null | undefined
  readonly escape?: string | null | undefined
}

/** Where a cutter can begin. */
export interface Restart {
  /** Byte of the decoded input: after gunzip. */
  readonly byte: number
  /** Ordinal of the first record behind it: records have ordinals from 0 in their input. */
  readonly ordinal: number
  /** Line of that byte, from 1; null where the format has no lines. */
  readonly line: number | null
}

/** The beginning of an input. */
export const BEGINNING: Restart = { byte: 0, ordinal: 0, line: 1 }

/**
 * Records of one source in input order, undecoded: as JSON text, or, where the cutter knows `fields`, the JSON text of each value. Plain
 * data. Column `i` is record `i`. The bytes may be reused once the next chunk has been asked for.
 */
export interface RawChunk {
  readonly source: OpenSource
  /** Every record is followed by at least one byte that goes on none of its values (a newline, a comma, a bracket). */
  readonly bytes: Uint8Array
  readonly count: number
  /** Where a cutter can begin to meet these records again; `restart.ordinal` may be that of an earlier one. */
  readonly restart: Restart
  /** Where each record is; with `fields`, so many bytes at least as its values take. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** Where each record stands in the decoded input: byte of its line (NDJSON, CSV), else its ordinal from 0. */
  readonly positions: Float64Array
  /** Line of each record, from 1; null where the format has none. */
  readonly lines: Float64Array | null
  /** The broken records, in the order of their index. */
  readonly faults: readonly Fault[]
  /** Where the fields of each record stand, when the cutter knows; otherwise the mapper looks. */
  readonly fields?: FieldColumns
  /** What each record holds, when the cutter has scanned some of them. */
  readonly entries?: FieldEntries
  /** What a file of letters says of each record; null for a line that is no letter. */
  readonly letters?: readonly (Letter | null)[]
}

/** Spans of the fields of a chunk's records: field `f` of record `i` is at `i * names.length + f`. */
export interface FieldColumns {
  readonly names: readonly string[]
  /** `KIND` of the value's JSON text; `KIND.none` when the record lacks the field. */
  readonly kinds: Uint8Array
  /** Byte of the chunk where the value's JSON text starts, and where it ends. */
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/**
 * Members of a chunk's records: those of record `i` are the entries `[firsts[i], firsts[i + 1])`. A record that has none was not scanned.
 * The others are valid JSON objects without repeated keys, and no value of theirs is or holds an object. The columns may be longer than the
 * entries, and are used again as the chunk's bytes are.
 */
export interface FieldEntries {
  /** Every key met so far, exactly as it was written: entries have the numbers. It grows, and keeps what it has. */
  readonly names: readonly string[]
  readonly firsts: Int32Array
  /** Per entry, the number of its key. */
  readonly keys: Uint16Array
  /** `KIND` of the value's JSON text; no object. */
  readonly kinds: Uint8Array
  /** Byte of the chunk where the value's JSON text starts, and where it ends. */
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** What is known of a source once it is open. */
export interface OpenSource extends Source {
  /** Event type of the container's schema, of the path or of the file name; null when only the records can say. */
  readonly fileType: string | null
  /** The event types that the file's name may mean, when they are several. */
  readonly candidates: readonly string[]
  /** The file comes from Braze's Snowflake share. */
  readonly isShare: boolean
  /** The file is gzipped, or the like: bytes as stored and decoded bytes differ. */
  readonly isEncoded: boolean
  /** SHA-256 of the first 64 KB as stored, hex. */
  headHash(): string
}

/**
 * A chunk after mapping: per record an outcome, per event its serialised bytes. Columns, not objects.
 */
export interface MappedChunk {
  readonly raw: RawChunk
  /** Records that count; the ledger may lower it to end a run within a chunk. */
  count: number
  /** Index into `OUTCOMES`. The ledger turns events into duplicates here. */
  readonly outcomes: Uint8Array
  /** Index into `typeNames`, or -1 when the record has no event type. */
  readonly types: Int16Array
  readonly typeNames: readonly string[]
  /** Bits of `WARNINGS`. */
  readonly warnings: Uint8Array
  /** Event time, ms since 1970. */
  readonly times: Float64Array
  /** 64-bit hash of event type and id; both halves 0 when the record has no id. */
  readonly idLow: Uint32Array
  readonly idHigh: Uint32Array
  /**
   * Where an event's `user_id` and `device_id` stand in `bytes`: start and end of the JSON string's content, escapes and all.
   * Equal when the event has none.
   */
  readonly userStarts: Int32Array
  readonly userEnds: Int32Array
  readonly deviceStarts: Int32Array
  readonly deviceEnds: Int32Array
  /** Serialised events, each with a newline; event `i` ends at `eventEnds[i]` and starts where the one before ends. */
  readonly bytes: Uint8Array
  readonly eventEnds: Int32Array
  /** Why records were rejected, by index. */
  readonly details: Map<number, string>
}

/** Event types by number. */
export interface EventTypes {
  /** Names by number; the list grows as types are met that the catalogue lacks. */
  readonly typeNames: readonly string[]
  planOf(type: string): { readonly number: number }
}

/** Where a record stands: what a dead letter and a lane file say of it. */
export interface Place {
  readonly path: string
  /** Byte of its line, else its ordinal from 0. */
  readonly position: number
  /** From 1; null where the format has no lines. */
  readonly line: number | null
}

/** What a dead letter, or a line of a lane file, says of its record (src/README.md §5); the place is where the record first stood. */
export interface Letter extends Place {
  readonly eventType: string | null
  /** The `insert_id` that was made for the event, 32 hex digits; null when none was. */
  readonly madeId: string | null
}

/**
 * An event with the record it was made from, outside its chunk: it may wait for minutes, and its dead letter needs both. The bytes
 * are its own, or shared with a few neighbours; never a slice of a chunk.
 */
export interface KeptEvent extends Place {
  /** Holds the serialised event, without newline, and the record as JSON text. */
  readonly data: Uint8Array
  readonly eventStart: number
  readonly eventEnd: number
  readonly recordStart: number
  readonly recordEnd: number
  /** Index into `MappedChunk.typeNames`. */
  readonly type: number
}

/** A note is worth knowing and never makes a command fail. */
export type Severity = 'error' | 'warning' | 'note'

/** Something wrong, or worth a look, in a mapping file or in what is mapped. */
export interface Finding {
  readonly severity: Severity
  /** A word for all findings of one kind. */
  readonly cause: string
  /** What was found, and what to do. */
  readonly message: string
  readonly file: string | null
  /** From 1; null where there are no lines. */
  readonly line: number | null
  readonly column: number | null
  /** Place in a mapping file, keys with dots; null elsewhere. */
  readonly path: string | null
}

/** Findings of one kind: all are counted, the first ones kept. */
export interface FindingGroup {
  readonly severity: Severity
  readonly cause: string
  /** What all of them have in common. */
  readonly title: string
  readonly count: number
  readonly examples: readonly Finding[]
}

/** A check that passed. Its name is the same from run to run, so that CI can tell it is the same check. */
export interface PassedCheck {
  readonly name: string
  readonly detail: string
}

/** One thing that was checked, and what was found. */
export interface CheckedSection {
  readonly name: string
  readonly passed: readonly PassedCheck[]
  readonly groups: readonly FindingGroup[]
}
