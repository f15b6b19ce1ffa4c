import fc from 'fast-check'
import { CATALOGUE, type CatalogueEntry, fieldsOf, type StorageField } from '../data/catalogue.ts'
import type { Records, StoredRecord, Value } from './records.ts'

/** Random records of any type of the catalogue, with text and numbers that are hard on a reader. */
export function inventedRecords(maxRecords = 6): fc.Arbitrary<Records> {
  return fc.constantFrom(...CATALOGUE).chain((entry) => inventedRecordsOf(entry, maxRecords))
}

export function inventedRecordsOf(entry: CatalogueEntry, maxRecords: number): fc.Arbitrary<Records> {
  return fc
    .array(recordOf(entry), { minLength: 1, maxLength: maxRecords })
    .map((records) => ({ entry, records: records.map((record, i) => ({ ...record, id: `${i}-${record['id']}` })) }))
}

function recordOf(entry: CatalogueEntry): fc.Arbitrary<StoredRecord> {
  return fc.record(
    Object.fromEntries(
      fieldsOf(entry).map((field) => {
        const value = valueFor(field)
        const isAlwaysThere = !field.nullable || field.name === 'external_user_id'
        return [field.name, isAlwaysThere ? value : fc.option(value, { nil: null, freq: 3 })]
      }),
    ),
  )
}

function valueFor({ name, type }: StorageField): fc.Arbitrary<Value> {
  if (name === 'time') return fc.integer({ min: 1_500_000_000, max: 1_900_000_000 })
  if (name === 'properties') return customProperties
  switch (type) {
    case 'boolean':
      return fc.boolean()
    case 'float':
      return fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value))
    case 'double':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value))
    case 'int':
      return fc.integer()
    case 'long':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'array<string>':
      return fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 3 })
    default:
      return text
  }
}

/** CSV cannot tell an empty text from none, takes no NUL byte, and `\N` is null there. */
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
    fc.constantFrom(
      'a"b',
      '"',
      'a,b\tc;d|e',
      ' x ',
      'one\ntwo\r\nthree',
      '\\"',
      '{"events":[1]}',
      '}',
      '[',
      'null',
      '1e5',
      'é',
    ),
  )
  .map((value) => value.replaceAll('\0', '0'))
  .filter((value) => value !== '\\N')

/** Written as text, since a customer's integers have any number of digits. */
const customProperties: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.oneof(
        fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
        fc.constantFrom('1.0', '1E2', '-0', '1e400', '0.1000', 'null', '{"string":"x"}', '{"events":[{"id":"1"}]}'),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`)
