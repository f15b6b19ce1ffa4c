import { execFileSync } from 'node:child_process'
import { crc32, deflateRawSync } from 'node:zlib'
import avsc from 'avsc'
import SnappyJS from 'snappyjs'
import { fieldsOf, type StorageField } from '../data/catalogue.ts'
import type { Records, StoredRecord, Value } from './records.ts'

/** Avro object container files: the container by hand, the records by `avsc`. */

export type Codec = 'null' | 'deflate' | 'snappy' | 'zstandard'

const SYNC = Buffer.from('0123456789abcdef')
const RECORDS_IN_BLOCK = 5

/** Longs that a double cannot hold. */
export const longType = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

/** As Braze writes them. */
export function avro({ entry, records }: Records, codec: Codec, recordsInBlock = RECORDS_IN_BLOCK): Buffer {
  const schema = schemaOf(
    `dataexport.S3.inner.${entry.event_type}`,
    fieldsOf(entry).map((field) => ({ name: field.name, type: avroType(field) })),
  )
  return container(schema, records, codec, recordsInBlock)
}

/** A container of a warehouse, with the types of its columns, and behind it one of Braze. */
export function mergedAvro({ entry, records }: Records): Buffer {
  const half = Math.ceil(records.length / 2)
  const columns = fieldsOf(entry).map((field, i) => columnOf(field, i, records))
  const schema = schemaOf(
    `warehouse.${entry.event_type}`,
    columns.map(({ name, type }) => ({ name, type })),
  )
  const stored = records
    .slice(0, half)
    .map((record) => Object.fromEntries(columns.map(({ name, stored: of }) => [name, of(record[name] ?? null)])))
  const first = container(schema, stored, 'deflate')
  return half === records.length ? first : Buffer.concat([first, avro({ entry, records: records.slice(half) }, 'null')])
}

function schemaOf(fullName: string, fields: readonly { name: string; type: unknown }[]): avsc.Schema {
  const dot = fullName.lastIndexOf('.')
  return {
    type: 'record',
    name: fullName.slice(dot + 1),
    namespace: fullName.slice(0, dot),
    fields,
  } as avsc.Schema
}

/** A container of the given values, as `avsc` takes them. */
function container(
  schema: avsc.Schema,
  records: readonly Readonly<Record<string, unknown>>[],
  codec: Codec,
  recordsInBlock = RECORDS_IN_BLOCK,
): Buffer {
  const type = avsc.Type.forSchema(schema, { registry: { long: longType } })
  const parts = [
    Buffer.from('Obj\x01'),
    long(2),
    text('avro.schema'),
    text(JSON.stringify(schema)),
    text('avro.codec'),
    text(codec),
    long(0),
    SYNC,
  ]
  for (let i = 0; i < records.length; i += recordsInBlock) {
    const block = records.slice(i, i + recordsInBlock)
    const packed = pack(Buffer.concat(block.map((record) => type.toBuffer(record))), codec)
    parts.push(long(block.length), long(packed.length), packed, SYNC)
  }
  return Buffer.concat(parts)
}

function avroType({ type, nullable }: StorageField): unknown {
  const own = type === 'array<string>' ? { type: 'array', items: ['null', 'string'] } : type
  return nullable ? ['null', own] : own
}

interface Column {
  readonly name: string
  readonly type: unknown
  /** The value that stands for a record's. */
  readonly stored: (value: Value) => unknown
}

/** Digits behind the point of any 32-bit float. */
const FLOAT_SCALE = 149
/** From here on the digits that JSON has of a float are not all its own. */
const ROUNDED_FROM = 2 ** 53

function columnOf(field: StorageField, index: number, records: readonly StoredRecord[]): Column {
  const { name, type, nullable } = field
  const column = (own: unknown, stored: Column['stored']): Column => ({
    name,
    type: nullable ? [own, 'null'].flat() : own,
    stored: (value) => (value === null ? null : stored(value)),
  })
  if (name === 'time') {
    return column({ type: 'long', logicalType: 'timestamp-micros' }, (value) => (value as number) * 1e6)
  }
  if (name === 'platform') {
    const symbols = [...new Set(records.flatMap((record) => record[name] ?? []))]
    return symbols.length > 0 && symbols.every((symbol) => /^[A-Za-z_]\w*$/.test(String(symbol)))
      ? column({ type: 'enum', name, symbols }, (value) => value)
      : column('string', (value) => value)
  }
  switch (type) {
    case 'float': {
      const decimal = { type: 'bytes', logicalType: 'decimal', precision: 400, scale: FLOAT_SCALE }
      return column([decimal, 'float'], (value) =>
        Math.abs(value as number) < ROUNDED_FROM ? twosComplement(scaled(value as number)) : value,
      )
    }
    case 'long':
      return column(
        { type: 'fixed', name: `${name}_number`, size: 9, logicalType: 'decimal', precision: 19 },
        (value) => twosComplement(BigInt(value as bigint), 9),
      )
    case 'array<string>':
      return column({ type: 'array', items: ['string', 'null'] }, (value) => value)
    case 'string':
      return index % 2 === 0
        ? column('bytes', (value) => Buffer.from(String(value)))
        : column('string', (value) => value)
    default:
      return column(type, (value) => value)
  }
}

/** A float in units of 10^-`FLOAT_SCALE`: exact, since every float is a whole number of 2^-149. */
function scaled(value: number): bigint {
  return (BigInt(value * 2 ** FLOAT_SCALE) * 10n ** BigInt(FLOAT_SCALE)) / 2n ** BigInt(FLOAT_SCALE)
}

/** Big-endian, in as many bytes as asked, or as it takes. */
export function twosComplement(value: bigint, size = 1): Buffer {
  let length = size
  while (BigInt.asIntN(8 * length, value) !== value) length++
  const hex = BigInt.asUintN(8 * length, value).toString(16)
  return Buffer.from(hex.padStart(2 * length, '0'), 'hex')
}

function pack(bytes: Buffer, codec: Codec): Buffer {
  switch (codec) {
    case 'null':
      return bytes
    case 'deflate':
      return deflateRawSync(bytes)
    case 'snappy': {
      const checksum = Buffer.alloc(4)
      checksum.writeUInt32BE(crc32(bytes))
      return Buffer.concat([SnappyJS.compress(bytes), checksum])
    }
    case 'zstandard':
      // Nothing of npm's packs it: for fixtures, where the program is installed.
      return execFileSync('zstd', ['--quiet', '--stdout'], { input: bytes })
  }
}

/** A zigzag varint. */
export function long(value: number | bigint): Buffer {
  const signed = BigInt(value)
  let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n))
  const bytes: number[] = []
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([long(bytes.length), bytes])
}
