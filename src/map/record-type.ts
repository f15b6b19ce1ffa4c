import type { Mapping, Plan } from '../mapping/plan.ts'
import { namesCurrentsType } from '../mapping/plan.ts'
import type { RecordScanner } from './record-scanner.ts'
import { isString, textOfField } from './record-values.ts'

/** The event type that the record just scanned names itself; null when it names none. `field` is the scanner's `event_type`. */
export function ownTypeOf(scanner: RecordScanner, bytes: Uint8Array, field: number): string | null {
  if (!isString(scanner, field)) return null
  const type = textOfField(scanner, bytes, field)
  return namesCurrentsType(type) ? type : null
}

/**
 * Makes the function that gives the plan of the event type that the record itself names; null when it names none. Records of one
 * type come in runs, so that a name is looked up only when it is not that of the record before.
 */
export function createTypeReader(mapping: Mapping, scanner: RecordScanner): (bytes: Uint8Array) => Plan | null {
  const field = scanner.fieldOf('event_type')
  let name: Uint8Array = new Uint8Array(0)
  let plan: Plan | null = null

  return function ownPlan(bytes) {
    if (!isString(scanner, field)) return null
    const start = scanner.starts[field] as number
    const end = scanner.ends[field] as number
    let same = name.length === end - start
    for (let i = 0; same && i < name.length; i++) same = name[i] === bytes[start + i]
    if (!same) {
      // A copy: `slice` of a `Buffer` is a view of bytes that the next chunk may overwrite.
      name = new Uint8Array(bytes.subarray(start, end))
      const type = ownTypeOf(scanner, bytes, field)
      plan = type === null ? null : mapping.planOf(type)
    }
    return plan
  }
}
