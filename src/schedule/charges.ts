import type { DailyQuota } from './quota.ts'
import { charged, tokensAt, whenTokens } from './rate.ts'
import type { Bucket, Entry, Identity } from './records.ts'

/** Spends the tokens of events and of requests, and notes whose daily quota that used up. */
export interface Charges<E> {
  chargeEvent(entry: Entry<E>, nowMs: number): void
  chargeRequest(nowMs: number): void
  /** `--max-rps` lets a request begin. */
  requestAllowed(nowMs: number): boolean
  /** When it does; in the past when it has done so for some time. */
  requestAllowedAtMs(nowMs: number): number
  /** The most events that were charged to an identity without a break in which it was full and had none. */
  mostOfOne(): number
  /** One whose daily quota was used up since it was last asked for. */
  takeOverQuota(): Identity<E> | undefined
}

/** @param run the bucket of `--max-eps`, @param requests that of `--max-rps`; null without them */
export function createCharges<E>(quota: DailyQuota, run: Bucket<E> | null, requests: Bucket<E> | null): Charges<E> {
  const overQuota: Identity<E>[] = []
  let most = 0

  function charge(bucket: Bucket<E> | null, nowMs: number): void {
    if (bucket !== null) bucket.fullAtMs = charged(bucket.rate, bucket.fullAtMs, nowMs)
  }

  function chargeIdentity(identity: Identity<E> | null, nowMs: number): void {
    if (identity === null) return
    charge(identity, nowMs)
    identity.charged += 1
    if (identity.charged > most) most = identity.charged
    if (identity.quota !== null && quota.count(identity.quota, nowMs)) overQuota.push(identity)
  }

  return {
    chargeEvent({ user, device }, nowMs) {
      chargeIdentity(user, nowMs)
      chargeIdentity(device, nowMs)
      charge(run, nowMs)
    },
    chargeRequest: (nowMs) => charge(requests, nowMs),
    requestAllowed: (nowMs) => requests === null || tokensAt(requests.rate, requests.fullAtMs, nowMs) >= 1,
    requestAllowedAtMs: (nowMs) => (requests === null ? nowMs : whenTokens(requests.rate, requests.fullAtMs, 1)),
    mostOfOne: () => most,
    takeOverQuota: () => overQuota.pop(),
  }
}
