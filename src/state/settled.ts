import { BEGINNING, type Restart } from '../model.ts'

/**
 * Which records of one open input, or which lines of one lane file, are settled (state/README.md §2).
 *
 * Records are read in order and get ordinals from 0. They settle in any order. The watermark is the ordinal below which every record
 * is settled. In the checkpoint:
 *
 *     from     where reading begins again: a place in the decoded bytes at or before the watermark, with its ordinal and line
 *     settled  ranges [a, b) of settled ordinals from `from.ordinal` on, ascending, not touching: dropped uncounted on resume
 *     readTo   first ordinal that was not read
 *
 * Invariants:
 * - Every ordinal below `from.ordinal` is settled, and so is every ordinal in `settled`. No other is.
 * - From `from` to `readTo` a cutter finds the same records in the same order as before. For an input that can only be read from its
 *   start, `from` stays at the start, and one range covers everything up to the watermark.
 * - A snapshot of a resumed run keeps the saved ranges that the run has not reached yet.
 *
 * Memory: a bit per record and three numbers per chunk, for chunks with unsettled records. Chunks that are settled whole become ranges.
 */
export interface Settled {
  /**
   * A ticket for the next `count` records.
   * @param restart where a cutter can begin to find them again; the record `restart.ordinal` may belong to an earlier ticket
   */
  take(count: number, restart: Restart, isUnknown?: boolean): ChunkTicket
  /** Corrects the ticket taken last: only its first `count` records were read. */
  shorten(ticket: ChunkTicket, count: number): void
  /** Notes that there are no more records. */
  end(): void
  /** True when the input has ended and every record is settled. */
  isComplete(): boolean
  /** Records read, including those of earlier processes. When it is below the saved `readTo` after the end, the input has changed. */
  readTo(): number
  /** What the checkpoint is to say. */
  save(): SavedSettled
}

/** From `from` to before `to`. */
export type OrdinalRange = readonly [from: number, to: number]

export interface SavedSettled {
  readonly from: Restart
  readonly settled: readonly OrdinalRange[]
  readonly readTo: number
}

export const NOTHING_SETTLED: SavedSettled = { from: BEGINNING, settled: [], readTo: 0 }

/** What all tickets of one input, or of one lane file, share. */
export interface Origin {
  /** `retry`: dead letters, whose records are in the books already. `resend`: an input that was delivered before. */
  readonly kind: 'input' | 'resend' | 'lane' | 'retry'
  /** Records that Amplitude accepted, or that a lane file took. */
  accepted: number
}

/** The records of one chunk. An event names its record by a ticket and an index. */
export interface ChunkTicket {
  readonly restart: Restart
  readonly origin: Origin
  /** The previous process may have sent these records, and their answers are not known. */
  readonly isUnknown: boolean
  /** Ordinal of index 0. */
  readonly first: number
  count: number
  /** Records below this index were read before the last stop. They are not checked for duplicates, or they would match themselves. */
  readonly rereadTo: number
  /** A bit per record, set when the record is settled. */
  readonly bits: Uint32Array
  /** Records that are not settled. */
  left: number
}

/**
 * Settles one record.
 * @throws Error when the record is settled already: it would be counted twice
 */
export function settle(ticket: ChunkTicket, index: number): void {
  const word = index >>> 5
  const bit = 1 << (index & 31)
  const before = ticket.bits[word]
  if (before === undefined || (before & bit) !== 0) {
    throw new Error(`record ${ticket.first + index} was settled twice`)
  }
  ticket.bits[word] = before | bit
  ticket.left -= 1
}

/** True for a record that is settled. After a resume such a record is dropped uncounted. */
export function isSettled(ticket: ChunkTicket, index: number): boolean {
  return ((ticket.bits[index >>> 5] as number) & (1 << (index & 31))) !== 0
}

/** From this many tickets on, those that are settled whole are looked for even when no snapshot is taken. */
const COMPACT_FROM = 64

/** Goes on from `saved`, which is `NOTHING_SETTLED` at the first opening. */
export function createSettled(saved: SavedSettled, origin: Origin): Settled {
  /** In order: tickets with unsettled records, the ticket taken last, and those settled whole since the last `compact`. */
  let tickets: ChunkTicket[] = []
  let compactAt = COMPACT_FROM
  /** Settled ordinals between and behind the tickets, ascending. */
  let ranges: OrdinalRange[] = []
  let next = saved.from.ordinal
  /** Index of the first saved range that is not reached yet. */
  let savedAt = 0
  let hasEnded = false

  /** Sets the bits of the saved ranges within `[first, first + count)`; returns how many bits that were. */
  function restore(bits: Uint32Array, first: number, count: number): number {
    let restored = 0
    for (; savedAt < saved.settled.length; savedAt++) {
      const [from, to] = saved.settled[savedAt] as OrdinalRange
      const start = Math.max(from, first)
      const end = Math.min(to, first + count)
      for (let index = start - first; index < end - first; index++) {
        bits[index >>> 5] = (bits[index >>> 5] as number) | (1 << (index & 31))
      }
      restored += Math.max(0, end - start)
      if (to > first + count) break
    }
    return restored
  }

  /** Turns the tickets that are settled whole into ranges. The last ticket is kept, since it says where reading goes on. */
  function compact(): void {
    const kept = tickets.filter(({ left }, i) => left > 0 || i === tickets.length - 1)
    if (kept.length < tickets.length) {
      const whole = tickets.filter(({ left, count }, i) => left === 0 && count > 0 && i < tickets.length - 1)
      const low = kept[0]?.restart.ordinal ?? 0
      ranges = merge([...ranges, ...whole.map(({ first, count }): OrdinalRange => [first, first + count])])
      ranges = ranges.filter(([, to]) => to > low)
      tickets = kept
    }
    compactAt = Math.max(COMPACT_FROM, tickets.length * 2)
  }

  function unreached(): OrdinalRange[] {
    return saved.settled
      .slice(savedAt)
      .map(([from, to]): OrdinalRange => [Math.max(from, next), to])
      .filter(([from, to]) => from < to)
  }

  return {
    take(count, restart, isUnknown = false) {
      if (tickets.length >= compactAt) compact()
      const bits = new Uint32Array((count + 31) >>> 5)
      const ticket: ChunkTicket = {
        restart,
        origin,
        isUnknown,
        first: next,
        count,
        rereadTo: Math.max(0, Math.min(count, saved.readTo - next)),
        bits,
        left: count - restore(bits, next, count),
      }
      next += count
      tickets.push(ticket)
      return ticket
    },
    shorten(ticket, count) {
      if (ticket !== tickets.at(-1)) throw new Error('only the last chunk can be shortened')
      for (let index = count; index < ticket.count; index++) if (!isSettled(ticket, index)) ticket.left -= 1
      ticket.count = count
      next = ticket.first + count
      savedAt = 0
    },
    end() {
      hasEnded = true
    },
    isComplete: () => hasEnded && tickets.every(({ left }) => left === 0),
    readTo: () => next,
    save() {
      compact()
      const readTo = Math.max(saved.readTo, next)
      const head = tickets[0]
      if (head === undefined) return { from: saved.from, settled: saved.settled, readTo }
      const from = head.restart
      const settled = merge([...ranges, ...tickets.flatMap(settledIn), ...unreached()])
      return { from, settled: settled.filter(([, to]) => to > from.ordinal), readTo }
    },
  }
}

/** The settled ranges of a chunk. */
function settledIn({ first, count, bits, left }: ChunkTicket): OrdinalRange[] {
  if (left === 0) return count === 0 ? [] : [[first, first + count]]
  const found: OrdinalRange[] = []
  let start = -1
  for (let index = 0; index < count; index++) {
    const word = bits[index >>> 5] as number
    // A word whose 32 records are all settled continues a range, and one with none settled continues a gap: it is skipped at once.
    if ((index & 31) === 0 && index + 32 <= count && (start < 0 ? word === 0 : word === 0xffffffff)) {
      index += 31
      continue
    }
    if ((word & (1 << (index & 31))) !== 0) {
      if (start < 0) start = index
    } else if (start >= 0) {
      found.push([first + start, first + index])
      start = -1
    }
  }
  if (start >= 0) found.push([first + start, first + count])
  return found
}

/** Sorts the ranges, and joins those that touch or overlap. */
function merge(all: readonly OrdinalRange[]): OrdinalRange[] {
  const merged: [number, number][] = []
  for (const [from, to] of [...all].sort(([a], [b]) => a - b)) {
    const last = merged.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}
