/** Every number of Amplitude's ingestion API, once, with its section of AMPLITUDE.md. */

export type ApiName = 'http' | 'batch'

/** What one of the two APIs takes. */
interface ApiLimits {
  /** Uncompressed bytes of a body, whose largest value is safely refused (§1). */
  readonly maxBodyBytes: number
  /** Events of one request (§1: HTTP V2 says "< 2000", a newer page "up to"). */
  readonly maxEvents: number
  /** Events a second of each device and each user that we send by default (§1). */
  readonly eventsPerSecond: number
}

export const API_LIMITS: Readonly<Record<ApiName, ApiLimits>> = {
  http: { maxBodyBytes: 1_000_000, maxEvents: 1999, eventsPerSecond: 30 },
  // Amplitude's limit on Batch is 1000 events a second; 300 is its advice for backfills.
  batch: { maxBodyBytes: 20_000_000, maxEvents: 2000, eventsPerSecond: 300 },
}

/** Kept free in every body: whether "1 MB" counts the envelope, or means 1,000,000, is not said (§1). */
export const BODY_MARGIN_BYTES = 10_000

/** Events of one identity in 24 h at which we hold it: Amplitude refuses from 500,000 on (§1, DESIGN.md §4). */
export const DAILY_QUOTA = 490_000
