import type { Hash } from '../hash.ts'

/**
 * The identities met. For each of them, the first other identity that it came with, and whether there were more.
 * The set is exact up to half a million, then a sample: whenever the table is half full, only identities whose hash has
 * one more leading zero bit stay. They are half, so each stands for twice as many. Memory stays below 14 MB.
 */
export interface IdentitySet {
  /** @param other hash of the identity it came with; 0 for none */
  add(hash: Hash, other: number): void
  /** How many different identities were met. */
  count(): number
  /** How many of them came with more than one other. */
  shared(): number
  /** False when the two counts are estimates. */
  isExact(): boolean
}

const MAX_SLOTS = 1 << 20
const FIRST_SLOTS = 1 << 12

export function createIdentitySet(): IdentitySet {
  let slots = FIRST_SLOTS
  let lows = new Uint32Array(slots)
  let highs = new Uint32Array(slots)
  let others = new Uint32Array(slots)
  let isShared = new Uint8Array(slots)
  let used = 0
  /** Leading zero bits that the high half of a hash must have to be kept. */
  let level = 0

  function isSampled(high: number): boolean {
    return level === 0 || high >>> (32 - level) === 0
  }

  /** The slot of a hash, or the free slot where it belongs. A free slot has a low half of 0, which no hash has here. */
  function find(low: number, high: number): number {
    let slot = low & (slots - 1)
    while (lows[slot] !== 0 && (lows[slot] !== low || highs[slot] !== high)) slot = (slot + 1) & (slots - 1)
    return slot
  }

  function rebuild(): void {
    const [oldLows, oldHighs, oldOthers, oldShared] = [lows, highs, others, isShared]
    if (slots < MAX_SLOTS) slots *= 4
    else level++
    lows = new Uint32Array(slots)
    highs = new Uint32Array(slots)
    others = new Uint32Array(slots)
    isShared = new Uint8Array(slots)
    used = 0
    for (let i = 0; i < oldLows.length; i++) {
      const low = oldLows[i] as number
      const high = oldHighs[i] as number
      if (low === 0 || !isSampled(high)) continue
      const slot = find(low, high)
      lows[slot] = low
      highs[slot] = high
      others[slot] = oldOthers[i] as number
      isShared[slot] = oldShared[i] as number
      used++
    }
  }

  return {
    add(hash, other) {
      const low = hash.low || 1
      const { high } = hash
      if (!isSampled(high)) return
      const slot = find(low, high)
      if (lows[slot] === 0) {
        lows[slot] = low
        highs[slot] = high
        others[slot] = other
        used++
        if (used * 2 > slots) rebuild()
      } else if (other !== 0 && others[slot] !== other) {
        if (others[slot] === 0) others[slot] = other
        else isShared[slot] = 1
      }
    },
    count: () => used * 2 ** level,
    shared() {
      let count = 0
      for (let i = 0; i < slots; i++) count += isShared[i] as number
      return count * 2 ** level
    },
    isExact: () => level === 0,
  }
}
