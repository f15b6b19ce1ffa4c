/**
 * What one limit allows over time. `fillPerMs` is chosen so that the limit holds at the server over any 30 s, although
 * a request counts when it arrives and not when it was charged (schedule/README.md §1).
 */
export interface Rate {
  limitPerSecond: number
  /** Tokens of a full bucket, at least 1. */
  burst: number
  /** Tokens that grow in a millisecond. */
  fillPerMs: number
}

/** The server counts over a sliding window of this length (amplitude/README.md §1). */
const WINDOW_MS = 30_000

// Rounding must neither swallow a token nor make a wake-up come just too early for the token it was set for.
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
  // A burst as large as the window's whole allowance would leave nothing to grow.
  rate.fillPerMs = Math.max(perWindow - rate.burst, perWindow / 100) / (WINDOW_MS + delayMs)
}

/** Whole tokens at `nowMs` of a bucket that is full again at `fullAtMs`; zero or less when there is none. */
export function tokensAt(rate: Rate, fullAtMs: number, nowMs: number): number {
  if (fullAtMs <= nowMs) return Math.floor(rate.burst)
  return Math.floor(rate.burst - (fullAtMs - nowMs) * rate.fillPerMs + TOKEN_ROUNDING)
}

/** The bucket's new `fullAtMs` after a token was spent at `nowMs`. A token is never given back. */
export function charged(rate: Rate, fullAtMs: number, nowMs: number): number {
  return Math.max(fullAtMs, nowMs) + 1 / rate.fillPerMs
}

/** The earliest time at which the bucket has `count` tokens (at most its burst); in the past when it has them. */
export function whenTokens(rate: Rate, fullAtMs: number, count: number): number {
  return fullAtMs - (rate.burst - Math.min(count, Math.floor(rate.burst))) / rate.fillPerMs
}

/** `fullAtMs` of a bucket that is empty at `untilMs` and has nothing before. */
export function emptyUntil(rate: Rate, untilMs: number): number {
  return untilMs + rate.burst / rate.fillPerMs
}

/** Whether the bucket is paused: it lacks more than spending alone can explain. */
export function isPaused(rate: Rate, fullAtMs: number, nowMs: number): boolean {
  return fullAtMs - nowMs > rate.burst / rate.fillPerMs + PAUSE_ROUNDING_MS
}

/**
 * `fullAtMs` carried over from one rate to another at `nowMs`: the tokens owed stay the same, and so does the end of a
 * pause. Without it a fall of the fill would hand every spent bucket tokens that never grew.
 */
export function carriedOver(fullAtMs: number, nowMs: number, from: Readonly<Rate>, to: Readonly<Rate>): number {
  if (fullAtMs <= nowMs) return fullAtMs
  const owedMs = Math.min(fullAtMs - nowMs, from.burst / from.fillPerMs)
  return fullAtMs - owedMs + (owedMs * from.fillPerMs) / to.fillPerMs
}
