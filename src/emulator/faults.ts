/** Trouble to inject; rates are shares of requests, 0 to 1, at most 1 together. */
export interface FaultOptions {
  readonly fail: readonly { readonly status: number; readonly rate: number }[]
  readonly dropBefore: number
  readonly dropAfter: number
  readonly garbage: number
  /** Shortest and longest round trip. */
  readonly latencyMs: readonly [number, number]
  readonly seed: number
}

export type Fault =
  | { readonly kind: 'none' }
  /** The connection is reset and nothing counts. */
  | { readonly kind: 'dropBefore' }
  /** An answer of this status and nothing counts. */
  | { readonly kind: 'fail'; readonly status: number }
  /** Status 200 and a page of HTML, as from a proxy; nothing counts. */
  | { readonly kind: 'page' }
  /** The request counts; its answer breaks off. */
  | { readonly kind: 'cutAnswer' }
  /** The request counts; the connection ends without an answer. */
  | { readonly kind: 'dropAfter' }

/** The fate of the next request. */
export interface Fate {
  readonly fault: Fault
  readonly latencyMs: number
}

/** The same seed gives the same fates in the same order; each takes two random numbers, whatever is switched on. */
export function createFates(options: FaultOptions): () => Fate {
  const random = createRandom(options.seed)
  const table: readonly (readonly [number, Fault])[] = [
    [options.dropBefore, { kind: 'dropBefore' }],
    ...options.fail.map(({ status, rate }) => [rate, { kind: 'fail', status }] as const),
    [options.garbage / 2, { kind: 'page' }],
    [options.garbage / 2, { kind: 'cutAnswer' }],
    [options.dropAfter, { kind: 'dropAfter' }],
  ]
  const [minMs, maxMs] = options.latencyMs

  return () => {
    let left = random()
    const latencyMs = minMs + random() * (maxMs - minMs)
    for (const [rate, fault] of table) {
      if (left < rate) return { fault, latencyMs }
      left -= rate
    }
    return { fault: { kind: 'none' }, latencyMs }
  }
}

/** Mulberry32: small, and the same on every machine. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
