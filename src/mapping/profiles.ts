import { type EventRow, pageProperties } from '../currents/events.ts'
import type { MappingRules, Prefixes, Profile } from './rule-types.ts'

/** What stands before names and the customer's own properties in Amplitude (currents/README.md §5). */
export const PREFIXES = {
  event: '[Appboy] ',
  customEvent: '[Appboy] [Custom Event] ',
  customProperty: '[Custom event property] ',
  purchaseProperty: '[Purchase property] ',
} as const satisfies Prefixes

/** The rules of no mapping file: what the live connector does. */
export const NO_RULES: MappingRules = {
  file: null,
  extends: null,
  origins: new Map(),
  prefixes: PREFIXES,
  names: 'reference',
  unknownEvents: 'skip',
  identity: { userId: ['external_user_id'], deviceId: ['device_id'], minIdLength: 1 },
  files: [],
  layers: [],
}

/** Amplitude's own fields that `enriched` fills too: top-level field → storage field. */
const ENRICHED_FIELDS: readonly (readonly [string, string])[] = [
  ['platform', 'platform'],
  ['os_version', 'os_version'],
  ['device_model', 'device_model'],
  ['carrier', 'carrier'],
  ['country', 'country'],
  ['language', 'language'],
  ['currency', 'currency'],
  ['location_lat', 'latitude'],
  ['location_lng', 'longitude'],
]

/** Event properties of a type under a profile, in the order in which they go out. */
export function propertiesOf(row: EventRow, profile: Profile): readonly string[] {
  const sent = profile === 'documented' ? (pageProperties(row) ?? row.properties) : row.properties
  return sent.toSorted()
}

/** Top-level fields that a profile fills for every type: Amplitude's field → storage field, in order. */
export function enrichedFields(profile: Profile): readonly (readonly [string, string])[] {
  return profile === 'enriched' ? ENRICHED_FIELDS : []
}
