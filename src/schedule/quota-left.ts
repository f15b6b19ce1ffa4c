import type { Blocked } from './blocked.ts'
import type { Bucket, Identity } from './records.ts'

/**
 * When the first lane goes on, if every lane waits for an identity's daily quota; null when one waits for something else.
 * Nothing must be ready or in flight.
 */
export function quotaLeftUntilMs<E>(blocked: Blocked<E>, hot: ReadonlySet<Identity<E>>, nowMs: number): number | null {
  // A hot lane in no list waits for its file, or for answers.
  for (const { lane } of hot) if (lane !== null && lane.list === null) return null
  let untilMs = Number.POSITIVE_INFINITY
  let waiting = 0
  for (const bucket of blocked.buckets()) {
    const heldUntilMs = heldForQuotaUntilMs(bucket, hot)
    if (heldUntilMs <= nowMs) return null
    waiting += bucket.waiting?.size ?? 0
    untilMs = Math.min(untilMs, heldUntilMs)
  }
  return waiting > 0 ? untilMs : null
}

/** 0 when it is not held for its quota. */
function heldForQuotaUntilMs<E>(bucket: Bucket<E>, hot: ReadonlySet<Identity<E>>): number {
  for (const identity of hot) if (identity === bucket) return identity.quota?.heldUntilMs ?? 0
  return 0
}
