import { gzipSync } from 'node:zlib'
import type { Format } from '../../src/read/detect.ts'
import { avro, mergedAvro } from './avro.ts'
import { carriageReturnCsv, carriageReturnTsv, crCrLfCsv, csv, mergedCsv, tsv, upperCaseCsv } from './csv.ts'
import {
  array,
  customHttp,
  customHttpEnvelope,
  envelope,
  ndjson,
  pretty,
  prettyArray,
  stringNdjson,
  unionNdjson,
  unionPretty,
} from './json.ts'
import type { Records } from './records.ts'

/** Every shape an export is found in. */
export interface Shape {
  readonly name: string
  readonly format: Format
  /** What the file's name ends with. */
  readonly extension: string
  write(records: Records): Buffer
}

function textShape(name: string, format: Format, extension: string, write: (records: Records) => string): Shape {
  return { name, format, extension, write: (records) => Buffer.from(write(records)) }
}

export const SHAPES: readonly Shape[] = [
  textShape('ndjson', 'ndjson', 'ndjson', ndjson),
  textShape('union-ndjson', 'ndjson', 'ndjson', unionNdjson),
  textShape('string-ndjson', 'ndjson', 'ndjson', stringNdjson),
  textShape('pretty', 'json', 'json', pretty),
  textShape('union-pretty', 'json', 'json', unionPretty),
  textShape('array', 'json', 'json', array),
  textShape('pretty-array', 'json', 'json', prettyArray),
  textShape('envelope', 'json', 'json', envelope),
  textShape('custom-http', 'ndjson', 'ndjson', customHttp),
  textShape('custom-http-envelope', 'ndjson', 'ndjson', customHttpEnvelope),
  textShape('csv', 'csv', 'csv', csv),
  textShape('upper-case-csv', 'csv', 'csv', upperCaseCsv),
  textShape('cr-csv', 'csv', 'csv', carriageReturnCsv),
  textShape('cr-cr-lf-csv', 'csv', 'csv', crCrLfCsv),
  textShape('merged-csv', 'csv', 'csv', mergedCsv),
  textShape('tsv', 'csv', 'tsv', tsv),
  textShape('cr-tsv', 'csv', 'tsv', carriageReturnTsv),
  { name: 'avro-null', format: 'avro', extension: 'avro', write: (records) => avro(records, 'null') },
  { name: 'avro-deflate', format: 'avro', extension: 'avro', write: (records) => avro(records, 'deflate') },
  { name: 'avro-snappy', format: 'avro', extension: 'avro', write: (records) => avro(records, 'snappy') },
  { name: 'merged-avro', format: 'avro', extension: 'avro', write: mergedAvro },
]

/** Gzip in several members, as concatenated `.gz` files are. */
export function gzipped(bytes: Buffer, members = 1): Buffer {
  const size = Math.ceil(bytes.length / members)
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) parts.push(gzipSync(bytes.subarray(at, at + size)))
  return Buffer.concat(parts)
}
