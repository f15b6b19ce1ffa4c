import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isCurrentsName, typeOfSchema } from '../../src/currents/event-type.ts'
import { EVENTS, type EventRow, nameSourceOf, pageProperties } from '../../src/currents/events.ts'
import {
  CONTAINER_FIELDS,
  fieldType,
  IDENTITY_FIELDS,
  isCurrentsField,
  PERSONAL_FIELDS,
  RECORD_FIELDS,
  STORED_FIELDS,
} from '../../src/currents/fields.ts'
import { typeOfPath } from '../../src/currents/path-type.ts'
import { CATALOGUE, type CatalogueEntry, fieldsOf } from '../data/catalogue.ts'

const NAME_SOURCES = [
  [/^connector payload reference$/, 'reference'],
  [/^connector payload reference, but without its channel/, 'bare'],
  [/^page label/, 'page'],
  [/^the event carries its own name$/, 'own'],
  [/^derived/, 'derived'],
  [/^none/, 'none'],
] as const

const rowOf = (entry: CatalogueEntry): EventRow => {
  const row = EVENTS.find(({ type }) => type === entry.event_type)
  if (row === undefined) throw new Error(`no row for ${entry.event_type}`)
  return row
}

describe('the catalogue', () => {
  test('has the rows of the reference data, in its order', () => {
    const expected = CATALOGUE.map((entry) => ({
      type: entry.event_type,
      name: entry.amplitude_name,
      nameSource: NAME_SOURCES.find(([text]) => text.test(entry.name_source))?.[1],
      pageLabel: entry.page_label === entry.amplitude_name ? null : entry.page_label,
      isSent: entry.send,
      properties: entry.connector_properties,
      page: entry.page_properties?.filter((name) => entry.connector_properties.includes(name)).toSorted() ?? null,
      propertySources: entry.property_sources,
      topLevel: entry.top_level,
    }))
    const found = EVENTS.map((row) => ({
      type: row.type,
      name: row.name,
      nameSource: nameSourceOf(row),
      pageLabel: row.pageLabel ?? null,
      isSent: row.send !== false,
      properties: row.properties.toSorted(),
      page: pageProperties(row)?.toSorted() ?? null,
      propertySources: row.propertySources ?? {},
      topLevel: row.topLevel ?? {},
    }))
    assert.deepEqual(found, expected)
  })

  test('has each type where records and files name it', () => {
    for (const { event_type: type } of CATALOGUE) {
      assert.ok(isCurrentsName(type), type)
      assert.equal(typeOfSchema(`dataexport.S3.inner.${type}`), type)
      assert.equal(typeOfPath(`${type.replaceAll('.', '_').toUpperCase()}_SHARED.csv`).type, type)
    }
  })
})

describe('the fields', () => {
  const TYPES: Readonly<Record<string, string>> = { long: 'int', 'array<string>': 'strings' }

  test('of every export are known, with the type that they have there', () => {
    const beside = new Set<string>([...RECORD_FIELDS, ...IDENTITY_FIELDS, ...CONTAINER_FIELDS])
    for (const entry of CATALOGUE) {
      for (const { name, type } of fieldsOf(entry)) {
        const where = `${name} of ${entry.event_type}`
        assert.ok(beside.has(name) || STORED_FIELDS.has(name), where)
        assert.ok(isCurrentsField(name), where)
        assert.equal(fieldType(rowOf(entry), name), TYPES[type] ?? type, where)
      }
    }
  })

  test("that are newer than the connector's payload reference are not sent", () => {
    for (const entry of CATALOGUE.filter(({ send }) => send)) {
      const newer = fieldsOf(entry).filter(({ since }) => since === 'v12' || since === 'v13')
      const { properties } = rowOf(entry)
      assert.deepEqual(
        newer.filter(({ name }) => properties.includes(name)),
        [],
        entry.event_type,
      )
    }
  })

  test('that are personal are all fields of some export, or what one is called in Amplitude', () => {
    const known = new Set(
      CATALOGUE.flatMap((entry) => [...entry.connector_properties, ...fieldsOf(entry).map(({ name }) => name)]),
    )
    assert.deepEqual(
      [...PERSONAL_FIELDS].filter((name) => !known.has(name)),
      [],
    )
  })
})
