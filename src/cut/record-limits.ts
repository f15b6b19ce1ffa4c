/** Longest record that is read, in bytes; Currents drops events over 900 KB (currents/README.md §1). */
export const MAX_RECORD_BYTES = 16 << 20
/** How much of a longer one, or of what damage leaves behind, is kept to show. */
export const EXCERPT_BYTES = 1 << 16
