/** Limits the requests in flight. The limit grows by one after a good second, and is halved after trouble (amplitude/README.md §4). */
export interface Concurrency {
  /** Counts `attempt` as in flight until it is settled; the caller asks `hasRoom` first. */
  run<T>(attempt: () => Promise<T>): Promise<T>
  hasRoom(): boolean
  inFlight(): number
  limit(): number
  /** Notes that a request passed. */
  good(nowMs: number): void
  /** Notes trouble: a 5xx, a timeout, a lost connection or a project-wide 429. */
  bad(nowMs: number): void
}

interface ConcurrencyOptions {
  readonly start: number
  readonly max: number
}

const GOOD_MS = 1000
/** Requests that fail within this time were sent together. Together they halve the limit once. */
const ONE_TROUBLE_MS = 1000

export function createConcurrency({ start, max }: ConcurrencyOptions): Concurrency {
  let limit = start
  let inFlight = 0
  let changedAtMs = Number.NEGATIVE_INFINITY
  let halvedAtMs = Number.NEGATIVE_INFINITY

  return {
    async run(attempt) {
      inFlight += 1
      try {
        return await attempt()
      } finally {
        inFlight -= 1
      }
    },
    hasRoom: () => inFlight < limit,
    inFlight: () => inFlight,
    limit: () => limit,
    good(nowMs) {
      if (changedAtMs === Number.NEGATIVE_INFINITY) changedAtMs = nowMs
      if (nowMs - changedAtMs < GOOD_MS || limit >= max) return
      limit += 1
      changedAtMs = nowMs
    },
    bad(nowMs) {
      changedAtMs = nowMs
      if (nowMs - halvedAtMs < ONE_TROUBLE_MS) return
      halvedAtMs = nowMs
      limit = Math.max(1, limit >> 1)
    },
  }
}
