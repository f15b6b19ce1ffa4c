import pLimit from 'p-limit'

/** How many requests may be in flight: one more after a good second, half after trouble (AMPLITUDE.md §4). */
export interface Concurrency {
  /** Runs `attempt` at once, since the caller asks `hasRoom` first. */
  run<T>(attempt: () => Promise<T>): Promise<T>
  hasRoom(): boolean
  inFlight(): number
  limit(): number
  /** A request passed. */
  good(nowMs: number): void
  /** A 5xx, a timeout, a lost connection or a project-wide 429. */
  bad(nowMs: number): void
}

interface ConcurrencyOptions {
  readonly start: number
  readonly max: number
}

const GOOD_MS = 1000
/** What fails together was sent together: it says once that there was too much. */
const ONE_TROUBLE_MS = 1000

export function createConcurrency({ start, max }: ConcurrencyOptions): Concurrency {
  const limit = pLimit(start)
  let changedAtMs = Number.NEGATIVE_INFINITY
  let halvedAtMs = Number.NEGATIVE_INFINITY

  return {
    run: (attempt) => limit(attempt),
    hasRoom: () => limit.activeCount + limit.pendingCount < limit.concurrency,
    inFlight: () => limit.activeCount + limit.pendingCount,
    limit: () => limit.concurrency,
    good(nowMs) {
      if (changedAtMs === Number.NEGATIVE_INFINITY) changedAtMs = nowMs
      if (nowMs - changedAtMs < GOOD_MS || limit.concurrency >= max) return
      limit.concurrency += 1
      changedAtMs = nowMs
    },
    bad(nowMs) {
      changedAtMs = nowMs
      if (nowMs - halvedAtMs < ONE_TROUBLE_MS) return
      halvedAtMs = nowMs
      limit.concurrency = Math.max(1, limit.concurrency >> 1)
    },
  }
}
