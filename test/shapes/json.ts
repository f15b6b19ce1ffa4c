import { type CatalogueEntry, fieldsOf } from '../data/catalogue.ts'
import { jsonOf, type Records, type StoredRecord, type Value } from './records.ts'

/** The JSON shapes of currents/README.md §2. */

export function ndjson({ records }: Records): string {
  return records.map((record) => `${flat(record)}\n`).join('')
}

export function unionNdjson({ entry, records }: Records): string {
  return records.map((record) => `${union(entry, record)}\n`).join('')
}

/** Every value as text, as warehouses write numbers that a double may not hold. */
export function stringNdjson({ records }: Records): string {
  const text = (value: Value) => (typeof value === 'string' || value === null ? value : jsonOf(value))
  return records
    .map((record) => objectOf(Object.entries(record).map(([key, value]) => [key, jsonOf(text(value))])))
    .map((line) => `${line}\n`)
    .join('')
}

/** Objects over many lines that simply follow one another, as `avro-tools tojson --pretty` writes them. */
export function pretty({ records }: Records): string {
  return records.map((record) => `${indented(flat(record))}\n`).join('')
}

export function unionPretty({ entry, records }: Records): string {
  return records.map((record) => `${indented(union(entry, record))}\n`).join('')
}

export function array({ records }: Records): string {
  return `[${records.map(flat).join(',')}]`
}

export function prettyArray({ records }: Records): string {
  return `${indented(`[${records.map(flat).join(',')}]`)}\n`
}

/** Batches of three in envelopes that follow one another, other keys beside the list. */
export function envelope({ records }: Records): string {
  return batches(records.map(flat), (events, i) => `{"batch":{"events":${i}},"events":[${events}],"more":[{}]}`)
}

export function customHttp({ entry, records }: Records): string {
  return records.map((record) => `${http(entry, record)}\n`).join('')
}

/** What Braze posts: one envelope a line. */
export function customHttpEnvelope({ entry, records }: Records): string {
  return batches(
    records.map((record) => http(entry, record)),
    (events) => `{"events":[${events}]}\n`,
  )
}

function batches(texts: readonly string[], wrap: (events: string, index: number) => string): string {
  let all = ''
  for (let i = 0; i < texts.length; i += 3) all += wrap(texts.slice(i, i + 3).join(', '), i)
  return all
}

function objectOf(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
}

function flat(record: StoredRecord): string {
  if (!Object.values(record).some((value) => typeof value === 'bigint')) return JSON.stringify(record)
  return objectOf(Object.entries(record).map(([key, value]) => [key, jsonOf(value)]))
}

function union(entry: CatalogueEntry, record: StoredRecord): string {
  const fields = new Map(fieldsOf(entry).map((field) => [field.name, field]))
  return objectOf(
    Object.entries(record).map(([key, value]) => {
      const field = fields.get(key)
      return [key, field?.nullable ? wrapped(field.type, value) : jsonOf(value)]
    }),
  )
}

function wrapped(type: string, value: Value): string {
  if (value === null) return 'null'
  if (type === 'array<string>') {
    return `{"array":[${(value as readonly string[]).map((item) => `{"string":${JSON.stringify(item)}}`).join(',')}]}`
  }
  return `{"${type}":${jsonOf(value)}}`
}

const USER_FIELDS = new Set(['user_id', 'external_user_id', 'device_id', 'timezone'])
const RECORD_FIELDS = new Set(['id', 'time'])

function http(entry: CatalogueEntry, record: StoredRecord): string {
  const own: [string, string][] = [['event_type', JSON.stringify(entry.event_type)]]
  const user: [string, string][] = []
  const properties: [string, string][] = []
  for (const [key, value] of Object.entries(record)) {
    if (RECORD_FIELDS.has(key)) own.push([key, jsonOf(value)])
    else if (USER_FIELDS.has(key)) user.push([key, jsonOf(value)])
    else if (key === 'properties') {
      const name = entry.event_type.endsWith('Purchase') ? 'purchase_properties' : 'custom_properties'
      properties.push([name, typeof value === 'string' ? value : 'null'])
    } else properties.push([key, jsonOf(value)])
  }
  return objectOf([...own, ['user', objectOf(user)], ['properties', objectOf(properties)]])
}

/** The same JSON over many lines. Not parsed for it, since that would cost large integers their digits. */
function indented(json: string): string {
  let depth = 0
  const newline = () => `\n${'  '.repeat(depth)}`
  return json.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (part) => {
    switch (part) {
      case '{':
      case '[':
        depth++
        return part + newline()
      case '}':
      case ']':
        depth--
        return newline() + part
      case ',':
        return part + newline()
      case ':':
        return ' : '
      default:
        return part
    }
  })
}
