import { textOf } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import type { FieldColumns } from '../model.ts'

/** Names that are kept: enough to say that there are some. */
const MAX_NAMES = 20
/** The first byte of `null`, and of no other value. */
const LETTER_N = 0x6e

/** Notes the names of fields that the catalogue lacks and that hold something, for the hot path: nothing is counted. */
export interface UnknownNames {
  /** Adds the name in `bytes[keyStart, keyEnd)`, the content of a key. */
  add(bytes: Uint8Array, keyStart: number, keyEnd: number, valueStart: number): void
  /** Adds those of the columns of `count` records. */
  addColumns(columns: FieldColumns, count: number): void
}

/**
 * @param names the list to add to, each name once
 * @param isKnown tells whether a key or column of this name is a field after all
 */
export function createUnknownNames(names: string[], isKnown: (name: string) => boolean): UnknownNames {
  const keys: Uint8Array[] = []
  // Records of one export have their fields in one order: the name behind the one found last is tried first.
  let next = 0
  let columnNames: readonly string[] = []
  let openColumns: readonly number[] = []

  function addName(name: string): void {
    if (names.length < MAX_NAMES && !names.includes(name)) names.push(name)
  }

  return {
    add(bytes, keyStart, keyEnd, valueStart) {
      if (bytes[valueStart] === LETTER_N) return
      for (let tried = 0; tried < keys.length; tried++) {
        const key = keys[next] as Uint8Array
        next = next + 1 < keys.length ? next + 1 : 0
        if (isSame(key, bytes, keyStart, keyEnd)) return
      }
      if (keys.length >= MAX_NAMES) return
      // A copy: the chunk's bytes are used again.
      keys.push(new Uint8Array(bytes.subarray(keyStart, keyEnd)))
      const name: string = JSON.parse(textOf(bytes, keyStart - 1, keyEnd + 1))
      if (!isKnown(name)) addName(name)
    },
    addColumns({ names: all, kinds }, count) {
      if (all !== columnNames) {
        columnNames = all
        openColumns = [...all.keys()].filter((column) => !isKnown(all[column] as string))
      }
      if (openColumns.length === 0) return
      openColumns = openColumns.filter((column) => {
        for (let i = 0; i < count; i++) {
          if ((kinds[i * all.length + column] as number) <= KIND.null) continue
          addName(all[column] as string)
          return false
        }
        return true
      })
    },
  }
}

function isSame(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  let i = 0
  while (i < key.length && key[i] === bytes[start + i]) i++
  return i === key.length
}
