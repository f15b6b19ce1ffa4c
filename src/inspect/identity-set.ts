import { prefetched } from '../cpu-prefetch.ts'

/**
 * The identities met. For each of them, the first other identity that it came with, and whether there were more.
 * The set is exact up to half a million, then a sample: whenever the table is half full, only identities whose hash has
 * one more leading zero bit stay. They are half, so each stands for twice as many. Memory stays below 15 MB.
 */
export interface IdentitySet {
  /**
   * @param low with `high` the two halves of the identity's hash
   * @param other hash of the identity it came with; 0 for none
   */
  add(low: number, high: number, other: number): void
  /** Loads into the processor's cache the places that `add` will look at for the first `count` hashes. */
  prefetch(lows: Int32Array, count: number): void
  /** How many different identities were met. */
  count(): number
  /** How many of them came with more than one other. */
  shared(): number
  /** False when the two counts are estimates. */
  isExact(): boolean
}

const MAX_SLOTS = 1 << 20
const FIRST_SLOTS = 1 << 12
/** Words of a slot: the halves of the hash, and of the other identity the hash. */
const WIDTH = 3
/** In the place of the other identity: there are several. */
const SHARED = -1

export function createIdentitySet(): IdentitySet {
  let slots = FIRST_SLOTS
  let table = new Int32Array(slots * WIDTH)
  let used = 0
  /** Leading zero bits that the high half of a hash must have to be kept. */
  let level = 0

  function isSampled(high: number): boolean {
    return level === 0 || high >>> (32 - level) === 0
  }

  /** The place of a hash, or the free place where it belongs. A free one has a low half of 0, which no hash has here. */
  function find(low: number, high: number): number {
    let slot = low & (slots - 1)
    for (;;) {
      const at = slot * WIDTH
      if (table[at] === 0 || (table[at] === low && table[at + 1] === high)) return at
      slot = (slot + 1) & (slots - 1)
    }
  }

  function rebuild(): void {
    const old = table
    if (slots < MAX_SLOTS) slots *= 4
    else level++
    table = new Int32Array(slots * WIDTH)
    used = 0
    for (let from = 0; from < old.length; from += WIDTH) {
      const low = old[from] as number
      const high = old[from + 1] as number
      if (low === 0 || !isSampled(high)) continue
      const at = find(low, high)
      table[at] = low
      table[at + 1] = high
      table[at + 2] = old[from + 2] as number
      used++
    }
  }

  return {
    add(lowHalf, high, otherHash) {
      const low = lowHalf || 1
      if (!isSampled(high)) return
      const other = otherHash === SHARED ? SHARED - 1 : otherHash
      const at = find(low, high)
      if (table[at] === 0) {
        table[at] = low
        table[at + 1] = high
        table[at + 2] = other
        used++
        if (used * 2 > slots) rebuild()
      } else if (other !== 0 && table[at + 2] !== other) {
        table[at + 2] = table[at + 2] === 0 ? other : SHARED
      }
    },
    prefetch(lows, count) {
      let sum = 0
      for (let i = 0; i < count; i++) sum += table[((lows[i] as number) & (slots - 1)) * WIDTH] as number
      prefetched(sum)
    },
    count: () => used * 2 ** level,
    shared() {
      let count = 0
      for (let at = 0; at < table.length; at += WIDTH) if (table[at + 2] === SHARED) count++
      return count * 2 ** level
    },
    isExact: () => level === 0,
  }
}
