/**
 * What one limit allows over time. `fillPerMs` is chosen so that the limit holds at the server over any 30 s, although
 * the server counts a request when it arrives, and we charge it earlier (schedule/README.md §1).
 */
export interface Rate {
  limitPerSecond: number
  /** Tokens of a full bucket, at least 1. */
  burst: number
  /** Tokens that a bucket gains in a millisecond. */
  fillPerMs: number
}

/** The server counts over a sliding window of this length (amplitude/README.md §1). */
const WINDOW_MS = 30_000

// Rounding must neither lose a token, nor let a wake-up come just before the token that it was set for.
const TOKEN_ROUNDING = 1e-6
const PAUSE_ROUNDING_MS = 1

/**
 * A rate for `limitPerSecond`, with a burst of one second's worth unless `burst` is given.
 * `delayMs` is J of schedule/README.md §1: the longest time between charging an event and its arrival at the server.
 */
export function createRate(limitPerSecond: number, burst: number | undefined, delayMs: number): Rate {
  const rate = { limitPerSecond, burst: Math.max(1, burst ?? limitPerSecond), fillPerMs: 0 }
  setDelay(rate, delayMs)
  return rate
}

/** Sets J: `fill = (L × 30 − B) / (30 + J)`. */
export function setDelay(rate: Rate, delayMs: number): void {
  const perWindow = (rate.limitPerSecond * WINDOW_MS) / 1000
  // A burst as large as the allowance of the whole window would leave a fill of 0, so there is a minimum.
  rate.fillPerMs = Math.max(perWindow - rate.burst, perWindow / 100) / (WINDOW_MS + delayMs)
}

/** Whole tokens that a bucket which is full again at `fullAtMs` has at `nowMs`; zero or less when it has none. */
export function tokensAt(rate: Rate, fullAtMs: number, nowMs: number): number {
  if (fullAtMs <= nowMs) return Math.floor(rate.burst)
  return Math.floor(rate.burst - (fullAtMs - nowMs) * rate.fillPerMs + TOKEN_ROUNDING)
}

/** The bucket's new `fullAtMs` after a token was spent at `nowMs`. A token is never given back. */
export function charged(rate: Rate, fullAtMs: number, nowMs: number): number {
  return Math.max(fullAtMs, nowMs) + 1 / rate.fillPerMs
}

/** The earliest time at which the bucket has `count` tokens (at most its burst); a time in the past when it has them now. */
export function whenTokens(rate: Rate, fullAtMs: number, count: number): number {
  return fullAtMs - (rate.burst - Math.min(count, Math.floor(rate.burst))) / rate.fillPerMs
}

/** `fullAtMs` of a bucket that has no token until `untilMs`, and fills from then on. */
export function emptyUntil(rate: Rate, untilMs: number): number {
  return untilMs + rate.burst / rate.fillPerMs
}

/** True when the bucket is paused: it lacks more tokens than spending alone can explain. */
export function isPaused(rate: Rate, fullAtMs: number, nowMs: number): boolean {
  return fullAtMs - nowMs > rate.burst / rate.fillPerMs + PAUSE_ROUNDING_MS
}

/**
 * `fullAtMs` after a change from one rate to another at `nowMs`. The tokens owed stay the same, and so does the end of a
 * pause. Without this, a lower fill would give every spent bucket tokens that it never gained.
 */
export function carriedOver(fullAtMs: number, nowMs: number, from: Readonly<Rate>, to: Readonly<Rate>): number {
  if (fullAtMs <= nowMs) return fullAtMs
  const owedMs = Math.min(fullAtMs - nowMs, from.burst / from.fillPerMs)
  return fullAtMs - owedMs + (owedMs * from.fillPerMs) / to.fillPerMs
}
