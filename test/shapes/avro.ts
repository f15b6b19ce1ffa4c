import { crc32, deflateRawSync } from 'node:zlib'
import avsc from 'avsc'
import SnappyJS from 'snappyjs'
import { fieldsOf, type StorageField } from '../data/catalogue.ts'
import type { Records } from './records.ts'

/** Avro object container files as Braze writes them: the container by hand, the records by `avsc`. */

export type Codec = 'null' | 'deflate' | 'snappy'

const SYNC = Buffer.from('0123456789abcdef')
const RECORDS_IN_BLOCK = 5

/** Longs that a double cannot hold. */
const longType = avsc.types.LongType.__with({
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

export function avro({ entry, records }: Records, codec: Codec, recordsInBlock = RECORDS_IN_BLOCK): Buffer {
  const fullName = `dataexport.S3.inner.${entry.event_type}`
  const schema = {
    type: 'record',
    name: fullName.slice(fullName.lastIndexOf('.') + 1),
    namespace: fullName.slice(0, fullName.lastIndexOf('.')),
    fields: fieldsOf(entry).map((field) => ({ name: field.name, type: avroType(field) })),
  } as avsc.Schema
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
