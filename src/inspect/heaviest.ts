import { prefetched } from '../cpu-prefetch.ts'
import { hashKey } from '../hash.ts'
import { textOf } from '../json/bytes.ts'

/**
 * The identities with the most events, in memory that does not grow. A count-min sketch with conservative update counts
 * all identities, and those with the highest counts are kept by name. A count is never too low, and it is too high only for an identity
 * that shares each of its counters with others: of some hundred thousand identities it is as good as exact.
 */
export interface Heaviest {
  /**
   * Counts one event of the identity in `bytes[start, end)`, the content of a JSON string, whose hash has the halves `low` and `high`;
   * `place` events came before it.
   */
  add(low: number, high: number, bytes: Uint8Array, start: number, end: number, place: number): void
  /** Loads into the processor's cache the counters that `add` will look at for the first `count` hashes. */
  prefetch(lows: Int32Array, highs: Int32Array, count: number): void
  /** Most events first; equals in the order of their ids. */
  top(): readonly Heavy[]
}

export interface Heavy extends Spread {
  readonly id: string
}

/** How many events an identity has, and where in the input they are. */
export interface Spread {
  readonly events: number
  /** Places (events before them) of the first and the last event, taken as evenly spread between; a few stragglers do not count. */
  readonly from: number
  readonly to: number
}

const ROWS = 4
/** Counters in a row: a power of two. */
const WIDTH = 1 << 18
/** Two rows share lines of the processor's cache, half of each: an identity's counters are in two lines. */
const ROWS_OF_LINE = 2
const HALF_LINE = 8
/** Identities kept by name. */
const KEPT = 64

export function createHeaviest(): Heaviest {
  // Allocated by the first event: many exports have no devices.
  let counters: Int32Array | null = null
  const cells = new Int32Array(ROWS)
  const slots = new Map<number, number>()
  const keys: number[] = []
  const counts: number[] = []
  const ids: Uint8Array[] = []
  /** Places of the first and last event since the identity was kept; their sum and number. */
  const firsts: number[] = []
  const lasts: number[] = []
  const sums: number[] = []
  const seen: number[] = []
  /** An identity with no more events than this is not kept. */
  let threshold = 0

  function count(table: Int32Array, low: number, high: number): number {
    let least = 0x7fff_ffff
    for (let row = 0; row < ROWS; row++) {
      const cell = cellOf(row, low, high)
      cells[row] = cell
      const events = table[cell] as number
      if (events < least) least = events
    }
    const next = least + 1
    for (let row = 0; row < ROWS; row++) {
      const cell = cells[row] as number
      if ((table[cell] as number) < next) table[cell] = next
    }
    return next
  }

  function keep(slot: number, key: number, events: number, id: Uint8Array, place: number): void {
    slots.set(key, slot)
    keys[slot] = key
    counts[slot] = events
    ids[slot] = id
    firsts[slot] = place
    lasts[slot] = place
    sums[slot] = place
    seen[slot] = 1
  }

  return {
    prefetch(lows, highs, count) {
      if (counters === null) return
      let sum = 0
      for (let i = 0; i < count; i++) {
        for (let row = 0; row < ROWS; row += ROWS_OF_LINE) {
          sum += counters[cellOf(row, lows[i] as number, highs[i] as number)] as number
        }
      }
      prefetched(sum)
    },
    add(low, high, bytes, start, end, place) {
      counters ??= new Int32Array(ROWS * WIDTH)
      const events = count(counters, low, high)
      if (events <= threshold) return
      const key = hashKey({ low, high })
      const known = slots.get(key)
      if (known !== undefined) {
        counts[known] = events
        lasts[known] = place
        sums[known] = (sums[known] as number) + place
        seen[known] = (seen[known] as number) + 1
        return
      }
      if (counts.length < KEPT) {
        keep(counts.length, key, events, copyOf(bytes, start, end), place)
        return
      }
      let least = 0
      for (let i = 1; i < KEPT; i++) if ((counts[i] as number) < (counts[least] as number)) least = i
      threshold = counts[least] as number
      if (events <= threshold) return
      slots.delete(keys[least] as number)
      keep(least, key, events, copyOf(bytes, start, end), place)
    },
    top() {
      return counts
        .map((events, i) => {
          const to = lasts[i] as number
          // The mean of places that are spread evenly is in their middle.
          const from = Math.max(firsts[i] as number, (2 * (sums[i] as number)) / (seen[i] as number) - to)
          return { id: String(JSON.parse(`"${textOf(ids[i] as Uint8Array)}"`)), events, from, to }
        })
        .toSorted((a, b) => b.events - a.events || (a.id < b.id ? -1 : 1))
    },
  }
}

/** The counter of a hash in a row: rows that share lines take the line by one half of the hash, and their place in it by other bits. */
function cellOf(row: number, low: number, high: number): number {
  const half = row < ROWS_OF_LINE ? low : high
  const line = half & (WIDTH / HALF_LINE - 1)
  const place = (half >>> (row % ROWS_OF_LINE === 0 ? 20 : 26)) & (HALF_LINE - 1)
  const first = row < ROWS_OF_LINE ? 0 : ROWS_OF_LINE * WIDTH
  return first + line * ROWS_OF_LINE * HALF_LINE + (row % ROWS_OF_LINE) * HALF_LINE + place
}

/** `slice` of a `Buffer` is a view of bytes that the next chunk overwrites. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end))
}
