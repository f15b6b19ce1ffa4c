import type { IdentityRef, SavedQuota } from './contract.ts'
import type { Bucket, Identity, TrackedIdentity } from './scheduler-state.ts'
import type { Blocked } from './waiting-lanes.ts'

const HOUR_MS = 3_600_000
const HOURS_PER_DAY = 24

/** Amplitude's daily quota, kept for the identities that could reach it (amplitude/README.md §1, schedule/README.md §4). */
export interface DailyQuota {
  track(kind: IdentityRef['kind'], id: string): TrackedIdentity
  find(kind: IdentityRef['kind'], id: string): TrackedIdentity | null
  /** Counts one event, repeat or not; true when the quota is used up. */
  count(tracked: TrackedIdentity, nowMs: number): boolean
  /** When the oldest counted hour leaves the last 24 h, in monotonic ms. */
  oldestHourLeavesMs(tracked: TrackedIdentity, nowMs: number): number
  /** When the current hour ends, in monotonic ms. Then an identity is tried again whose quota only Amplitude knows. */
  hourEndsMs(nowMs: number): number
  /** The counts for the checkpoint. Forgets identities that had no event in 24 h. */
  save(nowMs: number): SavedQuota[]
}

interface QuotaOptions {
  /** Events of one identity in 24 h. */
  readonly limit: number
  /** Wall clock minus monotonic clock: the hours must mean the same after a restart. */
  readonly wallClockOffsetMs: number
  readonly saved: readonly SavedQuota[]
}

/** Counts go on from those in the checkpoint. An hour is dropped when its last minute is 24 h old, so we never count too little. */
export function createDailyQuota({ limit, wallClockOffsetMs, saved }: QuotaOptions): DailyQuota {
  const users = new Map<string, TrackedIdentity>()
  const devices = new Map<string, TrackedIdentity>()

  function mapOf(kind: IdentityRef['kind']): Map<string, TrackedIdentity> {
    return kind === 'user' ? users : devices
  }

  function hourAt(nowMs: number): number {
    return Math.floor((nowMs + wallClockOffsetMs) / HOUR_MS)
  }

  function startOf(hour: number): number {
    return hour * HOUR_MS - wallClockOffsetMs
  }

  function dropOldHours(tracked: TrackedIdentity, nowMs: number): void {
    const { hours, counts } = tracked
    const oldest = hourAt(nowMs) - HOURS_PER_DAY
    while (hours[0] !== undefined && hours[0] < oldest) {
      hours.shift()
      tracked.total -= counts.shift() ?? 0
    }
  }

  function list(tracked: TrackedIdentity): void {
    tracked.listed = true
    mapOf(tracked.kind).set(tracked.id, tracked)
  }

  function track(kind: IdentityRef['kind'], id: string): TrackedIdentity {
    const known = mapOf(kind).get(id)
    if (known !== undefined) return known
    const tracked = { kind, id, hours: [], counts: [], total: 0, pinned: false, listed: true, pausedUntilMs: 0 }
    list(tracked)
    return tracked
  }

  for (const { kind, id, hours } of saved) {
    const tracked = track(kind, id)
    for (const [hour, events] of hours) {
      tracked.hours.push(hour)
      tracked.counts.push(events)
      tracked.total += events
    }
  }

  return {
    track,
    find(kind, id) {
      const map = mapOf(kind)
      return map.size === 0 ? null : (map.get(id) ?? null)
    },
    count(tracked, nowMs) {
      if (!tracked.listed) list(tracked)
      const hour = hourAt(nowMs)
      const last = tracked.hours.length - 1
      if (last >= 0 && tracked.hours[last] === hour) {
        tracked.counts[last] = (tracked.counts[last] ?? 0) + 1
      } else {
        dropOldHours(tracked, nowMs)
        tracked.hours.push(hour)
        tracked.counts.push(1)
      }
      tracked.total += 1
      return tracked.total >= limit
    },
    oldestHourLeavesMs(tracked, nowMs) {
      dropOldHours(tracked, nowMs)
      return startOf((tracked.hours[0] ?? hourAt(nowMs)) + HOURS_PER_DAY + 1)
    },
    hourEndsMs: (nowMs) => startOf(hourAt(nowMs) + 1),
    save(nowMs) {
      const kept: SavedQuota[] = []
      for (const map of [users, devices]) {
        for (const tracked of map.values()) {
          dropOldHours(tracked, nowMs)
          if (tracked.total === 0 && !tracked.pinned) {
            tracked.listed = false
            map.delete(tracked.id)
          } else if (tracked.total > 0) {
            const { kind, id, hours, counts } = tracked
            kept.push({ kind, id, hours: hours.map((hour, at) => [hour, counts[at] ?? 0] as const) })
          }
        }
      }
      return kept
    },
  }
}

/**
 * When the first lane goes on, if every lane waits for an identity's daily quota; null when a lane waits for something
 * else. To be called when no lane is ready and no request is in flight.
 */
export function quotaLeftUntilMs<E>(blocked: Blocked<E>, hot: ReadonlySet<Identity<E>>, nowMs: number): number | null {
  // A hot lane in no list waits for its file, or for answers.
  for (const { lane } of hot) if (lane !== null && lane.list === null) return null
  let untilMs = Number.POSITIVE_INFINITY
  let waiting = 0
  for (const bucket of blocked.buckets()) {
    const pausedUntilMs = pausedForQuotaUntilMs(bucket, hot)
    if (pausedUntilMs <= nowMs) return null
    waiting += bucket.waitingLanes?.size ?? 0
    untilMs = Math.min(untilMs, pausedUntilMs)
  }
  return waiting > 0 ? untilMs : null
}

/** The end of the pause for the daily quota; 0 when the bucket is not an identity's that is paused for its quota. */
function pausedForQuotaUntilMs<E>(bucket: Bucket<E>, hot: ReadonlySet<Identity<E>>): number {
  for (const identity of hot) if (identity === bucket) return identity.quota?.pausedUntilMs ?? 0
  return 0
}
