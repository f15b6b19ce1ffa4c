/** What the scheduler must know of an event; whoever offers it attaches the rest (bytes, ticket, record). */
export interface QueuedEvent {
  /** At least one of `user` and `device` is given. A user and a device of the same name are different identities. */
  readonly user: string | null
  readonly device: string | null
  /** `hashOfId` of user and device; 0 where there is none. */
  readonly userHash: number
  readonly deviceHash: number
  /** Memory of the record and the event together. */
  readonly bytes: number
  /** Share of a request's body, separator included. */
  readonly requestBytes: number
}

/** A device or a user: what Amplitude limits. */
export interface IdentityRef {
  readonly kind: 'user' | 'device'
  readonly id: string
}

/** The events of one identity in the last 24 h, by the hour (hours since 1970, UTC), oldest first. */
export interface SavedQuota extends IdentityRef {
  readonly hours: readonly (readonly [hour: number, events: number])[]
}

/**
 * Where the waiting events of hot identities go. An event is appended once and read back once, in order.
 * No call waits: an implementation on disk buffers what is appended, and gives what was asked for later, through
 * `Scheduler.readBack`.
 */
export interface LaneFiles<E extends QueuedEvent> {
  /** Takes the event; from here on it is the file's, and no longer in the scheduler's memory. */
  append(identity: IdentityRef, event: E): void
  /**
   * Asks for the next `count` events that were not read yet. The file has that many; the answer may have fewer, but not
   * none. The scheduler asks again only after the answer.
   */
  read(identity: IdentityRef, count: number): void
  /** Everything appended was read and answered. The next `append` begins a new file. */
  delete(identity: IdentityRef): void
  /** Bytes appended that are still in memory. They count as the scheduler's, and so make the reader wait. */
  readonly pendingBytes: number
}

/** Events to send in one request, each charged already. */
export interface ScheduledRequest<E> {
  /** The place among the requests in flight: a repeat, or the next part, comes in the same slot. */
  readonly slot: number
  readonly events: readonly E[]
  /** Sum of the events' `requestBytes`. */
  readonly bytes: number
  /** The request carries events that were sent before. */
  readonly repeated: boolean
}

export interface SchedulerStatistics {
  /** Events that this process wrote to lane files, and lane files that it began. */
  readonly deferredEvents: number
  readonly deferredFiles: number
  readonly eventsInMemory: number
  /** Events in lane files that were not read back. */
  readonly eventsInFiles: number
  readonly hotIdentities: number
  /** Events charged to the identity that had the most, without a break in which it was idle; repeats included. */
  readonly busiest: number
  readonly eventsPerSecond: number
  // The rest is what the cost, memory and limits of schedule/README.md §1, §2 and §5 are measured by.
  /** Lanes looked at and lanes woken. */
  readonly steps: number
  /** Identities of which anything is remembered. */
  readonly identities: number
  /** J: ms from charging an event to its answer that the rate allows for. */
  readonly delayMs: number
}

/**
 * Decides which events go next, so that no identity breaks Amplitude's limit, each lane stays in order, and an event
 * waits only for identities that it or an earlier event of its lane carries (schedule/README.md §5).
 * All times are monotonic ms and must not go back. No call waits, throws away, or loses an event.
 */
export interface Scheduler<E extends QueuedEvent> {
  /** Takes an event, into memory or into the lane file of a hot identity. */
  offer(event: E, nowMs: number): void
  /** No event will be offered any more: requests go without waiting to be filled. */
  endInput(): void
  /** The reader should wait: memory is full, enough identities are hot, or a run-wide cap has enough waiting. */
  readerShouldWait(nowMs: number): boolean
  /**
   * Events that the caller read from a lane file, in answer to `LaneFiles.read`; not to be called from within it.
   * @param dropped events of the file that were read and will not be sent
   */
  readBack(identity: IdentityRef, events: readonly E[], dropped: number, nowMs: number): void
  /** Takes up a lane file of an earlier process that has `unread` events. */
  restoreLaneFile(identity: IdentityRef, unread: number, nowMs: number): void

  /**
   * The next request, to be sent at once; null when there is none now. `mayOpen`: a slot is free for new events.
   * A repeat has its slot already and comes in any case.
   */
  next(nowMs: number, mayOpen: boolean): ScheduledRequest<E> | null
  /** When `next` should be called again if nothing else happens before; Infinity: only then. */
  nextWakeMs(nowMs: number, mayOpen: boolean): number
  /** Slots in use, also while a repeat waits or a request is being filled. */
  slotsInUse(): number

  /** Every event of the request is settled. */
  settled(request: ScheduledRequest<E>, nowMs: number): void
  /**
   * The events at these indexes of the request are sent again, one part after the other, the first not before
   * `notBeforeMs`; the others are settled. Events of paused identities go back to the front of their lanes instead.
   */
  repeat(request: ScheduledRequest<E>, parts: readonly (readonly number[])[], notBeforeMs: number, nowMs: number): void
  /** A 429 named the identity: nothing of it is sent before `untilMs`. To be called before `repeat`. */
  pause(identity: IdentityRef, untilMs: number, nowMs: number): void
  /** Amplitude says that the identity's daily quota is used up: it is counted from now on, paused, and tried every hour. */
  pauseForQuota(identity: IdentityRef, nowMs: number): void
  /** `eps_threshold`: the limit of the rest of the run, if lower. */
  lowerLimit(eventsPerSecond: number, nowMs: number): void
  /** After a 413: the byte target for the rest of the run, if lower. */
  lowerRequestBytes(bytes: number): void

  /** Nothing is in memory or in a lane file. */
  isDrained(): boolean
  /**
   * After the end of the input: the time at which the first lane goes on when all that is left waits for a daily quota;
   * null when something else is left. `--on-quota stop` stops then, `wait` says so.
   */
  onlyQuotaLeftUntilMs(nowMs: number): number | null
  statistics(): SchedulerStatistics
}
