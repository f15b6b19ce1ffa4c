import { prefetched } from '../cpu-prefetch.ts'
import type { IdentityRef } from './contract.ts'
import { createIdentityTable, hashOfId, type IdentityTable } from './identity-table.ts'
import { carriedOver, emptyUntil, isPaused, type Rate } from './rate.ts'
import type { Bucket, Identity, TrackedIdentity } from './scheduler-state.ts'

/** The most identities that one call moves to the end of the queue, so that they do not go round in it for ever. */
const PUT_OFF_PER_CALL = 4

/** Objects of forgotten identities to keep for new ones: to make an object per event would be most of the cost of scheduling. */
const MOST_FORGOTTEN = 20_000

/** How many of these objects are loaded into the processor's cache at once. */
const PREFETCHED = 64
/**
 * At the start every bucket is empty, so every identity would be remembered until its own bucket is full. Instead an
 * identity is also forgotten when its bucket is full at most this much later than that of an identity never seen. In
 * return, the bucket of identities never seen counts as full that much later.
 */
const START_ROUNDING_MS = 1

/** The identities in use: users and devices are different namespaces. */
export interface Identities<E> {
  /** @param hash `hashOfId(id)`, when it is known */
  find(kind: IdentityRef['kind'], id: string, hash?: number): Identity<E> | undefined
  /** Adds an identity that `find` does not know. */
  add(kind: IdentityRef['kind'], id: string, hash?: number): Identity<E>
  /** Notes that one entry less carries the identity. */
  release(identity: Identity<E>, nowMs: number): void
  /** Forgets an identity that is not in use once its bucket is full, which may be now. */
  dropIfUnused(identity: Identity<E>, nowMs: number): void
  /** Forgets up to `count` identities whose bucket has become full since they were last used. */
  forgetLingering(count: number, nowMs: number): void
  /** Adapts every bucket to a change of the common rate, which was `before`. */
  carryOver(before: Readonly<Rate>, nowMs: number): void
  size(): number
}

/** A bucket with `rate` that is empty at `startedMs`, as all buckets are at process start (schedule/README.md §1). */
export function createBucket<E>(rate: Rate, startedMs: number): Bucket<E> {
  return {
    rate,
    fullAtMs: emptyUntil(rate, startedMs),
    waitingEvents: 0,
    waitingLanes: null,
    dueAtMs: Number.POSITIVE_INFINITY,
    granted: 0,
    barred: 0,
    hotSince: 0,
  }
}

/**
 * Memory depends on the identities in use and on those charged within the time a bucket takes to fill, never on the
 * number of identities seen. Each release looks at a few identities of the queue, so forgetting costs O(1) per event.
 */
export function createIdentities<E>(
  rate: Rate,
  startedMs: number,
  quotaOf: (kind: IdentityRef['kind'], id: string) => TrackedIdentity | null,
): Identities<E> {
  const users = createIdentityTable<E>()
  const devices = createIdentityTable<E>()
  /** `fullAtMs` of every identity that is not remembered. It may rise to `latestUnknownMs`. */
  let unknownFullAtMs = emptyUntil(rate, startedMs)
  const latestUnknownMs = unknownFullAtMs + START_ROUNDING_MS
  const forgotten: Identity<E>[] = []
  /** The queue of identities to forget, in the order of their last charge, and the `fullAtMs` each had when it joined. */
  let lingering: Identity<E>[] = []
  let lingeringUntilMs: number[] = []
  let lookedAt = 0

  function tableOf(kind: IdentityRef['kind']): IdentityTable<E> {
    return kind === 'user' ? users : devices
  }

  function add(kind: IdentityRef['kind'], id: string, hash = hashOfId(id)): Identity<E> {
    if (forgotten.length % PREFETCHED === 0) prefetchForgotten()
    const identity = forgotten.pop() ?? createIdentity(rate)
    identity.kind = kind
    identity.id = id
    identity.hash = hash
    identity.fullAtMs = unknownFullAtMs
    identity.charged = 0
    // A wake-up that was set for the previous identity in this object is stale.
    if (identity.waitingLanes !== null) identity.dueAtMs = Number.POSITIVE_INFINITY
    identity.quota = quotaOf(kind, id)
    tableOf(kind).add(identity)
    return identity
  }

  function prefetchForgotten(): void {
    let sum = 0
    for (let i = Math.max(0, forgotten.length - PREFETCHED); i < forgotten.length; i++) {
      const { references, waitingEvents, lane } = forgotten[i] as Identity<E>
      sum += references + waitingEvents + (lane?.inFlight ?? 0)
    }
    prefetched(sum)
  }

  /** True when the identity's bucket is like that of one never seen: then nothing is lost by forgetting it, if it is not in use. */
  function isLikeUnknown({ fullAtMs }: Identity<E>, nowMs: number): boolean {
    return fullAtMs <= nowMs || fullAtMs <= latestUnknownMs
  }

  function inUse(identity: Identity<E>): boolean {
    return identity.references > 0 || identity.hotSince > 0
  }

  function forget(identity: Identity<E>): void {
    const wasKnown = tableOf(identity.kind).remove(identity)
    if (identity.fullAtMs <= latestUnknownMs) unknownFullAtMs = Math.max(unknownFullAtMs, identity.fullAtMs)
    // An object that is in `forgotten` twice would become two identities in one.
    if (!wasKnown || forgotten.length === MOST_FORGOTTEN) return
    // The id is cleared, or its text would live until the object is used again.
    identity.id = ''
    forgotten.push(identity)
  }

  function forgetLingering(count: number, nowMs: number): void {
    let putOff = 0
    for (let left = count; left > 0 && lookedAt < lingering.length; left -= 1) {
      const identity = lingering[lookedAt]
      if (identity === undefined) break
      const { fullAtMs } = identity
      const spent = !inUse(identity) && !isLikeUnknown(identity, nowMs)
      if (spent) {
        // The queue is in the order of the last charge: behind an identity that still fills, the next are hardly full.
        // An identity that was charged since, or is paused, goes to the end, so that it does not hold up the others.
        const fills = fullAtMs === lingeringUntilMs[lookedAt] && !isPaused(rate, fullAtMs, nowMs)
        if (fills || putOff === PUT_OFF_PER_CALL) break
        putOff += 1
      }
      lookedAt += 1
      identity.lingers = false
      if (spent) linger(identity)
      else if (!inUse(identity)) forget(identity)
    }
    if (lookedAt * 2 > lingering.length) {
      lingering = lingering.slice(lookedAt)
      lingeringUntilMs = lingeringUntilMs.slice(lookedAt)
      lookedAt = 0
    }
  }

  function linger(identity: Identity<E>): void {
    if (identity.lingers) return
    identity.lingers = true
    lingering.push(identity)
    lingeringUntilMs.push(identity.fullAtMs)
  }

  function dropIfUnused(identity: Identity<E>, nowMs: number): void {
    if (inUse(identity)) return
    // The queue forgets the identities that are in it. If one were forgotten here and seen again, the queue would have both.
    if (!identity.lingers && isLikeUnknown(identity, nowMs)) forget(identity)
    else linger(identity)
  }

  return {
    find: (kind, id, hash = hashOfId(id)) => tableOf(kind).find(id, hash),
    add,
    release(identity, nowMs) {
      // The queue comes first: below, an identity that the queue has just forgotten must not be forgotten once more.
      if (lingering.length > 0) forgetLingering(4, nowMs)
      identity.references -= 1
      dropIfUnused(identity, nowMs)
    },
    dropIfUnused,
    forgetLingering,
    carryOver(before, nowMs) {
      const carry = (identity: Identity<E>) => {
        identity.fullAtMs = carriedOver(identity.fullAtMs, nowMs, before, rate)
      }
      users.each(carry)
      devices.each(carry)
    },
    size: () => users.size() + devices.size(),
  }
}

function createIdentity<E>(rate: Rate): Identity<E> {
  return {
    rate,
    fullAtMs: 0,
    waitingEvents: 0,
    waitingLanes: null,
    dueAtMs: Number.POSITIVE_INFINITY,
    granted: 0,
    barred: 0,
    hotSince: 0,
    kind: 'user',
    id: '',
    hash: 0,
    sameHash: null,
    references: 0,
    inFlight: 0,
    charged: 0,
    firstWaiting: null,
    lastWaiting: null,
    lane: null,
    quota: null,
    lingers: false,
  }
}
