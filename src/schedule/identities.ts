import { prefetched } from '../prefetch.ts'
import { hashOfId } from './identity-hash.ts'
import { createIdentityTable, type IdentityTable } from './identity-table.ts'
import { carriedOver, emptyUntil, isHeld, type Rate } from './rate.ts'
import type { Bucket, Identity, IdentityRef, TrackedIdentity } from './records.ts'

/** Those that go to the end of the queue must not turn round in it. */
const PUT_OFF_PER_CALL = 4

/** Forgotten records kept for the next identities: making them anew for each event is most of what scheduling would cost. */
const MOST_FORGOTTEN = 20_000

/** Forgotten records that are read ahead of being used again. */
const PREFETCHED = 64
/**
 * At the start every bucket is empty, so every identity would be remembered until its own is full. One whose bucket is as empty as
 * that of one never seen, but for so much, is not; those never seen count as emptied so much later instead.
 */
const START_ROUNDING_MS = 1

/** The identities in use: users and devices are different namespaces. */
export interface Identities<E> {
  /** @param hash `hashOfId(id)`, when it is known */
  find(kind: IdentityRef['kind'], id: string, hash?: number): Identity<E> | undefined
  /** Adds one that `find` does not know. */
  add(kind: IdentityRef['kind'], id: string, hash?: number): Identity<E>
  /** One entry less carries it. */
  release(identity: Identity<E>, nowMs: number): void
  /** Forgets it when nothing refers to it and its bucket is full; else once that is so. */
  dropIfUnused(identity: Identity<E>, nowMs: number): void
  /** Forgets up to `count` of those whose bucket has become full since they were last used. */
  forgetLingering(count: number, nowMs: number): void
  /** Applies a change of their common rate to every bucket. */
  carryOver(nowMs: number, from: Readonly<Rate>, to: Readonly<Rate>): void
  size(): number
}

/** A bucket at `rate` that is empty at `startedMs`, as all are at process start (schedule/README.md §1). */
export function createBucket<E>(rate: Rate, startedMs: number): Bucket<E> {
  return {
    rate,
    fullAtMs: emptyUntil(rate, startedMs),
    held: 0,
    waiting: null,
    dueAtMs: Number.POSITIVE_INFINITY,
    granted: 0,
    barred: 0,
    hotSince: 0,
  }
}

/**
 * Memory depends on the identities in use and on those charged within the time a bucket takes to fill, never on how
 * many were seen. Each release looks at a few lingering ones, so forgetting costs O(1) per event.
 */
export function createIdentities<E>(
  rate: Rate,
  startedMs: number,
  quotaOf: (kind: IdentityRef['kind'], id: string) => TrackedIdentity | null,
): Identities<E> {
  const users = createIdentityTable<E>()
  const devices = createIdentityTable<E>()
  /** `fullAtMs` of those that are not remembered, before all are full; it may rise to `latestUnknownMs`. */
  let unknownFullAtMs = emptyUntil(rate, startedMs)
  const latestUnknownMs = unknownFullAtMs + START_ROUNDING_MS
  const forgotten: Identity<E>[] = []
  /** In the order in which they were charged last, each with its `fullAtMs` of then. */
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
    // A wake-up set in its earlier life is stale.
    if (identity.waiting !== null) identity.dueAtMs = Number.POSITIVE_INFINITY
    identity.quota = quotaOf(kind, id)
    tableOf(kind).add(identity)
    return identity
  }

  function prefetchForgotten(): void {
    let sum = 0
    for (let i = Math.max(0, forgotten.length - PREFETCHED); i < forgotten.length; i++) {
      const { references, held, lane } = forgotten[i] as Identity<E>
      sum += references + held + (lane?.inFlight ?? 0)
    }
    prefetched(sum)
  }

  /** Nothing is lost by forgetting it, if it is not in use. */
  function isLikeUnknown({ fullAtMs }: Identity<E>, nowMs: number): boolean {
    return fullAtMs <= nowMs || fullAtMs <= latestUnknownMs
  }

  function inUse(identity: Identity<E>): boolean {
    return identity.references > 0 || identity.hotSince > 0
  }

  function forget(identity: Identity<E>): void {
    const wasKnown = tableOf(identity.kind).remove(identity)
    if (identity.fullAtMs <= latestUnknownMs) unknownFullAtMs = Math.max(unknownFullAtMs, identity.fullAtMs)
    // Twice among the forgotten, it would become two identities in one.
    if (!wasKnown || forgotten.length === MOST_FORGOTTEN) return
    // Or every id would live until its record is used again.
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
        // They come in the order of their last charge, so behind one that fills the next are hardly full. One that was
        // charged since, or is held, would keep them all; it goes to the end.
        const fills = fullAtMs === lingeringUntilMs[lookedAt] && !isHeld(rate, fullAtMs, nowMs)
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
    // One that lingers is left to that queue: were it forgotten here and seen again, the queue would hold both.
    if (!identity.lingers && isLikeUnknown(identity, nowMs)) forget(identity)
    else linger(identity)
  }

  return {
    find: (kind, id, hash = hashOfId(id)) => tableOf(kind).find(id, hash),
    add,
    release(identity, nowMs) {
      // First the others: forgotten from the queue, this one must not be forgotten once more.
      if (lingering.length > 0) forgetLingering(4, nowMs)
      identity.references -= 1
      dropIfUnused(identity, nowMs)
    },
    dropIfUnused,
    forgetLingering,
    carryOver(nowMs, from, to) {
      const carry = (identity: Identity<E>) => {
        identity.fullAtMs = carriedOver(identity.fullAtMs, nowMs, from, to)
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
    held: 0,
    waiting: null,
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
    firstHeld: null,
    lastHeld: null,
    lane: null,
    quota: null,
    lingers: false,
  }
}
