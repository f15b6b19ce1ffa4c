import type { Bucket, Entry, Identity, Lane, LaneList, ReadyLanes } from './scheduler-state.ts'

/** Makes an idle lane for `identity`, whose events go there from now on. */
export function createLane<E>(identity: Identity<E>): Lane<E> {
  const lane: Lane<E> = {
    identity,
    first: null,
    last: null,
    length: 0,
    inFlight: 0,
    grants: 0,
    file: null,
    list: null,
    before: null,
    after: null,
  }
  identity.lane = lane
  return lane
}

export function createLaneList<E>(): LaneList<E> {
  return { first: null, last: null, size: 0 }
}

/** True when a lane waits for a token of the bucket. */
export function lanesWaitAt<E>({ waitingLanes }: Bucket<E>): boolean {
  return waitingLanes !== null && waitingLanes.size > 0
}

/** Puts the lane, which is in no list, at the end of `list`. */
export function appendLane<E>(list: LaneList<E>, lane: Lane<E>): void {
  lane.list = list
  lane.before = list.last
  if (list.last === null) list.first = lane
  else list.last.after = lane
  list.last = lane
  list.size += 1
}

/** Puts the lane, which is in no list, at the end of the ready lanes of its kind. */
export function makeReady<E>(ready: ReadyLanes<E>, lane: Lane<E>): void {
  appendLane(isLong(ready, lane) ? ready.long : ready.others, lane)
}

/** True when the lane's events take longer than its identity's next burst (schedule/README.md §3). */
export function isLong<E>({ isCapped }: ReadyLanes<E>, lane: Lane<E>): boolean {
  return lane.file !== null || (isCapped && lane.length > lane.identity.rate.burst)
}

/** Takes the lane out of its list, if it is in one. */
export function removeLane<E>(lane: Lane<E>): void {
  const { list, before, after } = lane
  if (list === null) return
  if (before === null) list.first = after
  else before.after = after
  if (after === null) list.last = before
  else after.before = before
  list.size -= 1
  lane.list = null
  lane.before = null
  lane.after = null
}

/** Appends a waiting entry to its lane. `run` is the bucket of `--max-eps`, if there is one. */
export function enqueue<E>(entry: Entry<E>, run: Bucket<E> | null): void {
  insertAfter(entry.lane.last, entry)
  countWaiting(entry, run)
}

/** Puts an entry that was in flight back into its lane, before all entries that came after it in the input. */
export function enqueueAgain<E>(entry: Entry<E>, run: Bucket<E> | null): void {
  let before: Entry<E> | null = null
  let after = entry.lane.first
  while (after !== null && after.sequence < entry.sequence) {
    before = after
    after = after.after
  }
  insertAfter(before, entry)
  countWaiting(entry, run)
}

/** Takes a waiting entry out of its lane. */
export function dequeue<E>(entry: Entry<E>, run: Bucket<E> | null): void {
  const { lane, before, after } = entry
  if (before === null) lane.first = after
  else before.after = after
  if (after === null) lane.last = before
  else after.before = before
  entry.before = null
  entry.after = null
  lane.length -= 1
  discountWaiting(entry, run)
}

function insertAfter<E>(before: Entry<E> | null, entry: Entry<E>): void {
  const lane = entry.lane
  const after = before === null ? lane.first : before.after
  entry.before = before
  entry.after = after
  if (before === null) lane.first = entry
  else before.after = entry
  if (after === null) lane.last = entry
  else after.before = entry
  lane.length += 1
}

function countWaiting<E>(entry: Entry<E>, run: Bucket<E> | null): void {
  // The events that a hot lane has in memory are the window of its file. They never make an identity hot or the reader wait.
  if (entry.lane.file !== null) return
  const { user, device } = entry
  if (run !== null) run.waitingEvents += 1
  if (user !== null) user.waitingEvents += 1
  if (device === null) return
  device.waitingEvents += 1
  entry.waitingBefore = device.lastWaiting
  if (device.lastWaiting === null) device.firstWaiting = entry
  else device.lastWaiting.waitingAfter = entry
  device.lastWaiting = entry
}

function discountWaiting<E>(entry: Entry<E>, run: Bucket<E> | null): void {
  if (entry.lane.file !== null) return
  const { user, device, waitingBefore, waitingAfter } = entry
  if (run !== null) run.waitingEvents -= 1
  if (user !== null) user.waitingEvents -= 1
  if (device === null) return
  device.waitingEvents -= 1
  if (waitingBefore === null) device.firstWaiting = waitingAfter
  else waitingBefore.waitingAfter = waitingAfter
  if (waitingAfter === null) device.lastWaiting = waitingBefore
  else waitingAfter.waitingBefore = waitingBefore
  entry.waitingBefore = null
  entry.waitingAfter = null
}
