/** A 64-bit hash, as two halves of 32 bits: the same object every time, to be read before the next call. */
export interface Hash {
  low: number
  high: number
}

/**
 * Makes a function that hashes `bytes[start, end)`. Both halves are well mixed, so that any of their bits can be used alone. Equal bytes
 * have the same hash in every version of the program: shards rely on it.
 */
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

/**
 * Makes a function that hashes the bytes `[start, end)` of a view, four a step, for tables that are never stored. Both halves are signed,
 * and as well mixed as those of `createHasher`.
 */
export function createWordHasher(): (view: DataView, start: number, end: number) => Hash {
  const hash: Hash = { low: 0, high: 0 }

  return function hashOf(view, start, end) {
    let low = end - start
    let high = 0x1747b28c
    let p = start
    for (; p + 4 <= end; p += 4) {
      const word = view.getInt32(p, true)
      low = Math.imul(low ^ word, 0x9e3779b1)
      low = (low << 15) | (low >>> 17)
      high = Math.imul(high ^ word, 0x5f356495)
      high = (high << 13) | (high >>> 19)
    }
    for (; p < end; p++) {
      const byte = view.getUint8(p)
      low = Math.imul(low ^ byte, 0x9e3779b1)
      high = Math.imul(high ^ byte, 0x5f356495)
    }
    hash.low = mix(low ^ (high >>> 15)) | 0
    hash.high = mix(high ^ hash.low) | 0
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
