import type { FieldType } from '../currents/events.ts'
import type { EventOutline } from '../mapping/event-outline.ts'
import type { Report, SentEvent } from './check-event.ts'

/** Checks that the fields of an export still have the types that the catalogue knows. */
export function checkTypes(event: SentEvent, { type, properties }: EventOutline, report: Report): void {
  for (const { key, field, type: expected, protection } of properties) {
    const value = event.event_properties[key]
    if (value === undefined || protection !== null || isOfType(value, expected)) continue
    const found = Array.isArray(value) ? 'a list' : `a ${typeof value}`
    report('warning', 'field_type', `${type}: ${field} is ${found}, in Braze's schema it is ${TYPES[expected]}`)
  }
}

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
