import { type CatalogueEntry, fieldsOf } from '../data/catalogue.ts'

/**
 * What a record must become, computed the slow and plain way from the reference data and currents/README.md alone: it shares nothing
 * with the program, so that neither can hide the other's mistake.
 */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

const IDENTITY_FIELDS = ['id', 'user_id', 'external_user_id', 'time']

const ENRICHED: readonly (readonly [string, string])[] = [
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

/** The Amplitude event of a well-formed record with an identity; null for a type that is not sent. */
export function expectedEvent(entry: CatalogueEntry, record: JsonObject, profile: string): JsonObject | null {
  if (!entry.send) return null
  const isCustom = entry.event_type.endsWith('.CustomEvent')
  const isPurchase = entry.event_type.endsWith('.Purchase')
  const event: Record<string, Json> = {
    event_type: isCustom ? `[Appboy] [Custom Event] ${record['name']}` : `[Appboy] ${entry.amplitude_name}`,
  }
  if (record['external_user_id'] != null) event['user_id'] = record['external_user_id']
  if (record['device_id'] != null) event['device_id'] = record['device_id']
  event['time'] = Number(record['time']) * 1000
  event['insert_id'] = record['id'] as string
  event['library'] = 'Braze'
  if (record['ad_id'] != null && record['ad_id_type'] === 'ios_idfa') event['idfa'] = record['ad_id']
  if (record['ad_id'] != null && record['ad_id_type'] === 'google_ad_id') event['adid'] = record['ad_id']
  const topLevel = Object.entries(entry.top_level)
  for (const [key, field] of profile === 'enriched' ? [...topLevel, ...ENRICHED] : topLevel) {
    const value = record[field]
    if (value != null) event[key] = typed(entry, field, value)
  }
  event['event_properties'] = expectedProperties(entry, record, profile, isCustom, isPurchase)
  if (profile === 'enriched') event['$skip_user_properties_sync'] = true
  return event
}

function expectedProperties(
  entry: CatalogueEntry,
  record: JsonObject,
  profile: string,
  isCustom: boolean,
  isPurchase: boolean,
): JsonObject {
  const properties: Record<string, Json> = {}
  const isLimited = profile === 'documented' && entry.on_page
  for (const name of entry.connector_properties) {
    if (isLimited && !entry.page_properties?.includes(name)) continue
    if (IDENTITY_FIELDS.includes(name)) continue
    const field = record[name] == null ? (entry.property_sources[name] ?? name) : name
    const value = record[field]
    if (value != null) properties[name] = typed(entry, field, value)
  }
  if (isCustom || isPurchase) {
    const prefix = isCustom ? '[Custom event property]' : '[Purchase property]'
    for (const [key, value] of Object.entries(JSON.parse(record['properties'] as string))) {
      if (value !== null) properties[`${prefix} ${key}`] = value as Json
    }
  }
  return properties
}

/** Only what an export stores in 32 bits is shortened. */
function typed(entry: CatalogueEntry, name: string, value: Json): Json {
  return fieldsOf(entry).find((field) => field.name === name)?.type === 'float' ? shortened(value) : value
}

/** A number that is exactly a 32-bit float, as the shortest decimal that is the same one: tried digit by digit. */
function shortened(value: Json): Json {
  if (typeof value !== 'number' || Math.fround(value) !== value) return value
  for (let digits = 1; digits < 17; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) return candidate
  }
  return value
}
