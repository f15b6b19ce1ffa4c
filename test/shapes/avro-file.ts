import { crc32, deflateRawSync } from 'node:zlib'
import avsc from 'avsc'
import SnappyJS from 'snappyjs'
import type { CurrentsRecord } from '../bench/generate.ts'
import { type CatalogueEntry, fieldsOf } from '../data/catalogue.ts'

/** Avro object container files as Braze writes them, for tests and fixtures. */

export type Codec = 'null' | 'deflate' | 'snappy'

export interface AvroOptions {
  readonly codec?: Codec
  readonly recordsPerBlock?: number
}

const SYNC = Buffer.from('0123456789abcdef')

/** The container file of records of one type. */
export function avroFile(entry: CatalogueEntry, records: readonly CurrentsRecord[], options: AvroOptions = {}): Buffer {
  const { codec = 'null', recordsPerBlock = 100 } = options
  const type = avsc.Type.forSchema(schemaOf(entry), { wrapUnions: false })
  const parts = [header(schemaOf(entry), codec)]
  for (let at = 0; at < records.length; at += recordsPerBlock) {
    const block = records.slice(at, at + recordsPerBlock)
    const packed = pack(Buffer.concat(block.map((record) => type.toBuffer(record))), codec)
    parts.push(long(block.length), long(packed.length), packed, SYNC)
  }
  return Buffer.concat(parts)
}

function schemaOf(entry: CatalogueEntry): avsc.Schema {
  const name = `dataexport.S3.inner.${entry.event_type}`
  const fields = fieldsOf(entry).map((field) => {
    const type: avsc.Schema = field.type === 'array<string>' ? { type: 'array', items: 'string' } : field.type
    return { name: field.name, type: field.nullable ? ['null', type] : type }
  })
  return { type: 'record', name, fields } as avsc.Schema
}

function header(schema: avsc.Schema, codec: Codec): Buffer {
  const entries: Buffer[] = []
  for (const [key, value] of Object.entries({ 'avro.schema': JSON.stringify(schema), 'avro.codec': codec })) {
    entries.push(bytes(Buffer.from(key)), bytes(Buffer.from(value)))
  }
  return Buffer.concat([Buffer.from('Obj\x01'), long(2), ...entries, long(0), SYNC])
}

function pack(block: Buffer, codec: Codec): Buffer {
  switch (codec) {
    case 'null':
      return block
    case 'deflate':
      return deflateRawSync(block)
    case 'snappy': {
      const checksum = Buffer.alloc(4)
      checksum.writeUInt32BE(crc32(block))
      return Buffer.concat([Buffer.from(SnappyJS.compress(block)), checksum])
    }
  }
}

function long(value: number): Buffer {
  return avsc.Type.forSchema('long').toBuffer(value)
}

function bytes(content: Buffer): Buffer {
  return Buffer.concat([long(content.length), content])
}
