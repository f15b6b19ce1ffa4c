import { createBucket } from './identities.ts'
import { charged, type Rate, tokensAt, whenTokens } from './rate.ts'
import type { Bucket, RunBucket } from './records.ts'

/** A long lane takes tokens at least this often, unless its own limit or the network holds it for longer. */
const RESERVED_MS = 2000
/** Of a smaller burst nothing is set aside: what is left of it would be no token for the others. */
const LEAST_RESERVED_FROM = 4

/**
 * The bucket of `--max-eps`, empty at `startedMs`. Where the cap is short, long lanes come first, up to their own rate
 * and half of the cap (DESIGN §4): the tokens of `share`, which grow half as fast, are set aside for them out of the
 * run's. Every event is charged to the run, so that the cap holds whoever comes first.
 */
export function createRunBucket<E>(rate: Rate, shareRate: Rate, identityRate: Rate, startedMs: number): RunBucket<E> {
  return {
    ...createBucket<E>(rate, startedMs),
    share: createBucket<E>(shareRate, startedMs),
    reservedUntilMs: Number.NEGATIVE_INFINITY,
    identityRate,
    hot: 0,
  }
}

/** Long lanes are about: their share is set aside for a while. */
export function reserveShare<E>(run: RunBucket<E>, nowMs: number): void {
  run.reservedUntilMs = nowMs + RESERVED_MS
}

/** A long lane took an event. What the others leave of the cap is not of the share, or it would be owed for as long. */
export function chargeShare<E>(run: RunBucket<E>, nowMs: number): void {
  const { share } = run
  if (tokensAt(share.rate, share.fullAtMs, nowMs) >= 1) share.fullAtMs = charged(share.rate, share.fullAtMs, nowMs)
  reserveShare(run, nowMs)
}

/** Whole tokens that long lanes may take, granted ones included; all that are free while no other lane waits. */
export function tokensForLong<E>(run: RunBucket<E>, nowMs: number): number {
  const free = tokensAt(run.rate, run.fullAtMs, nowMs) - run.granted
  if (!lanesWait(run)) return free
  return Math.min(free, tokensAt(run.share.rate, run.share.fullAtMs, nowMs))
}

/** When `tokensForLong` is `count`, if nothing is taken meanwhile. */
export function whenTokensForLong<E>(run: RunBucket<E>, count: number): number {
  const freeMs = whenTokens(run.rate, run.fullAtMs, count + run.granted)
  return lanesWait(run) ? Math.max(freeMs, whenTokens(run.share.rate, run.share.fullAtMs, count)) : freeMs
}

/** Whole tokens of `bucket` for a lane that is not long, granted ones included: of the run's, what is not set aside. */
export function tokensForOthers<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  const tokens = tokensAt(bucket.rate, bucket.fullAtMs, nowMs)
  if (run === null || bucket !== run) return tokens
  const most = mostReserved(run, nowMs)
  return most === 0 ? tokens : tokens - Math.max(0, Math.min(most, tokensAt(run.share.rate, run.share.fullAtMs, nowMs)))
}

/** The others are woken when so many tokens have grown: half of what is never set aside. */
export function turnOf<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  const reserved = run !== null && bucket === run ? mostReserved(run, nowMs) : 0
  return Math.max(1, Math.floor((bucket.rate.burst - reserved) / 2))
}

/** When `tokensForOthers` is `count`, if nothing is taken meanwhile. */
export function whenTokensForOthers<E>(
  bucket: Bucket<E>,
  run: RunBucket<E> | null,
  count: number,
  nowMs: number,
): number {
  const most = run !== null && bucket === run ? mostReserved(run, nowMs) : 0
  if (run === null || most === 0) return whenTokens(bucket.rate, bucket.fullAtMs, count)
  // What is set aside is a part of the run's tokens that grows until it is the most, and then no more.
  const { rate, fullAtMs, share } = run
  const mostAtMs = Math.max(nowMs, whenTokens(share.rate, share.fullAtMs, most))
  const reserved = most - (mostAtMs - nowMs) * share.rate.fillPerMs
  const lacking = count + reserved - (rate.burst - (fullAtMs - nowMs) * rate.fillPerMs)
  const growing = rate.fillPerMs - share.rate.fillPerMs
  const grown = (mostAtMs - nowMs) * growing
  if (lacking <= grown) return nowMs + lacking / growing
  return mostAtMs + (lacking - grown) / rate.fillPerMs
}

/** Tokens that are set aside at most: of the share, what the long lanes can take at once. */
function mostReserved<E>(run: RunBucket<E>, nowMs: number): number {
  const { rate, share, identityRate, hot } = run
  if (rate.burst < LEAST_RESERVED_FROM || (nowMs >= run.reservedUntilMs && !lanesWait(share))) return 0
  const lanes = Math.max(1, hot, share.waiting?.size ?? 0)
  return Math.min(Math.floor(share.rate.burst), Math.floor(identityRate.burst * lanes))
}

function lanesWait<E>({ waiting }: Bucket<E>): boolean {
  return waiting !== null && waiting.size > 0
}
