/** XXH64 with seed 0, of which zstd keeps the lower half as the checksum of a frame. A 64-bit number is two halves of 32 bits. */

/** The hash's five primes, as upper and lower halves. */
const P1H = 0x9e3779b1
const P1L = 0x85ebca87
const P2H = 0xc2b2ae3d
const P2L = 0x27d4eb4f
const P3H = 0x165667b1
const P3L = 0x9e3779f9
const P4H = 0x85ebca77
const P4L = 0xc2b2ae63
const P5H = 0x27d4eb2f
const P5L = 0x165667c5

const STRIPE_BYTES = 32

export interface Xxh64 {
  update(bytes: Uint8Array): void
  /** The lower 32 bits of the hash of all bytes. */
  lowerHalf(): number
}

export function createXxh64(): Xxh64 {
  /** The number at hand; multiplying and turning it allocates nothing. */
  let high = 0
  let low = 0
  const highs = new Int32Array(4)
  const lows = new Int32Array(4)
  const stripe = Buffer.alloc(STRIPE_BYTES)
  let filled = 0
  let total = 0

  set(P1H, P1L)
  add(P2H, P2L)
  keep(0)
  set(P2H, P2L)
  keep(1)
  set(0, 0)
  keep(2)
  set(~P1H, -P1L)
  keep(3)

  function set(h: number, l: number): void {
    high = h | 0
    low = l | 0
  }

  function keep(lane: number): void {
    highs[lane] = high
    lows[lane] = low
  }

  function take(lane: number): void {
    set(highs[lane] as number, lows[lane] as number)
  }

  function add(h: number, l: number): void {
    const sum = (low + l) | 0
    high = (high + h + (sum >>> 0 < l >>> 0 ? 1 : 0)) | 0
    low = sum
  }

  function multiply(h: number, l: number): void {
    high = (upperOf(low, l) + Math.imul(high, l) + Math.imul(low, h)) | 0
    low = Math.imul(low, l)
  }

  /** Turns the number left by fewer than 32 bits. */
  function turn(bits: number): void {
    const h = (high << bits) | (low >>> (32 - bits))
    low = (low << bits) | (high >>> (32 - bits))
    high = h
  }

  function xor(h: number, l: number): void {
    high ^= h
    low ^= l
  }

  /** Leaves in the number what 8 bytes make of it. */
  function round(h: number, l: number): void {
    const oldHigh = high
    const oldLow = low
    set(h, l)
    multiply(P2H, P2L)
    add(oldHigh, oldLow)
    turn(31)
    multiply(P1H, P1L)
  }

  /** Takes the stripes `[start, end)`: lane by lane, in local variables, since all bytes come through here. */
  function takeStripes(bytes: Uint8Array, start: number, end: number): void {
    for (let lane = 0; lane < 4; lane++) {
      let h = highs[lane] as number
      let l = lows[lane] as number
      for (let p = start + lane * 8; p < end; p += STRIPE_BYTES) {
        const inputLow = halfAt(bytes, p)
        const productLow = Math.imul(inputLow, P2L)
        const productHigh = upperOf(inputLow, P2L) + Math.imul(halfAt(bytes, p + 4), P2L) + Math.imul(inputLow, P2H)
        const sumLow = (l + productLow) | 0
        const sumHigh = (h + productHigh + (sumLow >>> 0 < productLow >>> 0 ? 1 : 0)) | 0
        const turnedHigh = (sumHigh << 31) | (sumLow >>> 1)
        const turnedLow = (sumLow << 31) | (sumHigh >>> 1)
        h = (upperOf(turnedLow, P1L) + Math.imul(turnedHigh, P1L) + Math.imul(turnedLow, P1H)) | 0
        l = Math.imul(turnedLow, P1L)
      }
      highs[lane] = h
      lows[lane] = l
    }
  }

  function merge(): void {
    const turns = [1, 7, 12, 18]
    let [sumHigh, sumLow] = [0, 0]
    for (let lane = 0; lane < 4; lane++) {
      take(lane)
      turn(turns[lane] as number)
      add(sumHigh, sumLow)
      sumHigh = high
      sumLow = low
    }
    for (let lane = 0; lane < 4; lane++) {
      set(0, 0)
      round(highs[lane] as number, lows[lane] as number)
      xor(sumHigh, sumLow)
      multiply(P1H, P1L)
      add(P4H, P4L)
      sumHigh = high
      sumLow = low
    }
  }

  return {
    update(bytes) {
      const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      total += all.length
      let at = 0
      if (filled > 0) {
        at = all.copy(stripe, filled, 0, STRIPE_BYTES - filled)
        filled += at
        if (filled < STRIPE_BYTES) return
        takeStripes(stripe, 0, STRIPE_BYTES)
      }
      const end = all.length - ((all.length - at) % STRIPE_BYTES)
      takeStripes(all, at, end)
      filled = all.copy(stripe, 0, end)
    },
    lowerHalf() {
      if (total >= STRIPE_BYTES) merge()
      else set(P5H, P5L)
      add(Math.floor(total / 2 ** 32), total | 0)
      let at = 0
      for (; at + 8 <= filled; at += 8) {
        const [oldHigh, oldLow] = [high, low]
        set(0, 0)
        round(halfAt(stripe, at + 4), halfAt(stripe, at))
        xor(oldHigh, oldLow)
        turn(27)
        multiply(P1H, P1L)
        add(P4H, P4L)
      }
      if (at + 4 <= filled) {
        const [oldHigh, oldLow] = [high, low]
        set(0, halfAt(stripe, at))
        multiply(P1H, P1L)
        xor(oldHigh, oldLow)
        turn(23)
        multiply(P2H, P2L)
        add(P3H, P3L)
        at += 4
      }
      for (; at < filled; at++) {
        const [oldHigh, oldLow] = [high, low]
        set(0, stripe[at] as number)
        multiply(P5H, P5L)
        xor(oldHigh, oldLow)
        turn(11)
        multiply(P1H, P1L)
      }
      // From the upper bits into the lower ones, so that each counts.
      xor(0, high >>> 1)
      multiply(P2H, P2L)
      xor(high >>> 29, (low >>> 29) | (high << 3))
      multiply(P3H, P3L)
      xor(0, high)
      return low >>> 0
    },
  }
}

/** The upper half of the product of two numbers of 32 bits, made of those of 16 bits. */
function upperOf(a: number, b: number): number {
  const a1 = a >>> 16
  const a0 = a & 0xffff
  const b1 = b >>> 16
  const b0 = b & 0xffff
  const middle = (Math.imul(a1, b0) >>> 0) + (Math.imul(a0, b0) >>> 16)
  const carried = (Math.imul(a0, b1) >>> 0) + (middle & 0xffff)
  return (Math.imul(a1, b1) + (middle >>> 16) + (carried >>> 16)) | 0
}

/** 32 bits, little-endian. */
function halfAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}
