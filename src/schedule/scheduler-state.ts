import type { IdentityRef } from './contract.ts'
import type { Rate } from './rate.ts'

/** An identity whose events count towards the daily quota. */
export interface TrackedIdentity extends IdentityRef {
  readonly hours: number[]
  readonly counts: number[]
  total: number
  /** The identity is hot now, and counted even while nothing of it was sent. */
  pinned: boolean
  listed: boolean
  /** The end of its pause for the quota, in monotonic ms. */
  pausedUntilMs: number
}

/** Anything that events need a token of: an identity, or the run as a whole (`--max-eps`). */
export interface Bucket<E> {
  readonly rate: Rate
  /** When the bucket is full again, in ms; in the past = full. */
  fullAtMs: number
  /** Events that carry it and wait in memory; those of hot lanes do not count. */
  waitingEvents: number
  /** Lanes whose first event lacks a token of it. */
  waitingLanes: LaneList<E> | null
  /** When the first of these lanes are woken; Infinity when no wake-up is set. */
  dueAtMs: number
  /** Lanes that were woken for it and have not taken their event yet: a token each is theirs. */
  granted: number
  /** Repeats that wait for its tokens: they go before every lane. */
  barred: number
  /** Order in which identities became hot; 0 = not hot, as always for the run. */
  hotSince: number
}

/** The run as a whole under `--max-eps` (see `run-cap.ts`). */
export interface RunBucket<E> extends Bucket<E> {
  /** What long lanes may take first: half of the cap. */
  readonly share: Bucket<E>
  /** The others leave the share alone until then. */
  reservedUntilMs: number
  /** Of every device and user. */
  readonly identityRate: Rate
  /** Number of hot identities. */
  hot: number
}

/** A device or a user that is in use or has spent tokens. An absent one has a full bucket, and nothing waits for it. */
export interface Identity<E> extends Bucket<E> {
  kind: IdentityRef['kind']
  id: string
  /** `hashOfId(id)`, and the next identity in the same chain of the table. */
  hash: number
  sameHash: Identity<E> | null
  /** Entries in memory, waiting or in flight, that carry it. */
  references: number
  inFlight: number
  /** Events since it came into use, repeats included. */
  charged: number
  /** The entries of `waitingEvents`, for a device; those of a user are all in its lane. */
  firstWaiting: Entry<E> | null
  lastWaiting: Entry<E> | null
  /** Kept once made. */
  lane: Lane<E> | null
  quota: TrackedIdentity | null
  /** It is in the queue of identities that are forgotten once their bucket is full. */
  lingers: boolean
}

/** An event in memory. */
export interface Entry<E> {
  readonly event: E
  readonly user: Identity<E> | null
  readonly device: Identity<E> | null
  /** Input order. */
  readonly sequence: number
  lane: Lane<E>
  /** The slot of the request it is in; 0 while it waits. */
  slot: number
  before: Entry<E> | null
  after: Entry<E> | null
  waitingBefore: Entry<E> | null
  waitingAfter: Entry<E> | null
}

/** The queue of one identity, which keeps order; one request in flight at a time. */
export interface Lane<E> {
  readonly identity: Identity<E>
  first: Entry<E> | null
  last: Entry<E> | null
  length: number
  /** Its events in requests; not 0 = busy. */
  inFlight: number
  /** Grants (see `waiting-lanes.ts`) for its first event. */
  grants: number
  /** Set while its identity is hot. */
  file: LaneFileState | null
  /** The list that the lane is in: ready, or waiting at a bucket. */
  list: LaneList<E> | null
  before: Lane<E> | null
  after: Lane<E> | null
}

/** How far a hot lane's file is. */
export interface LaneFileState {
  /** Events appended and not read back yet. */
  unread: number
  /** More events were asked for and have not come yet. */
  reading: boolean
  /** Something was appended since the file was last deleted. */
  exists: boolean
  /** The lane starts when the events in flight up to this slot that carry its identity are answered. */
  startsAfterSlot: number
  startsAfterEvents: number
}

/** A FIFO of lanes; a lane is in one list at most. */
export interface LaneList<E> {
  first: Lane<E> | null
  last: Lane<E> | null
  size: number
}

/** Lanes that have something to send and no request in flight. */
export interface ReadyLanes<E> {
  /**
   * Long lanes come first, up to half of the requests: there are few, each has its next tokens soon again, and they take
   * longest. In one queue they would wait behind all that is in memory, once for every second's worth.
   */
  readonly long: LaneList<E>
  readonly others: LaneList<E>
  /**
   * `--max-eps` or `--max-rps` is given. What is in memory may then take as long as it takes a lane to become hot, so a
   * lane with more in it than its identity may send at once is long too. Without a cap only hot lanes are.
   */
  readonly isCapped: boolean
}
