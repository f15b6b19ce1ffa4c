import type { MappedChunk, RejectReason, SkipReason, Warning } from '../model.ts'
import { EVENT, OTHER_SHARD, OUTCOMES, outcomeOf, WARNINGS } from '../outcomes.ts'
import { createSeen } from './seen.ts'

/**
 * The books: every record read is counted in exactly one of accepted, rejected, skipped, pending (DESIGN §1).
 */
export interface Ledger {
  /**
   * Counts a chunk's records and finds its duplicates, which become skipped in the chunk's own columns. Ends the chunk early,
   * by its `count`, at the record that reaches a limit. Events are pending until `accept` settles them.
   */
  book(chunk: MappedChunk): void
  /** Settles the events of a booked chunk as accepted. */
  accept(chunk: MappedChunk): void
  /** Settles one pending event of an event type (index into `typeNames`) as accepted. */
  acceptEvent(type: number): void
  /** Settles one pending event as rejected; it must be in the dead letters by then. */
  rejectEvent(type: number, reason: RejectReason): void
  /** Counts what is worth saying about events that are settled all the same. */
  warn(warning: Warning, count: number): void
  /** Records that may still be read before `--limit` is reached. */
  remaining(): number
  /** True when `--max-errors` is passed: the run must stop. */
  hasTooManyErrors(): boolean
  counts(): Counts
}

export interface Counts {
  readonly read: number
  readonly accepted: number
  readonly pending: number
  readonly rejected: ReadonlyMap<RejectReason, number>
  readonly skipped: ReadonlyMap<SkipReason, number>
  readonly warnings: ReadonlyMap<Warning, number>
  readonly byType: ReadonlyMap<string, TypeFigures>
}

interface TypeFigures {
  readonly read: number
  readonly accepted: number
  readonly rejected: number
  readonly skipped: number
}

export interface LedgerOptions {
  /** Records to read at most. */
  readonly limit: number
  readonly maxErrors: MaxErrors | null
  readonly dedupe: boolean
}

/** How many rejected records stop a run: a number, or percent of the records read. */
export type MaxErrors = { readonly count: number } | { readonly percent: number }

/** A share of errors says nothing before this many records (DESIGN §2). */
const PERCENT_FROM = 100

const DUPLICATE = outcomeOf('duplicate')
const ACCEPTED = OUTCOMES.length
const COLUMNS = OUTCOMES.length + 1

const IS_REJECTED = Uint8Array.from(OUTCOMES, (outcome) => (outcome.is === 'rejected' ? 1 : 0))

export function createLedger({ limit, maxErrors, dedupe }: LedgerOptions): Ledger {
  const seen = dedupe ? createSeen() : null
  /** Per event type, a row of one count per outcome, and accepted. Row 0 is for records without a type. */
  let rows = new Float64Array(COLUMNS * 128)
  let typeNames: readonly string[] = []
  const warnings = new Float64Array(WARNINGS.length)
  let read = 0
  let rejected = 0
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
    return read >= PERCENT_FROM && rejected * 100 > maxErrors.percent * read
  }

  function moveEvent(type: number, to: number): void {
    const row = rowOf(type)
    rows[row + EVENT] = (rows[row + EVENT] as number) - 1
    rows[row + to] = (rows[row + to] as number) + 1
  }

  function totals(): Float64Array {
    const sums = new Float64Array(COLUMNS)
    for (let i = 0; i < rows.length; i++) sums[i % COLUMNS] = (sums[i % COLUMNS] as number) + (rows[i] as number)
    return sums
  }

  return {
    book(chunk) {
      const { outcomes, types, warnings: bits, idLow, idHigh } = chunk
      typeNames = chunk.typeNames
      for (let i = 0; i < chunk.count; i++) {
        let outcome = outcomes[i] as number
        if (outcome === OTHER_SHARD) continue
        const high = idHigh[i] as number
        if (outcome === EVENT && high !== 0 && seen?.has(idLow[i] as number, high)) {
          outcome = DUPLICATE
          outcomes[i] = DUPLICATE
        }
        const cell = rowOf(types[i] as number) + outcome
        rows[cell] = (rows[cell] as number) + 1
        read++
        const warned = bits[i] as number
        if (warned !== 0) countWarnings(warned)
        if (IS_REJECTED[outcome] === 1) rejected++
        // A share counts from a certain record on, which need not be a rejected one.
        else if (read !== PERCENT_FROM) continue
        if (isOverMaxErrors()) {
          tooManyErrors = true
          chunk.count = i + 1
        }
      }
    },
    accept({ count, outcomes, types }) {
      for (let i = 0; i < count; i++) {
        if (outcomes[i] === EVENT) moveEvent(types[i] as number, ACCEPTED)
      }
    },
    acceptEvent: (type) => moveEvent(type, ACCEPTED),
    rejectEvent(type, reason) {
      moveEvent(type, outcomeOf(reason))
      rejected++
      if (isOverMaxErrors()) tooManyErrors = true
    },
    warn(warning, count) {
      const at = WARNINGS.indexOf(warning)
      warnings[at] = (warnings[at] as number) + count
    },
    remaining: () => limit - read,
    hasTooManyErrors: () => tooManyErrors,
    counts() {
      const sums = totals()
      return {
        read,
        accepted: sums[ACCEPTED] as number,
        pending: sums[EVENT] as number,
        rejected: rejectedOf(sums),
        skipped: skippedOf(sums),
        warnings: new Map(
          WARNINGS.map((warning, i) => [warning, warnings[i] as number] as const).filter(([, n]) => n > 0),
        ),
        byType: new Map(
          typeNames
            .map((name, type) => [name, figuresOf(rows.subarray(rowOf(type), rowOf(type) + COLUMNS))] as const)
            .filter(([, figures]) => figures.read > 0),
        ),
      }
    },
  }

  function countWarnings(bits: number): void {
    for (let i = 0; i < WARNINGS.length; i++) if ((bits & (1 << i)) !== 0) warnings[i] = (warnings[i] as number) + 1
  }
}

function skippedOf(sums: Float64Array): ReadonlyMap<SkipReason, number> {
  const found = new Map<SkipReason, number>()
  for (const [i, outcome] of OUTCOMES.entries())
    if (outcome.is === 'skipped') found.set(outcome.reason, sums[i] as number)
  return withoutZeros(found)
}

function rejectedOf(sums: Float64Array): ReadonlyMap<RejectReason, number> {
  const found = new Map<RejectReason, number>()
  for (const [i, outcome] of OUTCOMES.entries())
    if (outcome.is === 'rejected') found.set(outcome.reason, sums[i] as number)
  return withoutZeros(found)
}

function withoutZeros<Key>(counts: ReadonlyMap<Key, number>): ReadonlyMap<Key, number> {
  return new Map([...counts].filter(([, count]) => count > 0))
}

function figuresOf(row: Float64Array): TypeFigures {
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
