import { appendLane, createLaneList, lanesWaitAt, makeReady, removeLane } from './lanes.ts'
import { tokensAt } from './rate.ts'
import {
  reserveShare,
  tokensForLong,
  tokensForOthers,
  turnOf,
  whenTokensForLong,
  whenTokensForOthers,
} from './run-cap.ts'
import type { Bucket, Entry, Lane, ReadyLanes, RunBucket } from './scheduler-state.ts'

const GRANT_USER = 1
const GRANT_DEVICE = 2
const GRANT_RUN = 4
const GRANT_SHARE = 8

/**
 * The lanes that wait for a token, in a queue at each bucket that lacks it, first come first served; and the times at
 * which these buckets have tokens again. Waiting costs O(1), a wake-up O(log waiting buckets).
 *
 * A woken lane has a *grant*: one token of that bucket is reserved for it, and other lanes may only take the rest. A lane
 * without a grant waits behind the lanes that wait already. Otherwise lanes that come just after the bucket gained tokens
 * would take them, and the waiting lanes would starve.
 */
export interface Blocked<E> {
  /** Makes `lane`, which is in no list, wait for a token of `bucket`. */
  wait(lane: Lane<E>, bucket: Bucket<E>, nowMs: number): void
  /** Makes the lanes ready whose wake-up is due. Returns how many. */
  wake(nowMs: number): number
  /** Makes all lanes ready that wait at `bucket`. */
  release(bucket: Bucket<E>): void
  /** Sets the wake-up anew after the bucket's tokens changed from outside. */
  reschedule(bucket: Bucket<E>, nowMs: number): void
  /** The next wake-up; Infinity if there is none. */
  nextDueMs(): number
  /** The buckets that lanes wait at. */
  buckets(): Generator<Bucket<E>>
}

export function createBlocked<E>(ready: ReadyLanes<E>, run: RunBucket<E> | null): Blocked<E> {
  // A binary heap over two arrays. A time that is not its bucket's `dueAtMs` any more is stale, and is skipped.
  const times: number[] = []
  const due: Bucket<E>[] = []

  function schedule(bucket: Bucket<E>, atMs: number): void {
    bucket.dueAtMs = atMs
    let place = times.length
    while (place > 0) {
      const parent = (place - 1) >> 1
      const parentTime = times[parent]
      const parentDue = due[parent]
      if (parentTime === undefined || parentDue === undefined || parentTime <= atMs) break
      times[place] = parentTime
      due[place] = parentDue
      place = parent
    }
    times[place] = atMs
    due[place] = bucket
  }

  function pop(): void {
    const time = times.pop()
    const bucket = due.pop()
    if (time === undefined || bucket === undefined || times.length === 0) return
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      const right = times[child + 1]
      if (right !== undefined && right < (times[child] ?? right)) child += 1
      const childTime = times[child]
      const childDue = due[child]
      if (childTime === undefined || childDue === undefined || childTime >= time) break
      times[place] = childTime
      due[place] = childDue
      place = child
    }
    times[place] = time
    due[place] = bucket
  }

  function dropStale(): void {
    for (let first = due[0]; first !== undefined && first.dueAtMs !== times[0]; first = due[0]) pop()
  }

  function scheduleFor(bucket: Bucket<E>, nowMs: number, earliestMs = nowMs): void {
    const turn = turnOf(bucket, run, nowMs)
    if (run !== null && bucket === run.share) {
      // Long lanes wait for no more tokens than they can take.
      const first = bucket.waitingLanes?.first ?? null
      const wanted = first === null ? turn : Math.min(turn, Math.max(1, first.identity.rate.burst))
      schedule(bucket, Math.max(earliestMs, whenTokensForLong(run, wanted)))
      return
    }
    const wanted = bucket.hotSince > 0 ? turn : Math.min(turn, Math.max(1, bucket.waitingEvents))
    schedule(bucket, Math.max(earliestMs, whenTokensForOthers(bucket, run, wanted, nowMs)))
  }

  function wakeFirst(bucket: Bucket<E>, most: number): number {
    let woken = 0
    for (
      let lane = bucket.waitingLanes?.first ?? null;
      lane !== null && woken < most;
      lane = bucket.waitingLanes?.first ?? null
    ) {
      removeLane(lane)
      grant(lane, bucket, run)
      makeReady(ready, lane)
      woken += 1
    }
    return woken
  }

  function wakeDue(bucket: Bucket<E>, nowMs: number): number {
    if (run === null || (bucket !== run && bucket !== run.share)) return wakeBucket(bucket, nowMs)
    // Long lanes come first. When no other lane waits, they get all tokens of the cap.
    const woken = wakeBucket(run.share, nowMs) + (bucket === run ? wakeBucket(run, nowMs) : 0)
    if (lanesWaitAt(run.share) && !lanesWaitAt(run) && run.barred === 0) {
      scheduleFor(run.share, nowMs, nowMs + 1 / run.rate.fillPerMs)
    }
    return woken
  }

  function wakeBucket(bucket: Bucket<E>, nowMs: number): number {
    bucket.dueAtMs = Number.POSITIVE_INFINITY
    const isShare = run !== null && bucket === run.share
    // While a repeat waits for these tokens, no lane may have them. When the repeat is sent, it sets the wake-up anew.
    const barred = isShare ? run.barred : bucket.barred
    if (!lanesWaitAt(bucket) || barred > 0) return 0
    const tokens = isShare ? tokensForLong(run, nowMs) : tokensForOthers(bucket, run, nowMs)
    if (tokens < 1) {
      // The wake-up came too early: when it was set, later grants and the growth of the share were not known.
      scheduleFor(bucket, nowMs, isShare || bucket === run ? nowMs + 1 / bucket.rate.fillPerMs : nowMs)
      return 0
    }
    // At least one lane is woken: lanes with a grant here may wait at another bucket, for the very lanes that wait here.
    const woken = wakeFirst(bucket, Math.max(1, tokens - bucket.granted))
    if (lanesWaitAt(bucket)) schedule(bucket, nowMs + turnOf(bucket, run, nowMs) / bucket.rate.fillPerMs)
    return woken
  }

  return {
    wait(lane, bucket, nowMs) {
      loseGrant(lane, bucket, run)
      if (run !== null && bucket === run.share) reserveShare(run, nowMs)
      bucket.waitingLanes ??= createLaneList()
      appendLane(bucket.waitingLanes, lane)
      if (bucket.dueAtMs === Number.POSITIVE_INFINITY) scheduleFor(bucket, nowMs)
    },
    wake(nowMs) {
      let woken = 0
      for (let time = times[0]; time !== undefined && time <= nowMs; time = times[0]) {
        const bucket = due[0]
        pop()
        if (bucket !== undefined && bucket.dueAtMs === time) woken += wakeDue(bucket, nowMs)
      }
      return woken
    },
    release(bucket) {
      wakeFirst(bucket, Number.POSITIVE_INFINITY)
    },
    reschedule(bucket, nowMs) {
      if (lanesWaitAt(bucket)) scheduleFor(bucket, nowMs)
      if (run !== null && bucket === run && lanesWaitAt(run.share)) scheduleFor(run.share, nowMs)
    },
    nextDueMs() {
      dropStale()
      return times[0] ?? Number.POSITIVE_INFINITY
    },
    *buckets() {
      for (const [place, bucket] of due.entries()) {
        if (bucket.dueAtMs === times[place] && lanesWaitAt(bucket)) yield bucket
      }
    },
  }
}

/**
 * The bucket that lacks a token for `entry`; null when none does.
 * @param following the entry is not the first of its lane
 * @param isLong the entry's lane is long
 */
export function lackingBucket<E>(
  entry: Entry<E>,
  following: boolean,
  isLong: boolean,
  run: RunBucket<E> | null,
  nowMs: number,
): Bucket<E> | null {
  const grants = following ? 0 : entry.lane.grants
  const { user, device } = entry
  if (user !== null && !mayTake(user, (grants & GRANT_USER) !== 0, nowMs)) return user
  if (device !== null && !mayTake(device, (grants & GRANT_DEVICE) !== 0, nowMs)) return device
  if (run === null) return null
  if (isLong) return longMayTake(run, grants, nowMs) ? null : run.share
  return mayTakeOfRun(run, (grants & GRANT_RUN) !== 0, nowMs) ? null : run
}

/** Gives up the lane's grants. Call this before the lane's first entry changes. */
export function dropGrants<E>(lane: Lane<E>, run: RunBucket<E> | null): void {
  if (lane.grants === 0) return
  const user = lane.first?.user
  const device = lane.first?.device
  if ((lane.grants & GRANT_USER) !== 0 && user) user.granted -= 1
  if ((lane.grants & GRANT_DEVICE) !== 0 && device) device.granted -= 1
  if ((lane.grants & GRANT_RUN) !== 0 && run !== null) run.granted -= 1
  if ((lane.grants & GRANT_SHARE) !== 0 && run !== null) run.share.granted -= 1
  lane.grants = 0
}

function mayTake<E>(bucket: Bucket<E>, granted: boolean, nowMs: number): boolean {
  if (bucket.barred > 0) return false
  if (granted) return tokensAt(bucket.rate, bucket.fullAtMs, nowMs) >= 1
  if (lanesWaitAt(bucket)) return false
  return tokensAt(bucket.rate, bucket.fullAtMs, nowMs) > bucket.granted
}

function mayTakeOfRun<E>(run: RunBucket<E>, granted: boolean, nowMs: number): boolean {
  return mayTake(run, granted, nowMs) && (granted || tokensForOthers(run, run, nowMs) > run.granted)
}

function longMayTake<E>(run: RunBucket<E>, grants: number, nowMs: number): boolean {
  if (run.barred > 0) return false
  if ((grants & GRANT_RUN) !== 0 && tokensAt(run.rate, run.fullAtMs, nowMs) >= 1) return true
  const tokens = tokensForLong(run, nowMs)
  if ((grants & GRANT_SHARE) !== 0) return tokens >= 1
  return !lanesWaitAt(run.share) && tokens > run.share.granted
}

function grantFor<E>(lane: Lane<E>, bucket: Bucket<E>, run: RunBucket<E> | null): number {
  if (lane.first === null) return 0
  if (lane.first.user === bucket) return GRANT_USER
  if (lane.first.device === bucket) return GRANT_DEVICE
  if (run === null) return 0
  if (run === bucket) return GRANT_RUN
  return run.share === bucket ? GRANT_SHARE : 0
}

function grant<E>(lane: Lane<E>, bucket: Bucket<E>, run: RunBucket<E> | null): void {
  const kind = grantFor(lane, bucket, run)
  if (kind === 0 || (lane.grants & kind) !== 0) return
  lane.grants |= kind
  bucket.granted += 1
}

function loseGrant<E>(lane: Lane<E>, bucket: Bucket<E>, run: RunBucket<E> | null): void {
  const kind = grantFor(lane, bucket, run)
  if ((lane.grants & kind) === 0) return
  lane.grants &= ~kind
  bucket.granted -= 1
}
