import {
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
type ScanStop = typeof MORE | typeof CLOSED | typeof LIST | typeof DAMAGE

/** Bytes that mean something outside of strings: quotes, brackets and newlines. */
const IS_STRUCTURE = tableOf([QUOTE, OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET, NEWLINE])
/** Bytes that a string may stand right behind. */
const MAY_PRECEDE_STRING = tableOf([OPEN_BRACE, OPEN_BRACKET, COLON, COMMA, ...Buffer.from(' \t\r\n\0')])

export function createBoundaryScanner(window: TextWindow): BoundaryScanner {
  /** The brackets that close those that are open. */
  let closers = new Uint8Array(64)
  let depth = 0
  let isInString = false
  let stringStart = 0
  let damage = ''

  // All that changes with a byte is kept in variables of its own until the scan stops.
  function scan(until: number, stopsAtLists: boolean): ScanStop {
    // One function is made for each input, and such ones load constants of their module again for every byte.
    const quote = 0x22
    const backslash = 0x5c
    const newline = 0x0a
    const bracket = 0x5b
    const brace = 0x7b
    const ones = 0x01010101
    const highBits = 0x80808080
    const isStructure = IS_STRUCTURE
    const { bytes, view, length } = window
    let p = window.at
    let line = window.line
    let count = depth
    let isOpen = isInString
    let lastString = stringStart - window.base
    let stop: ScanStop
    for (;;) {
      let c: number
      if (isOpen) {
        for (;;) {
          const word = view.getInt32(p, true)
          // The high bit of a byte is set when it, or one before it, is a quote, a backslash or a control.
          const found = ((word ^ (quote * ones)) - ones) | ((word ^ (backslash * ones)) - ones) | (word - 0x20 * ones)
          if ((found & ~word & highBits) === 0) {
            p += 4
            continue
          }
          c = bytes[p] as number
          while (c !== quote && c !== backslash && c >= 0x20) c = bytes[++p] as number
          if (c === quote || p >= length) break
          if (c === newline) line++
          p += c === backslash ? 2 : 1
        }
        if (c !== quote) {
          stop = MORE
          break
        }
        isOpen = false
        p++
        if (count === 0) {
          stop = CLOSED
          break
        }
      }
      c = bytes[p] as number
      while (isStructure[c] === 0) c = bytes[++p] as number
      if (c === quote) {
        if (count > 0 && MAY_PRECEDE_STRING[bytes[p - 1] as number] === 0) {
          damage = 'a quote or a comma is missing'
          stop = DAMAGE
          break
        }
        lastString = p
        isOpen = true
        p++
      } else if (c === newline) {
        if (p >= length) {
          stop = MORE
          break
        }
        line++
        p++
      } else if (c === brace || c === bracket) {
        open(count, c)
        count++
        p++
        if (stopsAtLists && count === 2 && c === bracket) {
          stop = LIST
          break
        }
      } else {
        const closer = closers[count - 1] as number
        if (c !== closer) {
          damage = `expected '${String.fromCharCode(closer)}'`
          stop = DAMAGE
          break
        }
        count--
        p++
        if (count <= until) {
          stop = CLOSED
          break
        }
      }
    }
    window.at = p
    window.line = line
    depth = count
    isInString = isOpen
    stringStart = window.base + lastString
    return stop
  }

  function open(at: number, bracket: number): void {
    if (at === closers.length) closers = grownInto(new Uint8Array(2 * at), closers)
    // The closers of both brackets are two above their openers.
    closers[at] = bracket + 2
  }

  return {
    begin() {
      depth = 0
      isInString = false
    },
    beginInObject() {
      open(0, OPEN_BRACE)
      depth = 1
      isInString = false
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
