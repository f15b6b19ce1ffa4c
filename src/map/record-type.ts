import { typeNamedBy } from '../currents/event-type.ts'
import type { Mapping, Plan } from '../mapping/plan.ts'
import type { RecordScanner } from './record-scanner.ts'
import { isString, textOfField } from './record-values.ts'

/**
 * The event type that the record just scanned names itself; null when it names none, but something of its event (`enter`). `field` is the
 * scanner's `event_type`.
 */
export function ownTypeOf(scanner: RecordScanner, bytes: Uint8Array, field: number): string | null {
  return isString(scanner, field) ? typeNamedBy(textOfField(scanner, bytes, field)) : null
}

/** Names that are looked up once; records bring very few, unless the field holds something else. */
const MAX_KNOWN_NAMES = 1000

/**
 * Makes the function that gives the plan of the event type that the record itself names; null when it names none. Records of one
 * type come in runs, so that a name is looked up only when it is not that of the record before.
 */
export function createTypeReader(mapping: Mapping, scanner: RecordScanner): (bytes: Uint8Array) => Plan | null {
  const field = scanner.fieldOf('event_type')
  const known = new Map<string, Plan | null>()
  let name: Uint8Array = new Uint8Array(0)
  let plan: Plan | null = null

  function planNamed(text: string): Plan | null {
    const before = known.get(text)
    if (before !== undefined) return before
    const type = typeNamedBy(text)
    const found = type === null ? null : mapping.planOf(type)
    if (known.size < MAX_KNOWN_NAMES) known.set(text, found)
    return found
  }

  return function ownPlan(bytes) {
    if (!isString(scanner, field)) return null
    const start = scanner.starts[field] as number
    const end = scanner.ends[field] as number
    let same = name.length === end - start
    for (let i = 0; same && i < name.length; i++) same = name[i] === bytes[start + i]
    if (!same) {
      // A copy: `slice` of a `Buffer` is a view of bytes that the next chunk may overwrite.
      name = new Uint8Array(bytes.subarray(start, end))
      plan = planNamed(textOfField(scanner, bytes, field))
    }
    return plan
  }
}
