/** The state directory of a run, unless `--state` names another. */
export const DEFAULT_STATE = '.braze2amp'

/** Names in the state directory. */
export const DEAD_LETTERS_FILE = 'dead-letters.ndjson'
export const LANES_DIRECTORY = 'lanes'
/** Names in `lanes/`. */
export const LANE_FILE = /^\d+\.ndjson$/

/** Modes of every directory and file of the state: they hold people's events (state/README.md §1). */
export const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600
