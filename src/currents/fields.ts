import { EVENTS, FIELD_TYPES } from './events.ts'

/** Fields that records of every type may have. */
const COMMON = [
  'id',
  'user_id',
  'external_user_id',
  'device_id',
  'time',
  'timezone',
  'event_type',
  'name',
  'properties',
]

const FIELDS = new Set([
  ...COMMON,
  ...Object.keys(FIELD_TYPES),
  ...EVENTS.flatMap((row) => [
    ...row.properties,
    ...Object.values(row.propertySources ?? {}),
    ...Object.values(row.topLevel ?? {}),
  ]),
])

/** True when some Currents record has a field of this name (in lower case), Snowflake's `…_api_id` included. */
export function isCurrentsField(name: string): boolean {
  return FIELDS.has(name) || FIELDS.has(name.replace(/_api_id$/, '_id'))
}
