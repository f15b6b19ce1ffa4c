import type { FieldType } from '../currents/events.ts'
import { fieldNamed, formOf, type RecordField } from '../map/record-fields.ts'
import type { EventOutline } from '../mapping/event-outline.ts'
import type { Report, SentEvent } from './check-event.ts'

/**
 * Checks that the fields of an export still have the types that the catalogue knows. A value that could not be typed is text in the
 * event, and so is one of another type in a field of text: what it was only its record can say.
 * @param listFields the record's fields; asked for only when something may be wrong
 */
export function checkTypes(
  event: SentEvent,
  { type, properties }: EventOutline,
  listFields: () => readonly RecordField[],
  report: Report,
): void {
  let fields: readonly RecordField[] | null = null
  for (const { key, field, type: expected, protection } of properties) {
    const value = event.event_properties[key]
    if (value === undefined || protection !== null) continue
    if (isOfType(value, expected) && !(expected === 'string' && MAY_BE_MADE.test(String(value)))) continue
    fields ??= listFields()
    const stored = fieldNamed(fields, field)
    // Of a field that is absent the value is another's.
    const found = stored === null || stored.value === 'null' ? 'a string' : formOf(stored.value)
    if (expected === 'string' && found === 'a string') continue
    report('warning', 'field_type', `${type}: ${field} is ${found}, in Braze's schema it is ${TYPES[expected]}`)
  }
}

/** Text that may have been made of a number, a boolean, a list or an object. */
const MAY_BE_MADE = /^(?:-?[\d.]+(?:e[+-]?\d+)?|true|false|\[.*\]|\{.*\})$/is

const TYPES: Readonly<Record<FieldType, string>> = {
  string: 'a string',
  int: 'a whole number',
  float: 'a number',
  double: 'a number',
  boolean: 'a boolean',
  strings: 'a list of strings',
  any: 'unknown',
}

function isOfType(value: unknown, type: FieldType): boolean {
  switch (type) {
    case 'any':
      return true
    case 'string':
      return typeof value === 'string'
    case 'int':
      return Number.isInteger(value)
    case 'float':
    case 'double':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
  }
}
