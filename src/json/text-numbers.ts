import { createWordHasher } from '../hash.ts'
import { copyText, createByteWriter, reserve, type TextView, textOf } from './bytes.ts'

/** Texts that come time and again, each by a number: from 0 on, in the order in which they were first met. */
export interface TextNumbers {
  /** The number of the text `source[start, end)`; -1 when it is new and there is no room for it. */
  numberOf(source: TextView, start: number, end: number): number
  /** How many texts have a number. */
  count(): number
  textOf(number: number): string
}

const NONE = -1
/** Bytes that reading and copying in whole words may touch behind a text. */
const STEP = 8

/** @param most texts that are told apart */
export function createTextNumbers(most: number): TextNumbers {
  const hashOf = createWordHasher()
  /** All texts one after the other; text `i` is `[starts[i], starts[i + 1])`. */
  const texts = createByteWriter(1 << 12)
  const starts: number[] = [0]
  const slots = 1 << Math.ceil(Math.log2(most * 2))
  /** By hash, the number of a text; allocated by the first one. */
  let table: Int32Array | null = null
  // The keys of an object come in the order of those of the one before it: what followed the last text is tried first.
  const followers: number[] = []
  let last = 0

  function isText(number: number, { view }: TextView, start: number, end: number): boolean {
    const own = starts[number] as number
    const length = (starts[number + 1] as number) - own
    if (length !== end - start) return false
    let i = 0
    for (; i + 4 <= length; i += 4) if (view.getInt32(start + i) !== texts.view.getInt32(own + i)) return false
    for (; i < length; i++) if (view.getUint8(start + i) !== texts.view.getUint8(own + i)) return false
    return true
  }

  function add(source: TextView, start: number, end: number): number {
    reserve(texts, end - start + STEP)
    texts.length = copyText(texts, texts.length, source, start, end)
    starts.push(texts.length)
    followers.push(NONE)
    return starts.length - 2
  }

  function find(source: TextView, start: number, end: number): number {
    table ??= new Int32Array(slots).fill(NONE)
    let slot = hashOf(source.view, start, end).low & (slots - 1)
    for (;;) {
      const number = table[slot] as number
      if (number === NONE) break
      if (isText(number, source, start, end)) return number
      slot = (slot + 1) & (slots - 1)
    }
    if (starts.length > most) return NONE
    const number = add(source, start, end)
    table[slot] = number
    return number
  }

  return {
    numberOf(source, start, end) {
      const guess = followers[last] ?? NONE
      if (guess !== NONE && isText(guess, source, start, end)) {
        last = guess
        return guess
      }
      const number = find(source, start, end)
      if (number === NONE) return NONE
      followers[last] = number
      last = number
      return number
    },
    count: () => starts.length - 1,
    textOf: (number) => textOf(texts.bytes, starts[number], starts[number + 1]),
  }
}
