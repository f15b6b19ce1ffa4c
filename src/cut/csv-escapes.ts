import { BACKSLASH, CARRIAGE_RETURN, NEWLINE, QUOTE } from '../json/bytes.ts'
import { isJsonEscape } from '../json/strings.ts'
import type { CsvDialect } from './csv-dialect.ts'

const APOSTROPHE = 0x27
const ZERO = 0x30

/** What a backslash and a letter stand for outside quotes, as databases write it; any other byte stands for itself. */
const LETTERS = new Uint8Array(256)
for (const [letter, byte] of [
  ['0', 0x00],
  ['b', 0x08],
  ['t', 0x09],
  ['n', NEWLINE],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', CARRIAGE_RETURN],
  ['Z', 0x1a],
] as const) {
  LETTERS[letter.charCodeAt(0)] = byte
}

/** Beside the delimiter, what has a backslash before it within quotes; Redshift escapes both quotes. */
const ESCAPABLE: ReadonlySet<number> = new Set([QUOTE, APOSTROPHE, BACKSLASH, NEWLINE, CARRIAGE_RETURN])

/** What is escaped in the fields of one dialect. */
export interface CsvEscapes {
  /** The bytes `[from, to)` without what escapes in them, and a newline behind them, which ends any JSON; they stay until the next call. */
  unescape(bytes: Uint8Array, from: number, to: number): Uint8Array
  /** True when a JSON string has the same text as a backslash that escapes and `next` behind it, and in the same way. */
  isJson(next: number | undefined): boolean
}

export function createEscapes({ delimiter, quote, escaper }: CsvDialect): CsvEscapes {
  let scratch = new Uint8Array(0)

  /** What `next` stands for behind the byte that escapes; -1 when both stand for themselves, as most do within quotes. */
  function meaningOf(next: number): number {
    if (quote === null) return next === ZERO || LETTERS[next] !== 0 ? (LETTERS[next] as number) : next
    const isEscaped = escaper === QUOTE ? next === QUOTE : next === delimiter || ESCAPABLE.has(next)
    return isEscaped ? next : -1
  }

  return {
    unescape(bytes, from, to) {
      if (scratch.length <= to - from) scratch = new Uint8Array((to - from) * 2 + 1)
      let size = 0
      for (let p = from; p < to; p++) {
        let byte = bytes[p] as number
        const meaning = byte === escaper && p + 1 < to ? meaningOf(bytes[p + 1] as number) : -1
        if (meaning >= 0) {
          byte = meaning
          p++
        }
        scratch[size++] = byte
      }
      scratch[size++] = NEWLINE
      return scratch.subarray(0, size)
    },
    isJson: (next) => next !== undefined && isJsonEscape(next, meaningOf(next)),
  }
}
