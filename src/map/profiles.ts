import type { EventRow } from '../currents/events.ts'

/** The built-in mappings (DESIGN §3). */
export const PROFILES = ['braze', 'documented', 'enriched'] as const
export type Profile = (typeof PROFILES)[number]

/** What stands before names and the customer's own properties in Amplitude (BRAZE.md, What the connector sends). */
export const PREFIXES = {
  event: '[Appboy] ',
  customEvent: '[Appboy] [Custom Event] ',
  customProperty: '[Custom event property] ',
  purchaseProperty: '[Purchase property] ',
} as const

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
  const sent = profile === 'documented' ? (row.page ?? row.properties) : row.properties
  return sent.toSorted()
}

/** Top-level fields beyond identity, time and ids, under a profile: Amplitude's field → storage field, in order. */
export function topLevelOf(row: EventRow, profile: Profile): readonly (readonly [string, string])[] {
  const own = Object.entries(row.topLevel ?? {})
  return profile === 'enriched' ? [...own, ...ENRICHED_FIELDS] : own
}
