import type { IdentityRef, QueuedEvent } from '../../src/schedule/contract.ts'

const WINDOW_MS = 30_000

interface Window {
  readonly kind: IdentityRef['kind']
  readonly id: string
  readonly atMs: number[]
  readonly counts: number[]
  first: number
  total: number
}

export type Answer = { status: 200 } | { status: 429; throttled: IdentityRef[] }

/** Amplitude as amplitude/README.md has it, written without a look at the scheduler: a trailing 30 s per identity at arrival. */
export interface ModelServer {
  arrive(events: readonly QueuedEvent[], nowMs: number): Answer
  /** Requests refused. */
  refusals(): number
  /** The most events any identity had in 30 s, refused ones included. */
  worstWindow(): number
  /** Refuses, for the test's own reasons, whatever carries the identity until then. */
  block(identity: IdentityRef, untilMs: number): void
}

/** Whether the events of a refused request count is not known of Amplitude (amplitude/README.md §7). Here they do not. */
export function createServer(eventsPerSecond: number): ModelServer {
  const windows = new Map<string, Window>()
  const blocks = new Map<string, number>()
  let refusals = 0
  let worst = 0
  let arrivals = 0

  function windowOf(kind: IdentityRef['kind'], id: string): Window {
    const key = `${kind} ${id}`
    let window = windows.get(key)
    if (window === undefined) {
      window = { kind, id, atMs: [], counts: [], first: 0, total: 0 }
      windows.set(key, window)
    }
    return window
  }

  function slide(window: Window, nowMs: number): void {
    while (window.first < window.atMs.length && (window.atMs[window.first] ?? nowMs) <= nowMs - WINDOW_MS) {
      window.total -= window.counts[window.first] ?? 0
      window.first += 1
    }
    if (window.first > 64 && window.first * 2 > window.atMs.length) {
      window.atMs.splice(0, window.first)
      window.counts.splice(0, window.first)
      window.first = 0
    }
  }

  function forgetOld(nowMs: number): void {
    for (const [key, window] of windows) {
      slide(window, nowMs)
      if (window.total === 0) windows.delete(key)
    }
  }

  return {
    arrive(events, nowMs) {
      arrivals += 1
      if (arrivals % 2000 === 0) forgetOld(nowMs)
      const asked = new Map<Window, number>()
      for (const { user, device } of events) {
        if (user !== null) {
          const window = windowOf('user', user)
          asked.set(window, (asked.get(window) ?? 0) + 1)
        }
        if (device !== null) {
          const window = windowOf('device', device)
          asked.set(window, (asked.get(window) ?? 0) + 1)
        }
      }
      const throttled: IdentityRef[] = []
      for (const [window, count] of asked) {
        slide(window, nowMs)
        worst = Math.max(worst, window.total + count)
        const { kind, id } = window
        const isBlocked = (blocks.get(`${kind} ${id}`) ?? 0) > nowMs
        if (isBlocked || window.total + count > eventsPerSecond * 30) throttled.push({ kind, id })
      }
      if (throttled.length > 0) refusals += 1
      if (throttled.length === 0) {
        for (const [window, count] of asked) {
          window.atMs.push(nowMs)
          window.counts.push(count)
          window.total += count
        }
      }
      return throttled.length === 0 ? { status: 200 } : { status: 429, throttled }
    },
    refusals: () => refusals,
    worstWindow: () => worst,
    block(identity, untilMs) {
      blocks.set(`${identity.kind} ${identity.id}`, untilMs)
    },
  }
}
