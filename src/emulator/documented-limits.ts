/**
 * What Amplitude documents, as the emulator reads it (amplitude/README.md §1 and §2). Written down here a second time, apart from
 * `src/amplitude/`, so that a wrong number there is noticed here.
 */

/** One of Amplitude's two ingestion APIs. */
export interface Api {
  readonly name: 'http' | 'batch'
  readonly path: string
  /** The largest body that is still accepted, in uncompressed bytes. */
  readonly maxBodyBytes: number
  readonly maxEvents: number
  /** HTTP V2 names only the first index of each field of a 400 (§3). */
  readonly listsEveryIndex: boolean
  /** HTTP V2 drops repeats of `insert_id` + `device_id`, Batch of `insert_id` (§2). */
  readonly repeatsPerDevice: boolean
}

/**
 * Where the pages leave room ("1 MB"), the stricter reading holds: what passes here passes there. So a MB has 1,000,000 bytes
 * and "< 1 MB" ends at 999,999. The number of events is that of the newer page: up to 2000.
 */
export const APIS: readonly Api[] = [
  {
    name: 'http',
    path: '/2/httpapi',
    maxBodyBytes: 999_999,
    maxEvents: 2000,
    listsEveryIndex: false,
    repeatsPerDevice: true,
  },
  {
    name: 'batch',
    path: '/batch',
    maxBodyBytes: 20_000_000,
    maxEvents: 2000,
    listsEveryIndex: true,
    repeatsPerDevice: false,
  },
]

/** Characters that an id needs when `options.min_id_length` is absent (§2). */
export const DEFAULT_MIN_ID_LENGTH = 5

/** Levels that `event_properties` and the like may have, themselves included (§2). */
export const MAX_DEPTH = 40

/** Ids that Amplitude takes for a bug of the sender, in lower case (§2). */
export const REFUSED_IDS: ReadonlySet<string> = new Set([
  'anonymous',
  'nil',
  'none',
  'null',
  'n/a',
  'na',
  'undefined',
  'unknown',
  '',
  '00000000-0000-0000-0000-000000000000',
  '{}',
  'lmy47d',
  '0',
  '-1',
])

/** How long a repeated `insert_id` is dropped, in milliseconds: 7 days (§2). */
export const REPEAT_SPAN_MS = 7 * 24 * 60 * 60 * 1000
