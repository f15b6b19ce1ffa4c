import { createBucket } from './identities.ts'
import { lanesWaitAt } from './lanes.ts'
import { charged, type Rate, tokensAt, whenTokens } from './rate.ts'
import type { Bucket, RunBucket } from './scheduler-state.ts'

/** A long lane takes tokens at least this often, unless its own limit or the network delays it for longer. */
const RESERVED_MS = 2000
/** Nothing is set aside of a burst below this: the rest would be less than a token for the other lanes. */
const LEAST_RESERVED_FROM = 4

/**
 * The bucket of `--max-eps`, empty at `startedMs`. Where the cap is short, long lanes come first, up to their own rate
 * and half of the cap (schedule/README.md §3). For them, some of the run's tokens are set aside: as many as the bucket
 * `share` has, which fills half as fast. Every event is charged to the run, so the cap holds whichever lane comes first.
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

/** Sets the share of long lanes aside for a while, since there are long lanes. */
export function reserveShare<E>(run: RunBucket<E>, nowMs: number): void {
  run.reservedUntilMs = nowMs + RESERVED_MS
}

/**
 * Charges an event of a long lane to the share, but only while the share has tokens. Long lanes also take tokens that the
 * other lanes leave, and the share must not owe those.
 */
export function chargeShare<E>(run: RunBucket<E>, nowMs: number): void {
  const { share } = run
  if (tokensAt(share.rate, share.fullAtMs, nowMs) >= 1) share.fullAtMs = charged(share.rate, share.fullAtMs, nowMs)
  reserveShare(run, nowMs)
}

/** Whole tokens that long lanes may take, including those granted to them. While no other lane waits, all free tokens. */
export function tokensForLong<E>(run: RunBucket<E>, nowMs: number): number {
  const free = tokensAt(run.rate, run.fullAtMs, nowMs) - run.granted
  if (!lanesWaitAt(run)) return free
  return Math.min(free, tokensAt(run.share.rate, run.share.fullAtMs, nowMs))
}

/** When `tokensForLong` reaches `count`, if no token is taken meanwhile. */
export function whenTokensForLong<E>(run: RunBucket<E>, count: number): number {
  const freeMs = whenTokens(run.rate, run.fullAtMs, count + run.granted)
  return lanesWaitAt(run) ? Math.max(freeMs, whenTokens(run.share.rate, run.share.fullAtMs, count)) : freeMs
}

/** Whole tokens of `bucket` for a lane that is not long, including granted ones. In the run's bucket, only those not set aside. */
export function tokensForOthers<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  const tokens = tokensAt(bucket.rate, bucket.fullAtMs, nowMs)
  const most = mostReserved(bucket, run, nowMs)
  return run === null || most === 0
    ? tokens
    : tokens - Math.max(0, Math.min(most, tokensAt(run.share.rate, run.share.fullAtMs, nowMs)))
}

/** Lanes that are not long are woken once the bucket has gained this many tokens: half of those that are never set aside. */
export function turnOf<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  return Math.max(1, Math.floor((bucket.rate.burst - mostReserved(bucket, run, nowMs)) / 2))
}

/** When `tokensForOthers` reaches `count`, if no token is taken meanwhile. */
export function whenTokensForOthers<E>(
  bucket: Bucket<E>,
  run: RunBucket<E> | null,
  count: number,
  nowMs: number,
): number {
  const most = mostReserved(bucket, run, nowMs)
  if (run === null || most === 0) return whenTokens(bucket.rate, bucket.fullAtMs, count)
  // The tokens set aside grow until there are `most`, and then no more. Until then the other lanes gain tokens more slowly.
  const { rate, fullAtMs, share } = run
  const mostAtMs = Math.max(nowMs, whenTokens(share.rate, share.fullAtMs, most))
  const reserved = most - (mostAtMs - nowMs) * share.rate.fillPerMs
  const lacking = count + reserved - (rate.burst - (fullAtMs - nowMs) * rate.fillPerMs)
  const growing = rate.fillPerMs - share.rate.fillPerMs
  const grown = (mostAtMs - nowMs) * growing
  if (lacking <= grown) return nowMs + lacking / growing
  return mostAtMs + (lacking - grown) / rate.fillPerMs
}

/** The most tokens of `bucket` that are set aside: those that the long lanes can take at once; 0 unless it is the run's bucket. */
function mostReserved<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  if (run === null || bucket !== run) return 0
  const { rate, share, identityRate, hot } = run
  if (rate.burst < LEAST_RESERVED_FROM || (nowMs >= run.reservedUntilMs && !lanesWaitAt(share))) return 0
  const lanes = Math.max(1, hot, share.waitingLanes?.size ?? 0)
  return Math.min(Math.floor(share.rate.burst), Math.floor(identityRate.burst * lanes))
}
