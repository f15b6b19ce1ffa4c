import type { IdentityRef } from './contract.ts'
import type { Rate } from './rate.ts'

/** An identity whose events are counted for the daily quota. */
export interface TrackedIdentity extends IdentityRef {
  readonly hours: number[]
  readonly counts: number[]
  total: number
  /** The identity is hot now, and stays tracked even if no event of it was sent. */
  pinned: boolean
  listed: boolean
  /** The end of the identity's pause for the quota, in monotonic ms. */
  pausedUntilMs: number
}

/** A bucket of tokens, of which events need one each: that of an identity, or of the run as a whole (`--max-eps`). */
export interface Bucket<E> {
  readonly rate: Rate
  /** When the bucket is full again, in ms. A time in the past means that it is full. */
  fullAtMs: number
  /** Events that need a token of this bucket and wait in memory, without those of hot lanes. */
  waitingEvents: number
  /** Lanes whose first event lacks a token of this bucket. */
  waitingLanes: LaneList<E> | null
  /** When the first of these lanes are woken; Infinity when no wake-up is set. */
  dueAtMs: number
  /** Lanes that this bucket woke and whose first event is not taken yet. One token is reserved for each of them. */
  granted: number
  /** Repeats that wait for tokens of this bucket. They come before every lane. */
  barred: number
  /** The identity's number in the order in which identities became hot; 0 when it is not hot, and for the run. */
  hotSince: number
}

/** The run as a whole under `--max-eps` (see `run-cap.ts`). */
export interface RunBucket<E> extends Bucket<E> {
  /** The bucket of what long lanes may take first: half of the cap. */
  readonly share: Bucket<E>
  /** Until this time the other lanes leave the share alone. */
  reservedUntilMs: number
  /** The rate of every device and user. */
  readonly identityRate: Rate
  /** Number of hot identities. */
  hot: number
}

/** A device or a user that is in use or has spent tokens. One without such an object has a full bucket, and no event waits for it. */
export interface Identity<E> extends Bucket<E> {
  kind: IdentityRef['kind']
  id: string
  /** `hashOfId(id)`, and the next identity in the same chain of the table. */
  hash: number
  sameHash: Identity<E> | null
  /** Entries in memory, waiting or in flight, that carry the identity. */
  references: number
  inFlight: number
  /** Events charged since the identity came into use, repeats included. */
  charged: number
  /** For a device, the list of the entries that `waitingEvents` counts. Those of a user are all in its lane. */
  firstWaiting: Entry<E> | null
  lastWaiting: Entry<E> | null
  /** Made for the first event, and then kept. */
  lane: Lane<E> | null
  quota: TrackedIdentity | null
  /** The identity is in the queue of those that are forgotten once their bucket is full. */
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
  /** The slot of the entry's request; 0 while the entry waits. */
  slot: number
  before: Entry<E> | null
  after: Entry<E> | null
  waitingBefore: Entry<E> | null
  waitingAfter: Entry<E> | null
}

/** The queue of one identity. A lane keeps the order of its events, and has one request in flight at a time. */
export interface Lane<E> {
  readonly identity: Identity<E>
  first: Entry<E> | null
  last: Entry<E> | null
  length: number
  /** The lane's events in requests. The lane is busy unless this is 0. */
  inFlight: number
  /** Grants (see `waiting-lanes.ts`) for the lane's first event. */
  grants: number
  /** Set while the lane's identity is hot. */
  file: LaneFileState | null
  /** The list that the lane is in: ready, or waiting at a bucket. */
  list: LaneList<E> | null
  before: Lane<E> | null
  after: Lane<E> | null
}

/** How far the file of a hot lane is written and read. */
export interface LaneFileState {
  /** Events appended and not read back yet. */
  unread: number
  /** True while events that were asked for have not come yet. */
  reading: boolean
  /** True when an event was appended since the file was last deleted. */
  exists: boolean
  /** The lane starts when `startsAfterEvents` events that carry its identity, in slots up to this one, are answered. */
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
   * Long lanes come first, up to half of the requests. There are few of them, each soon has new tokens, and they take
   * longest. In a common queue they would wait behind all events in memory, again for each second's worth of their own.
   */
  readonly long: LaneList<E>
  readonly others: LaneList<E>
  /**
   * True when `--max-eps` or `--max-rps` is given. The events in memory may then take as long as a lane takes to become
   * hot. So a lane with more events than its identity may send at once is long too. Without a cap only hot lanes are long.
   */
  readonly isCapped: boolean
}
