/** What the scheduler must know of an event. The caller attaches the rest (bytes, ticket, record). */
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

/** A device or a user. Amplitude's limits are per identity. */
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
 * No call waits: an implementation on disk buffers the events that are appended, and gives the events that were asked
 * for later, through `Scheduler.readBack`.
 */
export interface LaneFiles<E extends QueuedEvent> {
  /** Takes the event: from now on the event belongs to the file, and is no longer in the scheduler's memory. */
  append(identity: IdentityRef, event: E): void
  /**
   * Asks for the next `count` events that were not read yet. The file has that many. The answer may have fewer, but has
   * at least one. The scheduler asks again only after the answer.
   */
  read(identity: IdentityRef, count: number): void
  /** Deletes the file: all its events were read and answered. The next `append` begins a new file. */
  delete(identity: IdentityRef): void
  /** Bytes appended that are still in memory. They count like the scheduler's own memory, and so make the reader wait. */
  readonly pendingBytes: number
}

/** Events to send in one request. The tokens of each event are charged already. */
export interface ScheduledRequest<E> {
  /** The request's place among those in flight. A repeat, or the next part, comes in the same slot. */
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
  /** The most events charged to one identity without a break in which it was idle; repeats included. */
  readonly busiest: number
  readonly eventsPerSecond: number
  // The rest is what the cost, memory and limits of schedule/README.md §1, §2 and §5 are measured by.
  /** Lanes looked at and lanes woken. */
  readonly steps: number
  /** Identities that the scheduler remembers. */
  readonly identities: number
  /** J: the time from charging an event to its answer that the rate allows for, in ms. */
  readonly delayMs: number
}

/**
 * Decides which events go next, so that no identity breaks Amplitude's limit, each lane stays in order, and an event
 * waits only for identities that it or an earlier event of its lane carries (schedule/README.md §5).
 * All times are monotonic ms and must not go back. No call waits, throws away, or loses an event.
 */
export interface Scheduler<E extends QueuedEvent> {
  /** Takes an event into memory, or into the lane file of a hot identity. */
  offer(event: E, nowMs: number): void
  /** Notes that no event will be offered any more: requests no longer wait to be filled. */
  endInput(): void
  /** True when the reader should wait: memory is full, enough identities are hot, or enough events wait for a run-wide cap. */
  readerShouldWait(nowMs: number): boolean
  /**
   * Takes the events that the caller read from a lane file, in answer to `LaneFiles.read`. Do not call it from within `read`.
   * @param dropped events of the file that were read and will not be sent
   */
  readBack(identity: IdentityRef, events: readonly E[], dropped: number, nowMs: number): void
  /** Takes over a lane file of an earlier process, which has `unread` events. */
  restoreLaneFile(identity: IdentityRef, unread: number, nowMs: number): void

  /**
   * The next request, to be sent at once; null when there is none now. `mayOpen` says that a slot is free for new events.
   * A repeat has its slot already, and may come in any case.
   */
  next(nowMs: number, mayOpen: boolean): ScheduledRequest<E> | null
  /** When to call `next` again if nothing else happens before; Infinity when time alone brings no request. */
  nextWakeMs(nowMs: number, mayOpen: boolean): number
  /** Slots in use, including those of repeats that wait and of a request that is being filled. */
  slotsInUse(): number

  /** Notes that every event of the request is settled. */
  settled(request: ScheduledRequest<E>, nowMs: number): void
  /**
   * Sends the events at these indexes of the request again, one part after the other, the first part not before
   * `notBeforeMs`. The other events are settled. Events of paused identities go back to the front of their lanes instead.
   */
  repeat(request: ScheduledRequest<E>, parts: readonly (readonly number[])[], notBeforeMs: number, nowMs: number): void
  /** Sends no event of the identity, which a 429 named, before `untilMs`. Call this before `repeat`. */
  pause(identity: IdentityRef, untilMs: number, nowMs: number): void
  /** Pauses an identity whose daily quota is used up, as Amplitude says. From now on it is counted, and tried every hour. */
  pauseForQuota(identity: IdentityRef, nowMs: number): void
  /** Makes `eps_threshold` the limit of each identity for the rest of the run, if it is lower. */
  lowerLimit(eventsPerSecond: number, nowMs: number): void
  /** Sets the byte target of requests for the rest of the run, if it is lower (after a 413). */
  lowerRequestBytes(bytes: number): void

  /** True when no event is in memory or in a lane file. */
  isDrained(): boolean
  /**
   * After the end of the input, when all events left wait for a daily quota: the time at which the first lane goes on.
   * Null otherwise. `--on-quota stop` ends the run then, and `wait` tells the user.
   */
  onlyQuotaLeftUntilMs(nowMs: number): number | null
  statistics(): SchedulerStatistics
}
