import { FIELD_KINDS, MAX_STRING_LENGTH } from '../amplitude/event.ts'
import type { FieldType } from '../currents/events.ts'
import { shareFieldOf } from '../currents/fields.ts'
import { KIND } from '../json/kind.ts'
import type { EventOutline, OutlinedValue } from '../mapping/event-outline.ts'

/** Which values of a record make an event in which the checks find nothing: kinds as bits, bit `k` for `KIND` `k`. */

/** Beside the kinds: the field gives its event a price. */
export const PRICE = 1 << 16
const PRICE_KEYS: readonly string[] = ['price', 'revenue']

const ABSENT = bitsOf(KIND.none, KIND.null)
const STRINGS = bitsOf(KIND.string, KIND.escapedString)
const NUMBERS = bitsOf(KIND.integer, KIND.number)
const BOOLEANS = bitsOf(KIND.true, KIND.false)

/** By type, the kinds that go out as a value of the type: numbers that a double holds, and lists of nothing but strings. */
const KINDS_OF_TYPE: Readonly<Record<FieldType, number>> = {
  string: STRINGS,
  int: bitsOf(KIND.integer),
  float: NUMBERS,
  double: NUMBERS,
  boolean: BOOLEANS,
  strings: bitsOf(KIND.array),
  any: STRINGS | NUMBERS | BOOLEANS,
}
const KINDS_OF_FIELD = { string: STRINGS, number: NUMBERS, integer: bitsOf(KIND.integer) } as const
/** What an event has no value of that is checked. An object is left out: its members may be fields. */
const ANY_BUT_OBJECTS = STRINGS | NUMBERS | BOOLEANS | bitsOf(KIND.array)

/** The kinds of values in `field` of a record that are right wherever an event of the outline may have them. */
export function rightKinds(
  { properties, topLevel }: Pick<EventOutline, 'properties' | 'topLevel'>,
  field: string,
): number {
  let kinds = ANY_BUT_OBJECTS
  for (const value of properties) if (reads(value, field)) kinds &= KINDS_OF_TYPE[value.type]
  let isPrice = false
  for (const value of topLevel) {
    if (!reads(value, field)) continue
    const taken = FIELD_KINDS[value.key]
    kinds &= value.protection === null ? KINDS_OF_TYPE[value.type] : STRINGS
    if (taken !== undefined) kinds &= KINDS_OF_FIELD[taken]
    isPrice ||= PRICE_KEYS.includes(value.key)
  }
  return isPrice ? kinds | PRICE : kinds | ABSENT
}

/** False when each event of the outline is to be looked at closely, whatever its record holds. */
export function canBePlain({ properties, constants, own }: EventOutline): boolean {
  const keys = properties.map(({ key }) => key)
  const names = [...keys, ...constants.map(({ key }) => key)]
  if (new Set(names).size < names.length || names.some((name) => name.length > MAX_STRING_LENGTH)) return false
  if (own === null) return true
  // Which keys a record has is not seen in the event where rules change them.
  const hasRules = own.rules.size > 0 || own.only !== null || properties.some(({ origins }) => origins.length > 0)
  return own.from === 'properties' && !hasRules && !keys.some((key) => key.startsWith(own.prefix))
}

/** True when the value may come from `field`: in a Snowflake share also by its other name. */
function reads({ field, otherField }: OutlinedValue, name: string): boolean {
  return [field, otherField].some((one) => one !== null && (one === name || shareFieldOf(one) === name))
}

function bitsOf(...kinds: readonly number[]): number {
  return kinds.reduce((bits, kind) => bits | (1 << kind), 0)
}
