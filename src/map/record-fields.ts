import { CONTAINER_FIELDS, fieldNameOf, NESTING_FIELDS, RECORD_FIELDS } from '../currents/fields.ts'
import { unionValue } from '../json/avro-union.ts'
import { OPEN_BRACE, textOf, utf8 } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { type Member, membersOf } from '../json/members.ts'
import { kindOf } from '../json/values.ts'
import type { RawChunk } from '../model.ts'
import { recordBytes } from '../record-text.ts'
import { createFormTest, FORM_FIELDS } from './record-forms.ts'
import { createRecordScanner } from './record-scanner.ts'
import { ownTypeOf } from './record-type.ts'

/** A field that the mapper meets in a record, for those who say afterwards what it did: not for the hot path. */
export interface RecordField {
  /** The key as the record spells it, behind the object that nests it in the Custom HTTP form: `properties.campaign_name`. */
  readonly path: string
  /** What the mapper takes it for: the field's name, without that object. */
  readonly name: string
  /** The key is no more than another spelling of that name. */
  readonly isSpelled: boolean
  /** JSON text of its value, a union's wrapper included. */
  readonly value: string
  /** The field of the highest rank counts among those of one name, and the last of equal ones; of those that spell it, the first. */
  readonly rank: number
}

/** Makes the function that lists the fields of record `index` of a chunk, in the record's order. The record must be valid JSON. */
export function createFieldLister(): (raw: RawChunk, index: number) => readonly RecordField[] {
  const scanner = createRecordScanner(FORM_FIELDS, CONTAINER_FIELDS, new Set(RECORD_FIELDS))
  const eventType = scanner.fieldOf('event_type')
  const isHttpForm = createFormTest(scanner)

  return function fieldsOf(raw, index) {
    const bytes = recordBytes(raw, index)
    scanner.scan(bytes, 0, bytes.length)
    const nests = isHttpForm(ownTypeOf(scanner, bytes, eventType) !== null)
    return membersOf(bytes, 0).flatMap((member) => {
      if (!nests || !isNesting(bytes, member)) return fieldOf(bytes, member, null)
      const inner = membersOf(bytes, member.start)
      return inner.length === 0 ? fieldOf(bytes, member, null) : inner.map((one) => fieldOf(bytes, one, member.key))
    })
  }
}

/** True for the `user` and `properties` of a record in the Custom HTTP form. */
export function isNesting(bytes: Uint8Array, { key, start }: Member): boolean {
  return bytes[start] === OPEN_BRACE && NESTING_ORDER.includes(fieldNameOf(key))
}

/** The field of this name that counts; null when there is none. */
export function fieldNamed(fields: readonly RecordField[], name: string): RecordField | null {
  let counting: RecordField | null = null
  for (const field of fields) {
    if (field.name !== name) continue
    const isBefore = counting !== null && (field.isSpelled ? counting.rank >= field.rank : counting.rank > field.rank)
    if (!isBefore) counting = field
  }
  return counting
}

/** The id in a field, as the event has it: the text of a string, also in a union's wrapper, or the digits of a number. */
export function idOfField({ value }: RecordField): string {
  const parsed: unknown = JSON.parse(value)
  if (typeof parsed === 'number') return value
  return String(typeof parsed === 'object' && parsed !== null ? Object.values(parsed)[0] : parsed)
}

/** What a JSON text that is not null is: in a union's wrapper, or without one. */
export function formOf(json: string): 'a string' | 'a number' | 'a boolean' | 'a list' | 'an object' {
  const bytes = utf8(`${json}\n`)
  const { start, end } = unionValue(bytes, 0) ?? { start: 0, end: bytes.length - 1 }
  switch (kindOf(bytes, start, end)) {
    case KIND.string:
    case KIND.escapedString:
      return 'a string'
    case KIND.true:
    case KIND.false:
      return 'a boolean'
    case KIND.array:
      return 'a list'
    case KIND.object:
      return 'an object'
    default:
      return 'a number'
  }
}

const NESTING_ORDER: readonly string[] = NESTING_FIELDS
const OWN_OF_RECORD: ReadonlySet<string> = new Set(RECORD_FIELDS)

function fieldOf(bytes: Uint8Array, { key, start, end }: Member, nestedIn: string | null): RecordField {
  const name = fieldNameOf(key)
  const isSpelled = name !== key.toLowerCase()
  const depth = nestedIn === null ? 0 : NESTING_ORDER.indexOf(fieldNameOf(nestedIn)) + 1
  return {
    path: nestedIn === null ? key : `${nestedIn}.${key}`,
    name,
    isSpelled,
    value: textOf(bytes, start, end),
    rank: (OWN_OF_RECORD.has(name) ? -depth : depth) - (isSpelled ? 0.5 : 0),
  }
}
