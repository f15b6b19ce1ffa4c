import type { TextView } from '../json/bytes.ts'
import { createTextNumbers } from '../json/text-numbers.ts'

/** Names with their counts. */
export interface Names {
  /** Counts the name in `source[start, end)`, the content of a JSON string. */
  add(source: TextView, start: number, end: number): void
  all(): readonly (readonly [string, number])[]
}

/** Names that are told apart: many more than a project of Amplitude can query. More are left out. */
const MAX_NAMES = 20_000

export function createNames(): Names {
  const numbers = createTextNumbers(MAX_NAMES)
  const counts: number[] = []

  return {
    add(source, start, end) {
      const number = numbers.numberOf(source, start, end)
      if (number >= 0) counts[number] = (counts[number] ?? 0) + 1
    },
    all: () => counts.map((count, number) => [String(JSON.parse(`"${numbers.textOf(number)}"`)), count] as const),
  }
}
