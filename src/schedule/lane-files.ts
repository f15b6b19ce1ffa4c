import type { IdentityRef, QueuedEvent } from './records.ts'

/**
 * Where the waiting events of hot identities go. An event is appended once and read back once, in order.
 * Calls never wait: an implementation on disk buffers what is appended, and hands back what was asked for later,
 * through `Scheduler.readBack`.
 */
export interface LaneFiles<E extends QueuedEvent> {
  /** Takes the event; from here on it is the file's, and no longer in the scheduler's memory. */
  append(identity: IdentityRef, event: E): void
  /**
   * Asks for the next `count` events that were not read yet. There are that many; the answer may hold fewer, but not
   * none. The scheduler asks again only after the answer.
   */
  read(identity: IdentityRef, count: number): void
  /** Everything appended was read and answered. The next `append` begins a new file. */
  delete(identity: IdentityRef): void
  /** Bytes appended that are still in memory: they count as the scheduler's, and so make the reader wait. */
  readonly pendingBytes: number
}
