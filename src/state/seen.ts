import { prefetched } from '../cpu-prefetch.ts'

/**
 * The events seen lately, by a 64-bit hash of type and id, to find duplicates of at-least-once delivery (src/README.md §3).
 *
 * There are two tables. When the current table holds a generation, it becomes the previous one, and an empty table becomes current.
 * So the last million events are always known, and memory is two tables of 12 MB whatever the input.
 */
export interface Seen {
  /** Notes the hash; true when it is in one of the tables, as any hash of the last million events is. */
  has(low: number, high: number): boolean
  /** Loads into the processor's cache the places that `has` will look at for the first `count` hashes. */
  prefetch(lows: ArrayLike<number>, count: number): void
}

/** Events that one table holds. At least this many events are known. */
export const GENERATION = 1_000_000
/** Places in a table for each event it can hold. */
const ROOM = (3 << 19) / GENERATION

/** @param generation tests give a number other than a million */
export function createSeen(generation: number = GENERATION): Seen {
  /** Places in a table. Each has the two 32-bit halves of a hash. */
  const slots = Math.ceil(generation * ROOM)
  // The tables are allocated when they are needed: a run of a few records need not touch 24 MB.
  let current: Uint32Array | null = null
  let previous: Uint32Array | null = null
  let count = 0

  function placeOf(low: number): number {
    return Math.floor((low / 0x1_0000_0000) * slots) * 2
  }

  /** The place of a hash, or the free place where it belongs. The high half of a hash is never 0, so 0 means free. */
  function find(table: Uint32Array, low: number, high: number): number {
    let slot = placeOf(low)
    for (;;) {
      const h = table[slot + 1]
      if (h === 0 || (h === high && table[slot] === low)) return slot
      slot += 2
      if (slot === slots * 2) slot = 0
    }
  }

  return {
    prefetch(lows, count) {
      if (current === null) return
      let sum = 0
      for (let i = 0; i < count; i++) sum += current[placeOf(lows[i] as number)] as number
      prefetched(sum)
    },
    has(low, high) {
      current ??= new Uint32Array(slots * 2)
      let slot = find(current, low, high)
      if (current[slot + 1] !== 0) return true
      // A hash of the previous table is noted again in the current one: a later repeat must find it too.
      const wasSeen = previous !== null && previous[find(previous, low, high) + 1] !== 0
      if (count === generation) {
        const oldest = previous ?? new Uint32Array(slots * 2)
        previous = current
        current = oldest.fill(0)
        count = 0
        slot = find(current, low, high)
      }
      current[slot] = low
      current[slot + 1] = high
      count++
      return wasSeen
    },
  }
}
