/**
 * Where things stand in the scanner's memory. Nothing moves and nothing grows: each area holds the most that `INPUT_BYTES` of lines can
 * bring, and pages that are never touched cost nothing.
 */

/** The compiler keeps the first kilobyte for itself. */
const FIRST: usize = 1024

/**
 * The lines to scan; the last byte of them must be a newline. A load begins at it or before and takes 16 bytes at most, so it reaches 15
 * bytes further: into the rows, or what an earlier chunk left. What it finds there never counts, since every token ends at a newline.
 */
export const INPUT: usize = FIRST
export const INPUT_BYTES: usize = 1 << 22
/** No line that is taken is shorter than `{"":1}` and its newline. */
const LEAST_LINE_BYTES: usize = 7
export const MAX_ROWS: usize = INPUT_BYTES / LEAST_LINE_BYTES + 1
/** Three columns of 32 bits, a row for each line that was taken: where its object starts and ends, and its first entry. */
export const ROW_STARTS: usize = INPUT + INPUT_BYTES
export const ROW_ENDS: usize = ROW_STARTS + 4 * MAX_ROWS
export const ROW_FIRSTS: usize = ROW_ENDS + 4 * MAX_ROWS

/** No member is shorter than `"":1` and the comma or brace behind it. */
const LEAST_MEMBER_BYTES: usize = 5
export const MAX_ENTRIES: usize = INPUT_BYTES / LEAST_MEMBER_BYTES + 1
/** An entry for each member, of the lines in order: where its value starts and ends (32 bits), the key's number (16), its kind (8). */
export const ENTRY_STARTS: usize = ROW_FIRSTS + 4 * MAX_ROWS
export const ENTRY_ENDS: usize = ENTRY_STARTS + 4 * MAX_ENTRIES
export const ENTRY_KEYS: usize = ENTRY_ENDS + 4 * MAX_ENTRIES
export const ENTRY_KINDS: usize = ENTRY_KEYS + 2 * MAX_ENTRIES

/** Keys that are remembered; a line with one more is not taken, until all are forgotten. */
export const MAX_KEYS: u32 = 1024
/** A key's slot: what follows, and the key as it stands in the lines, with its quotes and colon. Slot `i` is key `i`. */
export const KEY_SLOTS: usize = (ENTRY_KINDS + MAX_ENTRIES + 15) & ~15
export const KEY_SLOT_BYTES: usize = 128
/** The slot of the key that stood behind this one last time; 0 at first. */
export const KEY_NEXT: usize = 0
/** The last line that had the key. */
export const KEY_LINE: usize = 4
/** Bytes of the text. */
export const KEY_LENGTH: usize = 8
export const KEY_TEXT: usize = 16
/** A line with a longer key, quotes and colon included, is not taken. */
export const MAX_KEY_BYTES: usize = KEY_SLOT_BYTES - KEY_TEXT
/** A slot of no key, for the beginning of a line: only what follows it counts. */
export const BEGINNING: usize = KEY_SLOTS + <usize>MAX_KEYS * KEY_SLOT_BYTES

/** Up to the end of the memory: slots by the hash of their key, 0 where there is none; never more than half full. */
export const TABLE: usize = BEGINNING + KEY_SLOT_BYTES
export const TABLE_SIZE: u32 = 2 * MAX_KEYS

export const MEMORY_BYTES: usize = TABLE + 4 * TABLE_SIZE
