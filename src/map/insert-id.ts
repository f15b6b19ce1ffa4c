import { crypto } from '../crypto.ts'
import { mix } from '../hash.ts'
import { literal } from '../json/bytes.ts'
import { writeAscii } from '../json/values.ts'
import type { Plan } from '../mapping/plan.ts'
import type { MappedChunk, RawChunk } from '../model.ts'

/** Stands where the `insert_id` of a record without `id` goes, until the event it is computed from is written. */
export const NO_ID = literal(`"${'0'.repeat(32)}"`)

/**
 * Writes the `insert_id` of a record without `id` into the event `target[start, end)`, where `NO_ID` stands at `idAt`: 32 hex
 * digits of SHA-256 over the source's head hash, the record's position and the event (src/README.md §3); or as it was made before, if the
 * record comes from a letter.
 */
export function writeMadeId(
  target: Uint8Array,
  start: number,
  idAt: number,
  end: number,
  { source, positions, letters }: RawChunk,
  index: number,
): void {
  const made = () =>
    crypto()
      .createHash('sha256')
      .update(`${source.headHash()}:${positions[index]}:`)
      .update(target.subarray(start, end))
      .digest('hex')
      .slice(0, 32)
  writeAscii(target, idAt + 1, letters?.[index]?.madeId ?? made())
}

/** Sets the 64-bit hash over the event type and the id in `bytes[start, end)`, by which duplicates are found. */
export function hashId(
  { idLow, idHigh }: Pick<MappedChunk, 'idLow' | 'idHigh'>,
  index: number,
  { hashLow, hashHigh }: Plan,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  let low = hashLow
  let high = hashHigh
  for (let p = start; p < end; p++) {
    const c = bytes[p] as number
    low = Math.imul(low ^ c, 0x9e3779b1)
    high = Math.imul(high ^ c, 0x5f356495)
  }
  const mixedLow = mix(low) ^ high
  idLow[index] = mix(mixedLow)
  idHigh[index] = mix(high ^ mixedLow) | 1
}
