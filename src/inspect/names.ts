import { type Hash, hashKey } from '../hash.ts'
import { textOf } from '../json/bytes.ts'

/** Names with their counts. They are kept by hash, so that a name is read once, however often it comes. */
export interface Names {
  /** Counts the name in `bytes[start, end)`, the content of a JSON string. */
  add(hash: Hash, bytes: Uint8Array, start: number, end: number): void
  all(): readonly (readonly [string, number])[]
}

/** Names that are told apart: many more than a project of Amplitude can query. More are left out. */
const MAX_NAMES = 20_000

export function createNames(): Names {
  const known = new Map<number, { readonly name: string; count: number }>()

  return {
    add(hash, bytes, start, end) {
      const key = hashKey(hash)
      const entry = known.get(key)
      if (entry !== undefined) entry.count++
      else if (known.size < MAX_NAMES)
        known.set(key, { name: String(JSON.parse(`"${textOf(bytes, start, end)}"`)), count: 1 })
    },
    all: () => Array.from(known.values(), ({ name, count }) => [name, count] as const),
  }
}
