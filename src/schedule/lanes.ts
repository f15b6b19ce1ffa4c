import type { Bucket, Entry, Identity, Lane, LaneList, QueuedEvent, ReadyLanes } from './records.ts'

/** An idle lane of `identity`, which from now on is where its events go. */
export function createLane<E extends QueuedEvent>(identity: Identity<E>): Lane<E> {
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

/** Puts the lane, which is in no list, at the end of `list`. */
export function appendLane<E>(list: LaneList<E>, lane: Lane<E>): void {
  lane.list = list
  lane.before = list.last
  if (list.last === null) list.first = lane
  else list.last.after = lane
  list.last = lane
  list.size += 1
}

/** Puts the lane, which is in no list, at the end of those that are ready. */
export function makeReady<E>(ready: ReadyLanes<E>, lane: Lane<E>): void {
  appendLane(isLong(ready, lane) ? ready.long : ready.others, lane)
}

/** The lane takes longer than its identity's next burst. */
export function isLong<E>({ isCapped }: ReadyLanes<E>, lane: Lane<E>): boolean {
  return lane.file !== null || (isCapped && lane.length > lane.identity.rate.burst)
}

/** Takes the lane out of the list it is in, if any. */
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
  countHeld(entry, run)
}

/** Puts an entry that was in flight back into its lane: before all that came after it in the input. */
export function enqueueAgain<E>(entry: Entry<E>, run: Bucket<E> | null): void {
  let before: Entry<E> | null = null
  let after = entry.lane.first
  while (after !== null && after.sequence < entry.sequence) {
    before = after
    after = after.after
  }
  insertAfter(before, entry)
  countHeld(entry, run)
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
  discountHeld(entry, run)
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

function countHeld<E>(entry: Entry<E>, run: Bucket<E> | null): void {
  // What a hot lane has in memory is the window of its file: it never makes anything hot, nor the reader wait.
  if (entry.lane.file !== null) return
  const { user, device } = entry
  if (run !== null) run.held += 1
  if (user !== null) user.held += 1
  if (device === null) return
  device.held += 1
  entry.heldBefore = device.lastHeld
  if (device.lastHeld === null) device.firstHeld = entry
  else device.lastHeld.heldAfter = entry
  device.lastHeld = entry
}

function discountHeld<E>(entry: Entry<E>, run: Bucket<E> | null): void {
  if (entry.lane.file !== null) return
  const { user, device, heldBefore, heldAfter } = entry
  if (run !== null) run.held -= 1
  if (user !== null) user.held -= 1
  if (device === null) return
  device.held -= 1
  if (heldBefore === null) device.firstHeld = heldAfter
  else heldBefore.heldAfter = heldAfter
  if (heldAfter === null) device.lastHeld = heldBefore
  else heldAfter.heldBefore = heldBefore
  entry.heldBefore = null
  entry.heldAfter = null
}
