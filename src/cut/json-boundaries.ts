import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  grownInto,
  NEWLINE,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from '../json/bytes.ts'
import type { TextWindow } from './text-window.ts'

/**
 * Finds where the strings, arrays and objects of a text end, and looks at nothing else in them: whether they are JSON is for those to say
 * who read them. The text has no boundaries any more where brackets do not match, or where a quote is missing.
 */
export interface BoundaryScanner {
  /** A value begins at the window's `at`: a quote or a bracket. */
  begin(): void
  /** An object is open at the window's `at`, and nothing else. */
  beginInObject(): void
  /**
   * Goes on in the window, up to a bracket that leaves no more than `depth` of them open, or behind the end of a string that is itself the
   * value; with `stopsAtLists` also behind the bracket of an array that is a member of the outermost object.
   */
  scan(depth: number, stopsAtLists: boolean): ScanStop
  /** Brackets that are open. */
  depth(): number
  /** Byte of the input at which the last string begins, with its quote. */
  stringStart(): number
  /** The last string has not ended. */
  isInString(): boolean
  /** Why `scan` found damage. */
  damage(): string
}

export const MORE = 0
export const CLOSED = 1
export const LIST = 2
export const DAMAGE = 3

/** Why a scan ends: the text does, for now; a value was closed; a list was opened; or there are no boundaries from here on. */
export type ScanStop = typeof MORE | typeof CLOSED | typeof LIST | typeof DAMAGE

/** Bytes that mean something outside of strings: quotes, brackets and newlines. */
const IS_STRUCTURE = tableOf([QUOTE, OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET, NEWLINE])
/** Bytes that mean something in strings, and controls, which none may hold. */
const IS_SPECIAL = tableOf([QUOTE, BACKSLASH, ...Array(0x20).keys()])
/** Bytes that a string may stand right behind. */
const MAY_PRECEDE_STRING = tableOf([OPEN_BRACE, OPEN_BRACKET, COLON, COMMA, ...Buffer.from(' \t\r\n\0')])

/** Bytes that are four times one byte. */
const ONES = 0x01010101
const HIGH_BITS = 0x80808080
const QUOTES = ONES * QUOTE
const BACKSLASHES = ONES * BACKSLASH
const SPACES = ONES * 0x20

export function createBoundaryScanner(window: TextWindow): BoundaryScanner {
  /** The brackets that close those that are open. */
  let closers = new Uint8Array(64)
  let depth = 0
  let isInString = false
  let stringStart = 0
  let damage = ''

  function open(bracket: number): void {
    if (depth === closers.length) closers = grownInto(new Uint8Array(2 * depth), closers)
    // The closers of both brackets are two above their openers.
    closers[depth++] = bracket + 2
  }

  /** The index behind the string that goes on at `at`; -1 when its end is not there yet. */
  function endOfString(at: number): number {
    const { bytes, view, length } = window
    let p = at
    for (;;) {
      for (;;) {
        const word = view.getInt32(p, true)
        // The high bit of a byte is set when it, or one before it, is a quote, a backslash or a control.
        const found = ((word ^ QUOTES) - ONES) | ((word ^ BACKSLASHES) - ONES) | (word - SPACES)
        if ((found & ~word & HIGH_BITS) !== 0) break
        p += 4
      }
      while (IS_SPECIAL[bytes[p] as number] === 0) p++
      const c = bytes[p]
      if (c === QUOTE) return p + 1
      if (p >= length) break
      if (c === NEWLINE) window.line++
      p += c === BACKSLASH ? 2 : 1
    }
    window.at = p
    return -1
  }

  function scan(until: number, stopsAtLists: boolean): ScanStop {
    const { bytes, length, base } = window
    let p = window.at
    for (;;) {
      if (isInString) {
        p = endOfString(p)
        if (p < 0) return MORE
        isInString = false
        if (depth === 0) break
      }
      while (IS_STRUCTURE[bytes[p] as number] === 0) p++
      const c = bytes[p] as number
      if (c === QUOTE) {
        if (depth > 0 && MAY_PRECEDE_STRING[bytes[p - 1] as number] === 0) {
          damage = 'a quote or a comma is missing'
          window.at = p
          return DAMAGE
        }
        stringStart = base + p
        isInString = true
        p++
      } else if (c === NEWLINE) {
        if (p >= length) {
          window.at = p
          return MORE
        }
        window.line++
        p++
      } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
        open(c)
        p++
        if (stopsAtLists && depth === 2 && c === OPEN_BRACKET) {
          window.at = p
          return LIST
        }
      } else {
        const closer = closers[depth - 1] as number
        if (c !== closer) {
          damage = `expected '${String.fromCharCode(closer)}'`
          window.at = p
          return DAMAGE
        }
        depth--
        p++
        if (depth <= until) break
      }
    }
    window.at = p
    return CLOSED
  }

  return {
    begin() {
      depth = 0
      isInString = false
    },
    beginInObject() {
      depth = 0
      isInString = false
      open(OPEN_BRACE)
    },
    scan,
    depth: () => depth,
    stringStart: () => stringStart,
    isInString: () => isInString,
    damage: () => damage,
  }
}

function tableOf(bytes: readonly number[]): Uint8Array {
  const table = new Uint8Array(256)
  for (const byte of bytes) table[byte] = 1
  return table
}
