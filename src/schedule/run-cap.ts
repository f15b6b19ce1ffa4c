import { createBucket } from './identities.ts'
import { lanesWaitAt } from './lanes.ts'
import { charged, type Rate, tokensAt, whenTokens } from './rate.ts'
import type { Bucket, RunBucket } from './scheduler-state.ts'

/** A long lane takes tokens at least this often, unless its own limit or the network keeps it for longer. */
const RESERVED_MS = 2000
/** Of a smaller burst nothing is set aside: the rest would be no token for the others. */
const LEAST_RESERVED_FROM = 4

/**
 * The bucket of `--max-eps`, empty at `startedMs`. Where the cap is short, long lanes come first, up to their own rate
 * and half of the cap (schedule/README.md §3): the tokens of `share`, which grow half as fast, are set aside for them
 * out of the run's. Every event is charged to the run, so that the cap holds whoever comes first.
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

/** There are long lanes: their share is set aside for a while. */
export function reserveShare<E>(run: RunBucket<E>, nowMs: number): void {
  run.reservedUntilMs = nowMs + RESERVED_MS
}

/**
 * A long lane took an event. The share is charged only while it has tokens: what long lanes take of what the others
 * leave would be owed to it otherwise.
 */
export function chargeShare<E>(run: RunBucket<E>, nowMs: number): void {
  const { share } = run
  if (tokensAt(share.rate, share.fullAtMs, nowMs) >= 1) share.fullAtMs = charged(share.rate, share.fullAtMs, nowMs)
  reserveShare(run, nowMs)
}

/** Whole tokens that long lanes may take, those granted to long lanes included; all that are free while no other lane waits. */
export function tokensForLong<E>(run: RunBucket<E>, nowMs: number): number {
  const free = tokensAt(run.rate, run.fullAtMs, nowMs) - run.granted
  if (!lanesWaitAt(run)) return free
  return Math.min(free, tokensAt(run.share.rate, run.share.fullAtMs, nowMs))
}

/** When `tokensForLong` is `count`, if nothing is taken meanwhile. */
export function whenTokensForLong<E>(run: RunBucket<E>, count: number): number {
  const freeMs = whenTokens(run.rate, run.fullAtMs, count + run.granted)
  return lanesWaitAt(run) ? Math.max(freeMs, whenTokens(run.share.rate, run.share.fullAtMs, count)) : freeMs
}

/** Whole tokens of `bucket` for a lane that is not long, granted ones included. Of the run's, those not set aside. */
export function tokensForOthers<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  const tokens = tokensAt(bucket.rate, bucket.fullAtMs, nowMs)
  const most = mostReserved(bucket, run, nowMs)
  return run === null || most === 0
    ? tokens
    : tokens - Math.max(0, Math.min(most, tokensAt(run.share.rate, run.share.fullAtMs, nowMs)))
}

/** Lanes that are not long are woken when so many tokens have grown: half of what is never set aside. */
export function turnOf<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  return Math.max(1, Math.floor((bucket.rate.burst - mostReserved(bucket, run, nowMs)) / 2))
}

/** When `tokensForOthers` is `count`, if nothing is taken meanwhile. */
export function whenTokensForOthers<E>(
  bucket: Bucket<E>,
  run: RunBucket<E> | null,
  count: number,
  nowMs: number,
): number {
  const most = mostReserved(bucket, run, nowMs)
  if (run === null || most === 0) return whenTokens(bucket.rate, bucket.fullAtMs, count)
  // The part of the run's tokens that is set aside grows until it is the most, and then no more.
  const { rate, fullAtMs, share } = run
  const mostAtMs = Math.max(nowMs, whenTokens(share.rate, share.fullAtMs, most))
  const reserved = most - (mostAtMs - nowMs) * share.rate.fillPerMs
  const lacking = count + reserved - (rate.burst - (fullAtMs - nowMs) * rate.fillPerMs)
  const growing = rate.fillPerMs - share.rate.fillPerMs
  const grown = (mostAtMs - nowMs) * growing
  if (lacking <= grown) return nowMs + lacking / growing
  return mostAtMs + (lacking - grown) / rate.fillPerMs
}

/** Tokens of `bucket` that are set aside at most: only of the run's, and what the long lanes can take at once. */
function mostReserved<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  if (run === null || bucket !== run) return 0
  const { rate, share, identityRate, hot } = run
  if (rate.burst < LEAST_RESERVED_FROM || (nowMs >= run.reservedUntilMs && !lanesWaitAt(share))) return 0
  const lanes = Math.max(1, hot, share.waitingLanes?.size ?? 0)
  return Math.min(Math.floor(share.rate.burst), Math.floor(identityRate.burst * lanes))
}
