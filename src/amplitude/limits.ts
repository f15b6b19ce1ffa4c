/** Every number of Amplitude's ingestion API, once, with its section of amplitude/README.md. */

export const APIS = ['http', 'batch'] as const
export type ApiName = (typeof APIS)[number]

export const REGIONS = ['us', 'eu'] as const
export type Region = (typeof REGIONS)[number]

export const PLANS = ['starter'] as const
export type Plan = (typeof PLANS)[number]

/** What one of the two APIs takes. */
export interface ApiLimits {
  /** Appended to the base URL (§1). */
  readonly path: string
  /** Uncompressed bytes of a body, whose largest value is safely refused (§1). */
  readonly maxBodyBytes: number
  /** Events of one request (§1: HTTP V2 says "< 2000", a newer page "up to"). */
  readonly maxEvents: number
  /** Events a second of each device and each user that we send by default (§1). */
  readonly eventsPerSecond: number
  /** How long an identity that a 429 names is left alone (§4). */
  readonly holdMs: number
}

export const API_LIMITS: Readonly<Record<ApiName, ApiLimits>> = {
  http: { path: '/2/httpapi', maxBodyBytes: 1_000_000, maxEvents: 1999, eventsPerSecond: 30, holdMs: 30_000 },
  // Amplitude's limit on Batch is 1000 events a second; 300 is its advice for backfills.
  batch: { path: '/batch', maxBodyBytes: 20_000_000, maxEvents: 2000, eventsPerSecond: 300, holdMs: 15_000 },
}

/** Base URL by region (§1). */
export const HOSTS: Readonly<Record<Region, string>> = {
  us: 'https://api2.amplitude.com',
  eu: 'https://api.eu.amplitude.com',
}

/** What a plan allows the whole project (§1). */
export const PLAN_LIMITS: Readonly<
  Record<Plan, { readonly eventsPerSecond: number; readonly requestsPerSecond: number; readonly maxEvents: number }>
> = {
  starter: { eventsPerSecond: 1000, requestsPerSecond: 100, maxEvents: 10 },
}

/** Kept free in every body: whether "1 MB" counts the envelope, or means 1,000,000, is not said (§1). */
export const BODY_MARGIN_BYTES = 10_000

/** Characters that an id must have; every request says so itself, since the default of 5 refuses good ids (§2). */
export const MIN_ID_LENGTH = 1

/** Events of one identity in 24 h at which we hold it: Amplitude refuses from 500,000 on (§1; schedule/README.md §4). */
export const DAILY_QUOTA = 490_000

/** Smallest body that is worth compressing (§1). */
export const GZIP_FROM_BYTES = 2048

/** The time that connecting may take, the head of an answer, and the wait between two pieces of its body (§4). */
export const TIMEOUT_MS = 30_000

/**
 * A line slower than this (half a megabit) is taken for a dead one. The time to send a body at this rate is 15 s for the largest of
 * HTTP V2 and 5 minutes for the largest of Batch. It is granted on top of the timeout for the head and of the deadline, since no
 * progress can be seen of a body that waits in the buffers of the system.
 */
const SLOWEST_BYTES_PER_SECOND = 65_536

/** How long a body of so many bytes may be on its way. */
export function sendingMs(bytes: number): number {
  return (bytes / SLOWEST_BYTES_PER_SECOND) * 1000
}

/**
 * The time of a whole request beside the sending of its body. Connecting and the head may each take the whole of their timeout, and
 * the rest of an answer comes with its head. An answer that dribbles for longer would keep its lanes waiting for ever.
 */
export const REQUEST_DEADLINE_MS = 2 * TIMEOUT_MS

/** First and longest backoff (§4). */
export const SHORTEST_BACKOFF_MS = 500
export const LONGEST_BACKOFF_MS = 60_000
/** A `Retry-After` counts up to here: the daily quota is the longest that Amplitude lets wait (§1). */
export const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000

/** Failures of the same events, while others pass, after which they are halved (§4). */
export const FAILURES_BEFORE_SPLIT = 8
/** Events refused alone, for no named reason and with no 200 between, that stop the run (§4). */
export const LONE_REFUSALS_BEFORE_STOP = 3
/** Answers of status 200 in a row that do not come from Amplitude, that stop the run (§4). */
export const FOREIGN_ANSWERS_BEFORE_STOP = 3
/** Bytes of such an answer that are shown (§4). */
export const EXCERPT_CHARACTERS = 200

/** Characters of an answer's text that are looked at; Amplitude's own have some dozens. */
export const LONGEST_ANSWER_TEXT = 4096
/** Characters of it that are shown in one line, and that a dead letter keeps. */
export const SHOWN_CHARACTERS = 400
export const KEPT_CHARACTERS = 2000
/** Faults of one event that a dead letter keeps; Amplitude names the first of each field. */
export const MAX_FAULTS = 20

/** The byte target of a request never falls below this after a 413 (§4). */
export const LOWEST_BODY_BYTES = 16_384

/** `--give-up-after` (§4). */
export const GIVE_UP_AFTER_MS = 30 * 60_000
