import type { LaneFiles } from './lane-files.ts'
import type { DailyQuota } from './quota.ts'
import type { IdentityRef, QueuedEvent } from './records.ts'

export interface SchedulerOptions<E extends QueuedEvent> {
  /** L: events per second of each device and each user. */
  readonly eventsPerSecond: number
  /** B: events an idle identity may send at once; one second's worth unless given. */
  readonly burst?: number | undefined
  /** `--max-eps` */
  readonly maxEventsPerSecond?: number | undefined
  /** `--max-rps` */
  readonly maxRequestsPerSecond?: number | undefined
  readonly maxRequestEvents: number
  readonly maxRequestBytes: number
  /** The reader waits while records and events in memory are this many bytes. */
  readonly memoryBytes: number
  /** What identities have sent in the last 24 h: counted here, saved by whoever made it. */
  readonly quota: DailyQuota
  readonly files: LaneFiles<E>
  /** The monotonic time now: all buckets count as empty then. */
  readonly startedMs: number
}

/** Events to send in one request, each charged already. */
export interface ScheduledRequest<E> {
  /** The place among the requests in flight: a repeat, or the next part, comes in the same slot. */
  readonly slot: number
  readonly events: readonly E[]
  /** Sum of the events' `requestBytes`. */
  readonly bytes: number
  /** It carries events that were sent before. */
  readonly repeated: boolean
}

export interface SchedulerStatistics {
  /** Lanes looked at, lanes woken: what scheduling costs. */
  readonly steps: number
  /** Events ever written to lane files, and lane files ever begun. */
  readonly deferredEvents: number
  readonly deferredFiles: number
  readonly eventsInMemory: number
  readonly bytesInMemory: number
  /** Events in lane files that were not read back. */
  readonly eventsInFiles: number
  readonly hotIdentities: number
  /** Events charged to the identity that had the most, without a break in which it was idle; repeats included. */
  readonly busiest: number
  /** Identities of which anything is remembered. */
  readonly identities: number
  /** J: ms from charging an event to its answer that the rate allows for. */
  readonly delayMs: number
  readonly eventsPerSecond: number
}

/**
 * Decides which events go next, so that no identity breaks Amplitude's limit, each lane stays in order, and an event
 * waits only for identities that it or an earlier event of its lane carries (schedule/README.md §5).
 * All times are monotonic ms and must not go back. No call waits, throws away, or loses an event.
 */
export interface Scheduler<E extends QueuedEvent> {
  /** Takes an event; in memory, or into the lane file of a hot identity. */
  offer(event: E, nowMs: number): void
  /** No event will be offered any more: requests go without waiting to be filled. */
  endInput(): void
  /** The reader should wait: memory is full, enough identities are hot, or a run-wide cap has enough waiting. */
  readerShouldWait(nowMs: number): boolean
  /**
   * Events the caller read from a lane file, in answer to `LaneFiles.read`; not to be called from within it.
   * @param dropped events of the file that were read and will not be sent
   */
  readBack(identity: IdentityRef, events: readonly E[], dropped: number, nowMs: number): void
  /** A lane file of an earlier process, with `unread` events to go. */
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
   * `notBeforeMs`; the others are settled. Those of held identities go back to the front of their lanes instead.
   */
  repeat(request: ScheduledRequest<E>, parts: readonly (readonly number[])[], notBeforeMs: number, nowMs: number): void
  /** A 429 named it: nothing of it is sent before `untilMs`. To be called before `repeat`. */
  hold(identity: IdentityRef, untilMs: number, nowMs: number): void
  /** Amplitude says its daily quota is used up: counted from now on and held, to be tried again every hour. */
  holdForQuota(identity: IdentityRef, nowMs: number): void
  /** `eps_threshold`: the limit of the rest of the run, if lower. */
  lowerLimit(eventsPerSecond: number, nowMs: number): void
  /** After a 413: the byte target for the rest of the run, if lower. */
  lowerRequestBytes(bytes: number): void

  /** Nothing is in memory or in a lane file. */
  isDrained(): boolean
  /**
   * After the end of the input: the time at which the first goes on when all that is left waits for a daily quota;
   * null when something else is left. `--on-quota stop` stops then, `wait` says so.
   */
  onlyQuotaLeftUntilMs(nowMs: number): number | null
  statistics(): SchedulerStatistics
}
