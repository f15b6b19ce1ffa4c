/** Where a run keeps what must outlive it, unless `--state` says otherwise. */
export const DEFAULT_STATE = '.braze2amp'

/** Names in it. */
export const DEAD_LETTERS_FILE = 'dead-letters.ndjson'
export const LANES_DIRECTORY = 'lanes'
/** Names in `lanes/`. */
export const LANE_FILE = /^\d+\.ndjson$/

/** Mode of the directory and of every directory and file in it: they hold people's events (state/README.md §1). */
export const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600
