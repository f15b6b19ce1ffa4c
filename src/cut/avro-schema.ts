/**
 * Avro schemas as they are found. A reader needs of a schema only what says where a value ends: the specification's rules for names are
 * not held against it, since other writers break them and other readers do not mind (currents/README.md §2).
 */

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
type Primitive = (typeof PRIMITIVES)[number]

/** What a value stands for, beyond its bytes. */
export type LogicalType =
  | { readonly is: 'decimal'; readonly scale: number }
  /** `digits` of the unit behind the second: 3, 6 or 9. */
  | { readonly is: 'timestamp'; readonly digits: number; readonly isLocal: boolean }
  | { readonly is: 'time'; readonly digits: number }
  | { readonly is: 'date' }
  | { readonly is: 'uuid' }

export type AvroType =
  | { readonly type: Primitive; readonly logical: LogicalType | null }
  | { readonly type: 'fixed'; readonly size: number; readonly logical: LogicalType | null }
  | { readonly type: 'enum'; readonly symbols: readonly string[] }
  | { readonly type: 'array'; readonly items: AvroType }
  | { readonly type: 'map'; readonly values: AvroType }
  | { readonly type: 'union'; readonly branches: readonly AvroType[] }
  | RecordType

export interface RecordType {
  readonly type: 'record'
  /** With its namespace. */
  readonly name: string
  /** A record may be among the types of its own fields. */
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly type: AvroType
}

/** Larger schemas, and types deeper within types, are only made to use up memory. */
const MAX_SCHEMA_BYTES = 1 << 20
const MAX_SCHEMA_DEPTH = 200
/** No number is written with more digits behind its point. */
const MAX_SCALE = 1000

/** Types that have no name, as they are alike everywhere. */
const UNNAMED: ReadonlyMap<unknown, AvroType> = new Map(PRIMITIVES.map((type) => [type, { type, logical: null }]))

type Attributes = Readonly<Record<string, unknown>>

/** Where a type stands. */
interface Place {
  readonly namespace: string
  readonly depth: number
}

/**
 * Reads the schema of a file from its JSON text. Of two types of one name each is used where it stands, and the later one where only its
 * name stands afterwards.
 * @throws Error that says why it cannot be read: no JSON, no record, or a type that nobody knows
 */
export function readAvroSchema(text: string): RecordType {
  if (text.length > MAX_SCHEMA_BYTES) throw new RangeError(`it is longer than ${MAX_SCHEMA_BYTES} characters`)
  const type = readType(JSON.parse(text), { namespace: '', depth: 0 }, new Map())
  if (type.type !== 'record') throw new TypeError(`it is of type ${type.type}, not a record`)
  return type
}

function readType(schema: unknown, { namespace, depth }: Place, named: Map<string, AvroType>): AvroType {
  if (depth > MAX_SCHEMA_DEPTH) throw new RangeError(`its types are more than ${MAX_SCHEMA_DEPTH} deep`)
  const within = { namespace, depth: depth + 1 }
  if (typeof schema === 'string') return typeOfName(schema, namespace, named)
  if (Array.isArray(schema)) {
    const branches = schema.map((branch) => readType(branch, within, named))
    // The reader's depth is that of records and lists: unions within unions would not count.
    if (branches.some(({ type }) => type === 'union')) throw new TypeError('a union is directly within a union')
    return { type: 'union', branches }
  }
  const attributes = attributesOf(schema)
  switch (attributes['type']) {
    case 'record':
    case 'error':
      return readRecord(attributes, within, named)
    case 'enum':
      return define(attributes, namespace, named, { type: 'enum', symbols: symbolsOf(attributes) })
    case 'fixed':
      return define(attributes, namespace, named, readFixed(attributes))
    case 'array':
      return { type: 'array', items: readType(attributes['items'], within, named) }
    case 'map':
      return { type: 'map', values: readType(attributes['values'], within, named) }
    default:
      return withLogicalType(readType(attributes['type'], within, named), attributes)
  }
}

function attributesOf(schema: unknown): Attributes {
  if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema as Attributes
  throw new TypeError(`${JSON.stringify(schema) ?? 'nothing'} stands where a type should`)
}

function typeOfName(name: string, namespace: string, named: ReadonlyMap<string, AvroType>): AvroType {
  const type = UNNAMED.get(name) ?? named.get(fullNameOf(name, namespace)) ?? named.get(name)
  if (type === undefined) throw new TypeError(`its type ${JSON.stringify(name)} is unknown`)
  return type
}

function fullNameOf(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

/** The full name of a type that is defined here. */
function ownNameOf({ name, namespace: own }: Attributes, namespace: string): string {
  return fullNameOf(typeof name === 'string' ? name : '', typeof own === 'string' ? own : namespace)
}

function define(attributes: Attributes, namespace: string, named: Map<string, AvroType>, type: AvroType): AvroType {
  named.set(ownNameOf(attributes, namespace), type)
  return type
}

function readRecord(attributes: Attributes, { namespace, depth }: Place, named: Map<string, AvroType>): RecordType {
  const name = ownNameOf(attributes, namespace)
  const fields: AvroField[] = []
  const type: RecordType = { type: 'record', name, fields }
  // Its fields may be of its own type.
  named.set(name, type)
  const within = { namespace: name.slice(0, Math.max(0, name.lastIndexOf('.'))), depth }
  const listed = attributes['fields']
  if (!Array.isArray(listed)) throw new TypeError(`its record ${name} has no list of fields`)
  const names = new Set<string>()
  for (const field of listed) {
    const { name: fieldName, type: fieldType } = attributesOf(field)
    if (typeof fieldName !== 'string') throw new TypeError(`its record ${name} has a field without a name`)
    // Nobody could tell which of the two counts.
    if (names.has(fieldName)) throw new TypeError(`its record ${name} has two fields ${JSON.stringify(fieldName)}`)
    names.add(fieldName)
    fields.push({ name: fieldName, type: readType(fieldType, within, named) })
  }
  return type
}

function symbolsOf({ symbols }: Attributes): readonly string[] {
  if (Array.isArray(symbols) && symbols.every((symbol) => typeof symbol === 'string')) return symbols
  throw new TypeError('an enum has no list of symbols')
}

function readFixed(attributes: Attributes): AvroType {
  const { size } = attributes
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw new TypeError('a fixed has no size')
  return withLogicalType({ type: 'fixed', size, logical: null }, attributes)
}

/** A logical type that is unknown, or on a type that it does not belong to, means nothing, as the specification has it. */
function withLogicalType(type: AvroType, attributes: Attributes): AvroType {
  const logical = logicalTypeOf(type, attributes)
  return logical === null ? type : ({ ...type, logical } as AvroType)
}

function logicalTypeOf(type: AvroType, { logicalType, scale = 0 }: Attributes): LogicalType | null {
  switch (`${type.type} ${logicalType}`) {
    case 'bytes decimal':
    case 'fixed decimal':
      return Number.isInteger(scale) && (scale as number) >= 0 && (scale as number) <= MAX_SCALE
        ? { is: 'decimal', scale: scale as number }
        : null
    case 'long timestamp-millis':
      return { is: 'timestamp', digits: 3, isLocal: false }
    case 'long timestamp-micros':
      return { is: 'timestamp', digits: 6, isLocal: false }
    case 'long timestamp-nanos':
      return { is: 'timestamp', digits: 9, isLocal: false }
    case 'long local-timestamp-millis':
      return { is: 'timestamp', digits: 3, isLocal: true }
    case 'long local-timestamp-micros':
      return { is: 'timestamp', digits: 6, isLocal: true }
    case 'long local-timestamp-nanos':
      return { is: 'timestamp', digits: 9, isLocal: true }
    case 'int time-millis':
      return { is: 'time', digits: 3 }
    case 'long time-micros':
      return { is: 'time', digits: 6 }
    case 'int date':
      return { is: 'date' }
    case 'fixed uuid':
      return type.type === 'fixed' && type.size === 16 ? { is: 'uuid' } : null
    default:
      return null
  }
}
