import { readFileSync } from 'node:fs'

/** Braze's event types as the reference data lists them: the tests' own view, independent of the program's table. */
export interface CatalogueEntry {
  readonly event_type: string
  readonly amplitude_name: string | null
  readonly name_source: string
  readonly page_label: string | null
  readonly on_page: boolean
  readonly page_properties: readonly string[] | null
  readonly page_property_types: Readonly<Record<string, string>> | null
  readonly send: boolean
  readonly connector_properties: readonly string[]
  readonly property_sources: Readonly<Record<string, string>>
  readonly top_level: Readonly<Record<string, string>>
  readonly storage_fields: readonly StorageField[] | null
}

export interface StorageField {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  /** The version of Currents that brought it, where that is newer than v10. */
  readonly since?: string
}

export const CATALOGUE: readonly CatalogueEntry[] = JSON.parse(
  readFileSync(new URL('../../../test/data/currents-events.json', import.meta.url), 'utf8'),
)

/** The fields that an export of this type holds; for retired types, which have no schema, those of the partner page. */
export function fieldsOf(entry: CatalogueEntry): readonly StorageField[] {
  if (entry.storage_fields) return entry.storage_fields
  const base = ['id', 'user_id', 'external_user_id', 'device_id'].map((name) => ({
    name,
    type: 'string',
    nullable: name !== 'id',
  }))
  const properties = entry.connector_properties.map((name) => ({
    name,
    type: entry.page_property_types?.[name] ?? 'string',
    nullable: true,
  }))
  return [...base, { name: 'time', type: 'int', nullable: false }, ...properties]
}
