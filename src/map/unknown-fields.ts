import { recordSpan } from '../chunk.ts'
import { CONTAINER_FIELDS, RECORD_FIELDS } from '../currents/fields.ts'
import { unionValue } from '../json/avro-union.ts'
import { OPEN_BRACE, textOf } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { kindOf } from '../json/values.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { FieldColumns, RawChunk } from '../model.ts'
import { createFormReader } from './record-forms.ts'
import { createRecordScanner } from './record-scanner.ts'
import { ownTypeOf } from './record-type.ts'

/** Is told of a field; its value is the JSON text `bytes[start, end)`. */
type SeeField = (name: string, bytes: Uint8Array, start: number, end: number) => void

/**
 * Makes the function that tells `see` of each field of record `index` of a mapped chunk that neither an event type of the catalogue nor
 * the mapping file has, unless it is null. Until the mapper has met such a field there is nothing to look for.
 */
export function createUnknownFieldReader(
  { fieldNames, unknownFields }: Mapping,
  see: SeeField,
): (raw: RawChunk, index: number) => void {
  const scanner = createRecordScanner(fieldNames, CONTAINER_FIELDS, new Set(RECORD_FIELDS), seeMember)
  const eventType = scanner.fieldOf('event_type')
  const forms = createFormReader(scanner, { shareFields: [] })
  let columnNames: readonly string[] = []
  let unknownColumns: readonly number[] = []

  function seeMember(bytes: Uint8Array, keyStart: number, keyEnd: number, start: number, end: number): void {
    const inner = bytes[start] === OPEN_BRACE ? unionValue(bytes, start) : null
    seeValue(JSON.parse(textOf(bytes, keyStart - 1, keyEnd + 1)), bytes, inner?.start ?? start, inner?.end ?? end)
  }

  function seeValue(name: string, bytes: Uint8Array, start: number, end: number): void {
    if (kindOf(bytes, start, end) !== KIND.null && !scanner.knows(name)) see(name, bytes, start, end)
  }

  function seeColumns(bytes: Uint8Array, { names, kinds, starts, ends }: FieldColumns, index: number): void {
    if (names !== columnNames) {
      columnNames = names
      unknownColumns = [...names.keys()].filter((i) => !scanner.knows(names[i] as string))
    }
    for (const column of unknownColumns) {
      const at = index * names.length + column
      if ((kinds[at] as number) > KIND.null)
        seeValue(names[column] as string, bytes, starts[at] as number, ends[at] as number)
    }
  }

  return function readUnknownFields(raw, index) {
    if (unknownFields.length === 0) return
    const { bytes, fields } = raw
    if (fields !== undefined) {
      seeColumns(bytes, fields, index)
      return
    }
    const { start, end } = recordSpan(raw, index)
    scanner.scan(bytes, start, end)
    forms.flatten(bytes, ownTypeOf(scanner, bytes, eventType) !== null)
  }
}
