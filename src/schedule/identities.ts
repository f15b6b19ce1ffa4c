import { prefetched } from '../cpu-prefetch.ts'
import type { IdentityRef } from './contract.ts'
import { createIdentityTable, hashOfId, type IdentityTable } from './identity-table.ts'
import { carriedOver, emptyUntil, isPaused, type Rate } from './rate.ts'
import type { Bucket, Identity, TrackedIdentity } from './scheduler-state.ts'

/** Identities that may go to the end of the queue in one call, so that they do not go round in it for ever. */
const PUT_OFF_PER_CALL = 4

/** Objects of forgotten identities that are kept for the next ones. Making one for each event would be most of the cost of scheduling. */
const MOST_FORGOTTEN = 20_000

/** How many of these objects are read ahead into the cache at once. */
const PREFETCHED = 64
/**
 * At the start every bucket is empty, so every identity would be remembered until its own is full. An identity whose
 * bucket is full at most so much later than that of one never seen is forgotten as well. Those never seen count as
 * full that much later instead.
 */
const START_ROUNDING_MS = 1

/** The identities in use: users and devices are different namespaces. */
export interface Identities<E> {
  /** @param hash `hashOfId(id)`, when it is known */
  find(kind: IdentityRef['kind'], id: string, hash?: number): Identity<E> | undefined
  /** Adds an identity that `find` does not know. */
  add(kind: IdentityRef['kind'], id: string, hash?: number): Identity<E>
  /** One entry less carries the identity. */
  release(identity: Identity<E>, nowMs: number): void
  /** Forgets the identity when nothing refers to it and its bucket is full; else once that is so. */
  dropIfUnused(identity: Identity<E>, nowMs: number): void
  /** Forgets up to `count` identities whose bucket has become full since they were last used. */
  forgetLingering(count: number, nowMs: number): void
  /** Applies a change of their common rate, which was `before`, to every bucket. */
  carryOver(before: Readonly<Rate>, nowMs: number): void
  size(): number
}

/** A bucket at `rate` that is empty at `startedMs`, as all are at process start (schedule/README.md §1). */
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
 * Memory depends on the identities in use and on those charged within the time a bucket takes to fill, never on how
 * many were seen. Each release looks at a few identities of the queue, so forgetting costs O(1) per event.
 */
export function createIdentities<E>(
  rate: Rate,
  startedMs: number,
  quotaOf: (kind: IdentityRef['kind'], id: string) => TrackedIdentity | null,
): Identities<E> {
  const users = createIdentityTable<E>()
  const devices = createIdentityTable<E>()
  /** `fullAtMs` of identities that are not remembered. It may rise to `latestUnknownMs`. */
  let unknownFullAtMs = emptyUntil(rate, startedMs)
  const latestUnknownMs = unknownFullAtMs + START_ROUNDING_MS
  const forgotten: Identity<E>[] = []
  /** The queue, in the order in which identities were charged last, each with its `fullAtMs` of then. */
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
    // A wake-up that was set for the identity before, in the same object, is stale.
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

  /** Nothing is lost by forgetting the identity, if it is not in use. */
  function isLikeUnknown({ fullAtMs }: Identity<E>, nowMs: number): boolean {
    return fullAtMs <= nowMs || fullAtMs <= latestUnknownMs
  }

  function inUse(identity: Identity<E>): boolean {
    return identity.references > 0 || identity.hotSince > 0
  }

  function forget(identity: Identity<E>): void {
    const wasKnown = tableOf(identity.kind).remove(identity)
    if (identity.fullAtMs <= latestUnknownMs) unknownFullAtMs = Math.max(unknownFullAtMs, identity.fullAtMs)
    // An object that is twice among the forgotten would become two identities in one.
    if (!wasKnown || forgotten.length === MOST_FORGOTTEN) return
    // Otherwise the text of the id would live until the object is used again.
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
        // The queue is in the order of the last charge, so behind one that still fills the next are hardly full.
        // One that was charged since, or is paused, would keep them all; it goes to the end.
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
    // An identity in the queue is left to it: were it forgotten here and seen again, the queue would have both.
    if (!identity.lingers && isLikeUnknown(identity, nowMs)) forget(identity)
    else linger(identity)
  }

  return {
    find: (kind, id, hash = hashOfId(id)) => tableOf(kind).find(id, hash),
    add,
    release(identity, nowMs) {
      // The queue comes first: an identity that is forgotten from it must not be forgotten once more below.
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
