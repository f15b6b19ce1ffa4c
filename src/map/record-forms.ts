import { IDENTITY_FIELDS, NESTING_FIELDS, OWN_PROPERTIES_FIELDS, SHARE_MARK_FIELD } from '../currents/fields.ts'
import { KIND } from '../json/kind.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { RecordScanner } from './record-scanner.ts'
import { isPresent } from './record-values.ts'

/** Brings the forms that records come in to the flat one of storage (currents/README.md §2). */
export interface FormReader {
  /** Custom HTTP form: the fields of `user` and `properties` become the record's own. True when the record has that form. */
  flatten(bytes: Uint8Array, namesOwnType: boolean): boolean
  /** Snowflake share: `x_api_id` is what the connector sends as `x_id`. */
  takeShareFields(isOfShare: boolean): void
  /** The field that holds the customer's own properties, or -1. */
  customSource(): number
}

export function createFormReader(scanner: RecordScanner, { shareFields }: Pick<Mapping, 'shareFields'>): FormReader {
  const { starts, ends, kinds } = scanner
  const user = scanner.fieldOf('user')
  const properties = scanner.fieldOf('properties')
  const ownProperties = OWN_PROPERTIES_FIELDS.map(scanner.fieldOf)
  const shareMark = scanner.fieldOf(SHARE_MARK_FIELD)
  const isHttpForm = createFormTest(scanner)

  return {
    flatten(bytes, namesOwnType) {
      if (!isHttpForm(namesOwnType)) return false
      const hasUser = kinds[user] === KIND.object
      // A field `user` within the properties would take its place.
      const userStart = starts[user] as number
      const userEnd = ends[user] as number
      if (kinds[properties] === KIND.object) {
        kinds[properties] = KIND.none
        scanner.scanNested(bytes, starts[properties] as number, ends[properties] as number)
      }
      if (hasUser) scanner.scanNested(bytes, userStart, userEnd)
      return true
    },
    takeShareFields(isOfShare) {
      if (!isOfShare && !isPresent(scanner, shareMark)) return
      for (const { apiId, id } of shareFields) {
        if (kinds[apiId] !== KIND.none) scanner.alias(id, apiId)
      }
    },
    customSource() {
      for (const field of ownProperties) if (isPresent(scanner, field)) return field
      return -1
    },
  }
}

/** Fields that decide the form of a record. */
export const FORM_FIELDS = ['event_type', ...NESTING_FIELDS, ...IDENTITY_FIELDS] as const

/**
 * Makes the function that tells whether the record just scanned is in the Custom HTTP form: it has an object `user`, or it names
 * its event type and has no identity of its own, as `properties` then holds it.
 */
export function createFormTest({ kinds, fieldOf }: RecordScanner): (namesOwnType: boolean) => boolean {
  const user = fieldOf('user')
  const ids = IDENTITY_FIELDS.map(fieldOf)

  return function isHttpForm(namesOwnType) {
    if (kinds[user] === KIND.object) return true
    if (!namesOwnType) return false
    for (const id of ids) if (kinds[id] !== KIND.none) return false
    return true
  }
}
