/** A 64-bit hash, as two halves: the same object every time, to be read before the next call. */
export interface Hash {
  low: number
  high: number
}

/** Makes a function that hashes `bytes[start, end)`. Both halves are well mixed, so that any of their bits can be used alone. */
export function createHasher(): (bytes: Uint8Array, start: number, end: number) => Hash {
  const hash: Hash = { low: 0, high: 0 }

  return function hashOf(bytes, start, end) {
    let low = 0x811c9dc5
    let high = 0x9747b28c
    for (let p = start; p < end; p++) {
      const c = bytes[p] as number
      low = Math.imul(low ^ c, 0x9e3779b1)
      high = Math.imul(high ^ c, 0x5f356495)
    }
    hash.low = mix(low ^ (high >>> 15))
    hash.high = mix(high ^ hash.low)
    return hash
  }
}

/** Mixes 32 bits: equal values stay equal, and close ones come far apart. */
export function mix(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A hash as one number that a `Map` can hold: 53 of its bits. */
export function hashKey({ low, high }: Hash): number {
  return high * 0x20_0000 + (low >>> 11)
}
