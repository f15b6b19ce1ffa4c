import { statSync } from 'node:fs'
import type { Source } from '../model.ts'
import { STDIN } from '../read/file-list.ts'
import type { TrailingFingerprint } from '../read/fingerprint.ts'

/** An input that is being read or will be. */
export interface OrderedInput {
  readonly source: Source
  /** Bytes as stored when it was looked at, Infinity for standard input; what was read of it, once it is closed. */
  size: number
  /** Bytes as stored that were read. */
  stored: number
  /** Of a file that is being read; null before, and at its end. */
  trail: TrailingFingerprint | null
}

/** The inputs in the order of reading, looked at only as far ahead as somebody asks. */
export interface ReadingOrder {
  /** Each once, in order. */
  sources(): Generator<Source>
  /** The input of this number; null when there are not so many, or it was forgotten. */
  at(number: number): OrderedInput | null
  /** Nobody asks for those before this number any more. */
  forgetBefore(number: number): void
}

export function createReadingOrder(first: readonly string[], rest: Iterable<string>): ReadingOrder {
  const paths = chain(first, rest)
  /** With consecutive numbers. */
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
