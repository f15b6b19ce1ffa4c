import { fieldNameOf } from '../currents/fields.ts'
import { type TextView, textOf, textView, utf8 } from '../json/bytes.ts'

/** Stands for no field. */
export const NO_FIELD = -1

/** Keys that are no field's name and are remembered: what they mean need not be found out for every record. */
const MAX_LEARNT = 256
const MAX_LEARNT_BYTES = 1 << 13

/**
 * What keys mean, by their bytes: the names of fields, without regard to case, and keys that were learnt. Names have the numbers of their
 * fields.
 */
export interface FieldKeys {
  /** All names one after the other, behind them what was learnt; number `i` is `[nameStarts[i], nameStarts[i + 1])`. */
  readonly names: TextView
  readonly nameStarts: Int32Array
  /** The fields that the keys mean which were learnt; the first of them has the number behind the names. */
  readonly meanings: Int16Array
  /** Number of the name or learnt key `[start, end)`, or `NO_FIELD`. */
  lookUp(bytes: Uint8Array, start: number, end: number): number
  /** The field that a key means which is no field's name, but spells one; or `NO_FIELD`. */
  meaningOf(bytes: Uint8Array, start: number, end: number): number
  /** The same, remembered while there is room. */
  learn(bytes: Uint8Array, start: number, end: number): number
}

/** An ASCII letter in lower case; other bytes as they are. */
function lower(c: number): number {
  return c >= 0x41 && c <= 0x5a ? c + 0x20 : c
}

/** FNV-1a over lower-cased bytes. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let p = start; p < end; p++) hash = Math.imul(hash ^ lower(bytes[p] as number), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}

export function createFieldKeys(fieldNames: readonly string[]): FieldKeys {
  const count = fieldNames.length
  const numbers = new Map(fieldNames.map((name, i) => [name, i]))
  const ownNames = utf8(fieldNames.join(''))
  const names = new Uint8Array(ownNames.length + MAX_LEARNT_BYTES)
  names.set(ownNames)
  const nameStarts = new Int32Array(count + 1 + MAX_LEARNT)
  for (const [i, name] of fieldNames.entries()) nameStarts[i + 1] = (nameStarts[i] as number) + Buffer.byteLength(name)
  let learntCount = 0
  const meanings = new Int16Array(MAX_LEARNT)

  const tableSize = 1 << Math.ceil(Math.log2((count + MAX_LEARNT) * 4))
  const table = new Int16Array(tableSize).fill(NO_FIELD)
  for (let i = 0; i < count; i++) addToTable(i)

  function addToTable(number: number): void {
    let slot = hashOf(names, nameStarts[number] as number, nameStarts[number + 1] as number) & (tableSize - 1)
    while (table[slot] !== NO_FIELD) slot = (slot + 1) & (tableSize - 1)
    table[slot] = number
  }

  function lookUp(bytes: Uint8Array, start: number, end: number): number {
    let slot = hashOf(bytes, start, end) & (tableSize - 1)
    for (;;) {
      const field = table[slot] as number
      if (field === NO_FIELD) return NO_FIELD
      const nameStart = nameStarts[field] as number
      const length = (nameStarts[field + 1] as number) - nameStart
      if (length === end - start) {
        let i = 0
        while (i < length && names[nameStart + i] === lower(bytes[start + i] as number)) i++
        if (i === length) return field
      }
      slot = (slot + 1) & (tableSize - 1)
    }
  }

  function meaningOf(bytes: Uint8Array, start: number, end: number): number {
    return numbers.get(fieldNameOf(textOf(bytes, start, end))) ?? NO_FIELD
  }

  function learn(bytes: Uint8Array, start: number, end: number): number {
    const field = meaningOf(bytes, start, end)
    const at = nameStarts[count + learntCount] as number
    const keyEnd = at + end - start
    if (learntCount === MAX_LEARNT || keyEnd > names.length) return field
    for (let p = start; p < end; p++) names[at + p - start] = lower(bytes[p] as number)
    nameStarts[count + learntCount + 1] = keyEnd
    meanings[learntCount] = field
    addToTable(count + learntCount++)
    return field
  }

  return { names: textView(names), nameStarts, meanings, lookUp, meaningOf, learn }
}
