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
export function createRunBucket<E>(rate: Rate, shareRate: Rate, startedMs: number): RunBucket<E> {
  return {
    ...createBucket<E>(rate, startedMs),
    share: createBucket<E>(shareRate, startedMs),
    reservedUntilMs: Number.NEGATIVE_INFINITY,
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
  if (run === null || bucket !== run || !isReserved(run, nowMs)) return tokens
  return tokens - Math.max(0, tokensAt(run.share.rate, run.share.fullAtMs, nowMs))
}

/** The others are woken when so many tokens have grown: half of what is never set aside. */
export function turnOf<E>(bucket: Bucket<E>, run: RunBucket<E> | null, nowMs: number): number {
  const reserved = run !== null && bucket === run && isReserved(run, nowMs) ? run.share.rate.burst : 0
  return Math.max(1, Math.floor((bucket.rate.burst - reserved) / 2))
}

/** When `tokensForOthers` is `count`, if nothing is taken meanwhile. */
export function whenTokensForOthers<E>(
  bucket: Bucket<E>,
  run: RunBucket<E> | null,
  count: number,
  nowMs: number,
): number {
  if (run === null || bucket !== run || !isReserved(run, nowMs)) return whenTokens(bucket.rate, bucket.fullAtMs, count)
  // The share is a part of the run's tokens until it is full, and grows no more from then on.
  const { rate, fullAtMs, share } = run
  const shareFullMs = Math.max(share.fullAtMs, nowMs)
  const left = (atMs: number) =>
    rate.burst - (fullAtMs - atMs) * rate.fillPerMs - (share.rate.burst - (shareFullMs - atMs) * share.rate.fillPerMs)
  const lacking = count - left(nowMs)
  const growing = rate.fillPerMs - share.rate.fillPerMs
  const grown = (shareFullMs - nowMs) * growing
  if (lacking <= grown) return nowMs + lacking / growing
  return shareFullMs + (lacking - grown) / rate.fillPerMs
}

function isReserved<E>(run: RunBucket<E>, nowMs: number): boolean {
  return run.rate.burst >= LEAST_RESERVED_FROM && (nowMs < run.reservedUntilMs || lanesWait(run.share))
}

function lanesWait<E>({ waiting }: Bucket<E>): boolean {
  return waiting !== null && waiting.size > 0
}
