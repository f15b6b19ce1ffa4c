import { KIND } from '../json/kind.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { RecordScanner } from './record-scanner.ts'
import { isPresent } from './record-values.ts'

/** Fields whose value is an object of its own: never a union wrapper. */
export const CONTAINERS = new Set(['user', 'properties', 'custom_properties', 'purchase_properties'])
/** Fields of the record itself that a nested `user` or `properties` must not replace. */
export const RECORD_FIELDS = new Set(['id', 'time', 'event_type'])

/** Brings the forms that records come in to the flat one of storage (BRAZE.md, The record shapes). */
export interface FormReader {
  /** Custom HTTP form: the fields of `user` and `properties` become the record's own. */
  flatten(bytes: Uint8Array, namesOwnType: boolean): void
  /** Snowflake share: `x_api_id` is what the connector sends as `x_id`. */
  takeShareFields(isOfShare: boolean): void
  /** The field that holds the customer's own properties, or -1. */
  customSource(): number
}

export function createFormReader(scanner: RecordScanner, { shareFields }: Mapping): FormReader {
  const { starts, ends, kinds } = scanner
  const user = scanner.fieldOf('user')
  const properties = scanner.fieldOf('properties')
  const customProperties = scanner.fieldOf('custom_properties')
  const purchaseProperties = scanner.fieldOf('purchase_properties')
  const sharedAt = scanner.fieldOf('sf_created_at')
  const ids = ['external_user_id', 'device_id', 'user_id'].map(scanner.fieldOf)

  return {
    flatten(bytes, namesOwnType) {
      const hasUser = kinds[user] === KIND.object
      const isHttpForm = hasUser || (namesOwnType && ids.every((id) => kinds[id] === KIND.none))
      if (isHttpForm && kinds[properties] === KIND.object) {
        kinds[properties] = KIND.none
        scanner.scanNested(bytes, starts[properties] as number, ends[properties] as number)
      }
      if (hasUser) scanner.scanNested(bytes, starts[user] as number, ends[user] as number)
    },
    takeShareFields(isOfShare) {
      if (!isOfShare && !isPresent(scanner, sharedAt)) return
      for (const { apiId, id } of shareFields) {
        if (kinds[apiId] !== KIND.none) scanner.alias(id, apiId)
      }
    },
    customSource() {
      if (isPresent(scanner, customProperties)) return customProperties
      if (isPresent(scanner, purchaseProperties)) return purchaseProperties
      return isPresent(scanner, properties) ? properties : -1
    },
  }
}
