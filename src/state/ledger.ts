import type { EventTypes, MappedChunk, RejectReason, SkipReason, Warning } from '../model.ts'
import { DROPPED, EVENT, OUTCOMES, outcomeOf, WARNINGS } from '../outcomes.ts'
import { type Counts, joinFigures, NOTHING_BOOKED } from './books.ts'
import type { SavedBooks, SavedTypeCounts } from './checkpoint.ts'
import type { Seen } from './seen.ts'
import { type ChunkTicket, isSettled, settle } from './settled.ts'

/**
 * The books: every record read is counted in exactly one of accepted, rejected, skipped, pending (src/README.md §1).
 *
 * Counting and settling happen in the same call: an event that leaves `pending` for good, or goes into a lane file, is settled on its
 * ticket at once. So a snapshot taken at any instant has both or neither.
 */
export interface Ledger {
  /**
   * Counts a chunk's records. In the chunk's columns it marks duplicates as skipped, and records that were settled before as dropped.
   * It lowers the chunk's `count` to end the chunk at the record that reaches a limit. Events are pending until they are settled.
   * Rejected records are settled at once, so their dead letters must be added before anything is awaited.
   *
   * @param ticket of the chunk's records; null in a run that nobody resumes
   */
  book(chunk: MappedChunk, ticket: ChunkTicket | null): void
  /** Settles the events of a booked chunk as accepted. */
  accept(chunk: MappedChunk): void
  /** Settles a pending event as accepted. */
  acceptEvent(event: BookedEvent): void
  /** Settles a pending event as rejected; its dead letter must be added in the same tick. */
  rejectEvent(event: BookedEvent, reason: RejectReason): void
  /** Notes that the event was appended to a lane file: the event stays pending, and its record need not be read again. */
  deferEvent(event: BookedEvent): void
  /** Notes that an event was read back from its lane file into memory. */
  recall(event: BookedEvent): void
  /** Counts a warning about events, which are settled in spite of it. */
  warn(warning: Warning, count: number): void
  /** Records that may still be read before `--limit` is reached. */
  remaining(): number
  /** True when there are more errors than `--max-errors` allows: the run must stop. */
  hasTooManyErrors(): boolean
  counts(): Counts
  /** The books for the checkpoint. */
  save(): SavedBooks
  /** Events in memory that the previous process may have sent. */
  unknownLeft(): number
}

/** An event that was booked and is not settled yet. */
export interface BookedEvent {
  /** Index into `typeNames` */
  readonly type: number
  readonly ticket: ChunkTicket
  /** The event's place in the ticket. */
  readonly index: number
  /** Bits of the `WARNINGS` that were counted for the event. */
  readonly warnings: number
}

export interface LedgerOptions {
  /** Records to read at most. */
  readonly limit: number
  readonly maxErrors: MaxErrors | null
  /** Finds duplicates; null when no event counts as a duplicate. */
  readonly seen: Seen | null
  /** The mapping's event types. A resumed run needs them: its lane files may give events back before, or without, any chunk. */
  readonly types?: EventTypes
  /** The books of the run so far; null at its beginning. */
  readonly saved?: SavedBooks | null
  /** Rejects the events of tickets whose outcome is unknown, instead of sending them again. */
  readonly rejectsUnknown?: boolean
}

/** The most rejected records that a run may have: a number, or a percentage of the records read. */
export type MaxErrors = { readonly count: number } | { readonly percent: number }

/** Before this many records, a percentage of errors says nothing (src/README.md §2). */
const PERCENT_FROM = 100

const DUPLICATE = outcomeOf('duplicate')
const OUTCOME_UNKNOWN = outcomeOf('outcome_unknown')
const ACCEPTED = OUTCOMES.length
/** Column of the pending events that are in memory only: a resumed run reads their records again. */
const UNSETTLED = OUTCOMES.length + 1
const COLUMNS = OUTCOMES.length + 2

/** Why an event is rejected under `--unknown dead-letter`. */
export const UNKNOWN_DETAIL =
  'The process before ended without its answer, too long ago for Amplitude to drop a repeat; --unknown dead-letter put it here.'

const IS_REJECTED = Uint8Array.from(OUTCOMES, (outcome) => (outcome.is === 'rejected' ? 1 : 0))

export function createLedger({ limit, maxErrors, seen, types, saved, rejectsUnknown }: LedgerOptions): Ledger {
  const base = restored(saved ?? NOTHING_BOOKED)
  /** A row per event type, with a count for each outcome, for accepted and for unsettled. Row 0 is for records without a type. */
  let rows = new Float64Array(COLUMNS * 128)
  let typeNames = types?.typeNames ?? []
  const warnings = new Float64Array(WARNINGS.length)
  /** The warnings of events that are in memory only. */
  const unsettledWarnings = new Float64Array(WARNINGS.length)
  let read = 0
  /** Records taken towards `--limit`: those read, and the dead letters that are sent again. */
  let taken = 0
  let rejected = sumOf(base.rejected)
  let unknownLeft = 0
  let tooManyErrors = false

  function rowOf(type: number): number {
    const row = (type + 1) * COLUMNS
    if (row + COLUMNS > rows.length) {
      const larger = new Float64Array(rows.length * 2 + row)
      larger.set(rows)
      rows = larger
    }
    return row
  }

  function isOverMaxErrors(): boolean {
    if (maxErrors === null) return false
    if ('count' in maxErrors) return rejected > maxErrors.count
    const allRead = base.read + read
    return allRead >= PERCENT_FROM && rejected * 100 > maxErrors.percent * allRead
  }

  function add(type: number, column: number, count: number): void {
    const cell = rowOf(type) + column
    rows[cell] = (rows[cell] as number) + count
  }

  function moveEvent(type: number, to: number): void {
    add(type, EVENT, -1)
    add(type, to, 1)
  }

  /** Takes the record of a dead letter out of the books before it is counted anew: it is pending there, under the letter's type. */
  function takeBack({ raw }: MappedChunk, i: number): void {
    const type = raw.letters?.[i]?.eventType ?? null
    add(type === null ? -1 : (types?.planOf(type).number ?? -1), EVENT, -1)
    read--
  }

  /** Books that the event is no longer in memory only: it is settled, or in a lane file. */
  function leaveMemory({ type, ticket, index, warnings: bits }: BookedEvent): void {
    settle(ticket, index)
    if (ticket.isUnknown) unknownLeft -= 1
    if (!isRead(ticket)) return
    add(type, UNSETTLED, -1)
    if (bits !== 0) countWarnings(unsettledWarnings, bits, -1)
  }

  /** What an event is booked as: an event, a duplicate, or one whose outcome is unknown. */
  function outcomeOfEvent(chunk: MappedChunk, i: number, ticket: ChunkTicket | null): number {
    const high = chunk.idHigh[i] as number
    // A record that was read before is not compared: its own hash would make it a duplicate.
    const isCompared = high !== 0 && (ticket === null || (i >= ticket.rereadTo && ticket.origin.kind === 'input'))
    if (isCompared && seen?.has(chunk.idLow[i] as number, high)) return DUPLICATE
    if (rejectsUnknown && ticket?.isUnknown) {
      chunk.details.set(i, UNKNOWN_DETAIL)
      return OUTCOME_UNKNOWN
    }
    return EVENT
  }

  function totals(): Float64Array {
    const sums = new Float64Array(COLUMNS)
    for (let i = 0; i < rows.length; i++) sums[i % COLUMNS] = (sums[i % COLUMNS] as number) + (rows[i] as number)
    return sums
  }

  /** Figures by event type, and how many of its events are unsettled; the empty name stands for records without a type. */
  function* byType(): Generator<readonly [name: string, figures: SavedTypeCounts, unsettled: number]> {
    const own = new Map<string, Float64Array>()
    for (const [i, name] of ['', ...typeNames].entries()) {
      const row = rows.subarray(i * COLUMNS, (i + 1) * COLUMNS)
      if (row.some((count) => count !== 0)) own.set(name, row)
    }
    for (const name of new Set([...Object.keys(base.byType), ...own.keys()])) {
      const row = own.get(name)
      const figures = joinFigures(base.byType[name], row && figuresOf(row))
      if (figures.read > 0) yield [name, figures, row?.[UNSETTLED] ?? 0]
    }
  }

  return {
    book(chunk, ticket) {
      const { outcomes, types: numbers, warnings: bits } = chunk
      typeNames = chunk.typeNames
      seen?.prefetch(chunk.idLow, chunk.count)
      for (let i = 0; i < chunk.count; i++) {
        let outcome = outcomes[i] as number
        if (ticket !== null) {
          if (isSettled(ticket, i)) {
            outcomes[i] = DROPPED
            continue
          }
          if (outcome === DROPPED) {
            settle(ticket, i)
            continue
          }
        } else if (outcome === DROPPED) continue
        if (taken >= limit) {
          chunk.count = i
          break
        }
        taken++
        const isRetried = ticket?.origin.kind === 'retry'
        if (isRetried) takeBack(chunk, i)
        if (outcome === EVENT) {
          outcome = outcomeOfEvent(chunk, i, ticket)
          outcomes[i] = outcome
        }
        const type = numbers[i] as number
        add(type, outcome, 1)
        read++
        const warned = isRetried ? 0 : (bits[i] as number)
        if (warned !== 0) countWarnings(warnings, warned, 1)
        if (ticket !== null) {
          if (outcome !== EVENT) settle(ticket, i)
          else {
            if (ticket.isUnknown) unknownLeft++
            if (isRead(ticket)) {
              add(type, UNSETTLED, 1)
              if (warned !== 0) countWarnings(unsettledWarnings, warned, 1)
            }
          }
        }
        if (IS_REJECTED[outcome] === 1) rejected++
        // The percentage is first checked at record `PERCENT_FROM`, which need not be a rejected one.
        else if (base.read + read !== PERCENT_FROM) continue
        if (isOverMaxErrors()) {
          tooManyErrors = true
          chunk.count = i + 1
        }
      }
    },
    accept({ count, outcomes, types: numbers }) {
      for (let i = 0; i < count; i++) {
        if (outcomes[i] === EVENT) moveEvent(numbers[i] as number, ACCEPTED)
      }
    },
    acceptEvent(event) {
      leaveMemory(event)
      moveEvent(event.type, ACCEPTED)
      event.ticket.origin.accepted += 1
    },
    rejectEvent(event, reason) {
      leaveMemory(event)
      moveEvent(event.type, outcomeOf(reason))
      rejected++
      if (isOverMaxErrors()) tooManyErrors = true
    },
    deferEvent(event) {
      leaveMemory(event)
      // The origin counts the event as accepted: the lane file will deliver it.
      event.ticket.origin.accepted += 1
    },
    recall({ ticket }) {
      if (ticket.isUnknown) unknownLeft += 1
    },
    warn(warning, count) {
      const at = WARNINGS.indexOf(warning)
      warnings[at] = (warnings[at] as number) + count
    },
    remaining: () => limit - taken,
    hasTooManyErrors: () => tooManyErrors,
    counts() {
      const sums = totals()
      return {
        read: base.read + read,
        accepted: base.accepted + (sums[ACCEPTED] as number),
        pending: base.pending + (sums[EVENT] as number),
        rejected: countsOf('rejected', sums, base.rejected),
        skipped: countsOf('skipped', sums, base.skipped),
        warnings: warningsOf(warnings, base.warnings),
        byType: new Map(
          Array.from(byType(), ([name, figures]) => [name, figures] as const).filter(([name]) => name !== ''),
        ),
      }
    },
    save() {
      const counts = this.counts()
      const types = [...byType()]
      return {
        read: counts.read,
        accepted: counts.accepted,
        pending: counts.pending,
        rejected: Object.fromEntries(counts.rejected),
        skipped: Object.fromEntries(counts.skipped),
        warnings: Object.fromEntries(counts.warnings),
        byType: Object.fromEntries(types.map(([name, figures]) => [name, figures])),
        unsettled: {
          byType: Object.fromEntries(
            types.filter(([, , unsettled]) => unsettled > 0).map(([name, , unsettled]) => [name, unsettled]),
          ),
          warnings: Object.fromEntries(warningsOf(unsettledWarnings, {})),
        },
      }
    },
    unknownLeft: () => unknownLeft,
  }
}

/** True for records that count as read. Records of other origins are in the books already. */
function isRead({ origin }: ChunkTicket): boolean {
  return origin.kind === 'input' || origin.kind === 'resend'
}

/** The saved books without the unsettled records: these are read, and counted, again. */
function restored(saved: SavedBooks): SavedBooks {
  const { unsettled } = saved
  const again = sumOf(unsettled.byType)
  return {
    ...saved,
    read: saved.read - again,
    pending: saved.pending - again,
    warnings: Object.fromEntries(
      Object.entries(saved.warnings).map(([name, count]) => [name, count - (unsettled.warnings[name as Warning] ?? 0)]),
    ),
    byType: Object.fromEntries(
      Object.entries(saved.byType).map(([name, figures]) => [
        name,
        { ...figures, read: figures.read - (unsettled.byType[name] ?? 0) },
      ]),
    ),
    unsettled: { byType: {}, warnings: {} },
  }
}

function countWarnings(counts: Float64Array, bits: number, count: number): void {
  for (let i = 0; i < counts.length; i++) if ((bits & (1 << i)) !== 0) counts[i] = (counts[i] as number) + count
}

function warningsOf(
  counts: Float64Array,
  base: Readonly<Partial<Record<Warning, number>>>,
): ReadonlyMap<Warning, number> {
  const all = WARNINGS.map((warning, i) => [warning, (base[warning] ?? 0) + (counts[i] as number)] as const)
  return new Map(all.filter(([, count]) => count > 0))
}

type ReasonOf<Is> = Is extends 'skipped' ? SkipReason : RejectReason

function countsOf<Is extends 'skipped' | 'rejected'>(
  is: Is,
  sums: Float64Array,
  base: Readonly<Partial<Record<string, number>>>,
): ReadonlyMap<ReasonOf<Is>, number> {
  const found = new Map<ReasonOf<Is>, number>()
  for (const [i, outcome] of OUTCOMES.entries()) {
    if (outcome.is !== is) continue
    const count = (sums[i] as number) + (base[outcome.reason] ?? 0)
    if (count > 0) found.set(outcome.reason as ReasonOf<Is>, count)
  }
  return found
}

function sumOf(table: Readonly<Record<string, number | undefined>>): number {
  return Object.values(table).reduce((total: number, each) => total + (each ?? 0), 0)
}

function figuresOf(row: Float64Array): SavedTypeCounts {
  let read = 0
  let rejected = 0
  let skipped = 0
  for (const [i, outcome] of OUTCOMES.entries()) {
    const count = row[i] as number
    read += count
    if (outcome.is === 'rejected') rejected += count
    if (outcome.is === 'skipped') skipped += count
  }
  const accepted = row[ACCEPTED] as number
  return { read: read + accepted, accepted, rejected, skipped }
}
