import { forgetKeys, isKeyAt, keyCount, lookUp, textLength } from './keys.ts'
import {
  BEGINNING,
  ENTRY_ENDS,
  ENTRY_KEYS,
  ENTRY_KINDS,
  ENTRY_STARTS,
  INPUT,
  INPUT_BYTES,
  KEY_LENGTH,
  KEY_LINE,
  KEY_NEXT,
  KEY_SLOT_BYTES,
  KEY_SLOTS,
  KEY_TEXT,
  MAX_ENTRIES,
  MAX_KEYS,
  MAX_ROWS,
  MEMORY_BYTES,
  ROW_ENDS,
  ROW_FIRSTS,
  ROW_STARTS,
} from './layout.ts'
import { endOfEscapedText, endOfFraction, endOfPlainText, endOfWhole, QUOTE } from './text.ts'

/**
 * Finds the members of objects that stand on a line each, 16 bytes a step: `{"key":value,"key":value}`, with at most one space behind
 * a colon or comma, and nothing that nests but lists of strings, numbers and literals that are not `events`. It stops at every other line.
 * Bytes are not looked at as UTF-8.
 */

/** What the module that loads this one has to know. */
export {
  ENTRY_ENDS,
  ENTRY_KEYS,
  ENTRY_KINDS,
  ENTRY_STARTS,
  forgetKeys,
  INPUT,
  INPUT_BYTES,
  KEY_LENGTH,
  KEY_SLOT_BYTES,
  KEY_SLOTS,
  KEY_TEXT,
  keyCount,
  MAX_ENTRIES,
  MAX_KEYS,
  MAX_ROWS,
  MEMORY_BYTES,
  ROW_ENDS,
  ROW_FIRSTS,
  ROW_STARTS,
}

/** The numbers of `KIND` in src/json/kind.ts. */
const NULL: u8 = 1
const STRING: u8 = 2
const ESCAPED_STRING: u8 = 3
const INTEGER: u8 = 4
const NUMBER: u8 = 5
const TRUE: u8 = 6
const FALSE: u8 = 7
const ARRAY: u8 = 8

const SPACE: u8 = 0x20
const NEWLINE: u8 = 0x0a
const CARRIAGE_RETURN: u8 = 0x0d
const COMMA: u8 = 0x2c
const OPEN_BRACKET: u8 = 0x5b
const CLOSE_BRACKET: u8 = 0x5d
const OPEN_BRACE: u8 = 0x7b
const CLOSE_BRACE: u8 = 0x7d

/** The literals as 32-bit numbers; `false` without its first letter. */
const NULL_TEXT: u32 = 0x6c6c756e
const TRUE_TEXT: u32 = 0x65757274
const ALSE_TEXT: u32 = 0x65736c61

/** `"events"` as a 64-bit number. An object that has a list of them is no record but what holds records (src/json/envelope.ts). */
const EVENTS_KEY: u64 = 0x2273746e65766522

/** Rows of the last scan. */
export let rowCount: u32 = 0
/** Entries of all lines scanned since it was set to 0, taken or not. */
export let entryCount: u32 = 0

/** Number of the line under way: a key that has it is there already. When it begins anew after 2^32 lines, a line may be left for nothing. */
let line: u32 = 0

/**
 * Takes lines from the byte `from` of the input on, up to `end`, before which a newline stands. Returns where the first line begins
 * that is left; `end` when there is none.
 */
export function scan(from: usize, end: usize): usize {
  let at = INPUT + from
  let row: usize = 0
  while (at < INPUT + end) {
    const first = entryCount
    const close = scanObject(at)
    // Behind an object stands a newline, or both of CRLF.
    const isCrlf = close != 0 && load<u8>(close) == CARRIAGE_RETURN
    const newline = isCrlf ? close + 1 : close
    if (close == 0 || load<u8>(newline) != NEWLINE) {
      entryCount = first
      break
    }
    store<u32>(ROW_STARTS + row, <u32>(at - INPUT))
    store<u32>(ROW_ENDS + row, <u32>(close - INPUT))
    store<u32>(ROW_FIRSTS + row, first)
    row += 4
    at = newline + 1
  }
  rowCount = <u32>(row / 4)
  return at - INPUT
}

/** Adds an entry for each member of the object at `at`. Returns the position behind its brace; 0 when it is left. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
function scanObject(at: usize): usize {
  if (load<u8>(at) != OPEN_BRACE) return 0
  const now = ++line
  let entry = <usize>entryCount
  let before = BEGINNING
  let p = at + 1
  while (true) {
    let key = <usize>load<u32>(before, KEY_NEXT)
    if (key == 0 || !isKeyAt(p, key)) {
      key = lookUp(p)
      if (key == 0) return 0
      store<u32>(before, <u32>key, KEY_NEXT)
    }
    if (load<u32>(key, KEY_LINE) == now) return 0
    store<u32>(key, now, KEY_LINE)
    before = key
    p += textLength(key)
    if (load<u8>(p) == SPACE) p++

    const isList = load<u8>(p) == OPEN_BRACKET
    if (isList && load<u64>(key, KEY_TEXT) == EVENTS_KEY) return 0
    const end = isList ? endOfList(p) : endOfScalar(p)
    if (end == 0) return 0
    store<u32>(ENTRY_STARTS + 4 * entry, <u32>(p - INPUT))
    store<u32>(ENTRY_ENDS + 4 * entry, <u32>(end - INPUT))
    store<u16>(ENTRY_KEYS + 2 * entry, <u16>((key - KEY_SLOTS) / KEY_SLOT_BYTES))
    store<u8>(ENTRY_KINDS + entry, kind)
    entry++

    const next = load<u8>(end)
    p = end + 1
    if (next == COMMA) {
      if (load<u8>(p) == SPACE) p++
      continue
    }
    if (next != CLOSE_BRACE) return 0
    entryCount = <u32>entry
    return p
  }
}

/** Of the value that ended last. */
let kind: u8 = 0

/** The position behind the string, number or literal at `at`, and its `kind`; 0 when there is none. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
function endOfScalar(at: usize): usize {
  const c = load<u8>(at)
  if (c == QUOTE) {
    const stop = endOfPlainText(at + 1)
    const isPlain = load<u8>(stop) == QUOTE
    kind = isPlain ? STRING : ESCAPED_STRING
    return isPlain ? stop + 1 : endOfEscapedText(stop)
  }
  const letters = load<u32>(at)
  if (letters == NULL_TEXT) {
    kind = NULL
    return at + 4
  }
  if (letters == TRUE_TEXT) {
    kind = TRUE
    return at + 4
  }
  if (c == 0x66 && load<u32>(at, 1) == ALSE_TEXT) {
    kind = FALSE
    return at + 5
  }
  const whole = endOfWhole(at)
  if (whole == 0) return 0
  const end = endOfFraction(whole)
  kind = end == whole ? INTEGER : NUMBER
  return end
}

/** The position behind the list at `at`, and its `kind`; 0 when it is none, or nests. */
function endOfList(at: usize): usize {
  let p = at + 1
  if (load<u8>(p) != CLOSE_BRACKET) {
    while (true) {
      p = endOfScalar(p)
      if (p == 0) return 0
      if (load<u8>(p) != COMMA) break
      p++
      if (load<u8>(p) == SPACE) p++
    }
    if (load<u8>(p) != CLOSE_BRACKET) return 0
  }
  kind = ARRAY
  return p + 1
}
