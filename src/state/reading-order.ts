import { statSync } from 'node:fs'
import type { Source } from '../model.ts'
import { STDIN } from '../read/file-list.ts'
import type { TrailingFingerprint } from '../read/fingerprint.ts'

/** An input that is being read or will be. */
export interface OrderedInput {
  readonly source: Source
  /** Bytes as stored: when the input was looked at (Infinity for standard input), and once it is closed, those that were read. */
  size: number
  /** Bytes as stored that were read. */
  stored: number
  /** The fingerprint of a file that is being read; null before, and at its end. */
  trail: TrailingFingerprint | null
}

/** The inputs in the order of reading. An input is looked at only when it is asked for. */
export interface ReadingOrder {
  /** Each source once, in order. */
  sources(): Generator<Source>
  /** The input with this number; null when there are fewer inputs, or it was forgotten. */
  at(number: number): OrderedInput | null
  /** Forgets the inputs before this number: nobody asks for them any more. */
  forgetBefore(number: number): void
}

export function createReadingOrder(first: readonly string[], rest: Iterable<string>): ReadingOrder {
  const paths = chain(first, rest)
  /** Inputs that were looked at, with consecutive numbers from `lowest` on. */
  let known: OrderedInput[] = []
  let lowest = 0

  function lookAt(path: string): OrderedInput {
    const source = { path, number: lowest + known.length }
    if (path === STDIN) return { source, size: Number.POSITIVE_INFINITY, stored: 0, trail: null }
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    return { source, size, stored: 0, trail: null }
  }

  function at(number: number): OrderedInput | null {
    while (number >= lowest + known.length) {
      const next = paths.next()
      if (next.done === true) return null
      known.push(lookAt(next.value))
    }
    return known[number - lowest] ?? null
  }

  return {
    *sources() {
      for (let number = 0; ; number++) {
        const next = at(number)
        if (next === null) return
        yield next.source
      }
    },
    at,
    forgetBefore(number) {
      if (number <= lowest) return
      known = known.slice(number - lowest)
      lowest = number
    },
  }
}

function* chain(first: Iterable<string>, rest: Iterable<string>): Generator<string> {
  yield* first
  yield* rest
}
