import { outcomeAt, typeNameOf } from '../chunk.ts'
import { excerpt } from '../excerpt.ts'
import { textOf } from '../json/bytes.ts'
import { createUnknownFieldReader } from '../map/unknown-fields.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { MappedChunk } from '../model.ts'

/** Fields of records that neither an event type of the catalogue nor the mapping file has: Braze adds to Currents about every month (currents/README.md). */
export interface Drift {
  /** In the order of the types, of each the most frequent first. */
  readonly fields: readonly UnknownField[]
  /** Event types whose further fields are not told apart: they have too many. */
  readonly typesWithMore: readonly string[]
}

interface UnknownField {
  readonly type: string
  readonly field: string
  readonly records: number
  /** Beginning of the JSON text of one value. */
  readonly example: string
}

/** Counts drift in one pass, in memory that does not grow with the input. */
export interface DriftWatch {
  /** Looks at the records of a booked chunk. */
  see(chunk: MappedChunk): void
  drift(): Drift
}

/** Fields of one event type that are told apart: many more than a version of Currents adds. */
const MAX_FIELDS = 100
const EXAMPLE_LENGTH = 40

/** The fields met with one event type. */
interface TypeFields {
  readonly fields: Map<string, { records: number; readonly example: string }>
  hasMore: boolean
}

export function createDriftWatch(mapping: Mapping): DriftWatch {
  const byType = new Map<string, TypeFields>()
  const readUnknownFields = createUnknownFieldReader(mapping, seeField)
  /** The type of the record at hand. */
  let type = ''

  function seeField(name: string, bytes: Uint8Array, start: number, end: number): void {
    let entry = byType.get(type)
    if (entry === undefined) {
      entry = { fields: new Map(), hasMore: false }
      byType.set(type, entry)
    }
    const field = entry.fields.get(name)
    if (field !== undefined) field.records++
    else if (entry.fields.size >= MAX_FIELDS) entry.hasMore = true
    else entry.fields.set(name, { records: 1, example: excerpt(textOf(bytes, start, end), EXAMPLE_LENGTH) })
  }

  return {
    see(chunk) {
      // The mapper has met every field of the chunk.
      if (mapping.unknownFields.length === 0) return
      for (let i = 0; i < chunk.count; i++) {
        const name = typeNameOf(chunk, i)
        const outcome = outcomeAt(chunk, i)
        if (name === null || outcome === undefined || outcome.is === 'rejected') continue
        type = name
        readUnknownFields(chunk.raw, i)
      }
    },
    drift: () => ({
      fields: Array.from(byType, ([type, { fields }]) =>
        Array.from(fields, ([field, { records, example }]) => ({ type, field, records, example })),
      )
        .flat()
        .toSorted((a, b) => (a.type === b.type ? b.records - a.records : a.type < b.type ? -1 : 1)),
      typesWithMore: Array.from(byType).flatMap(([type, { hasMore }]) => (hasMore ? [type] : [])),
    }),
  }
}
