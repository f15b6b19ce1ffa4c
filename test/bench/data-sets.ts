import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { avro, type Codec } from '../shapes/avro.ts'
import { csv } from '../shapes/csv.ts'
import { array, ndjson, pretty } from '../shapes/json.ts'
import type { Records } from '../shapes/records.ts'
import { SNOWFLAKE, SPARK, writeTable } from '../shapes/tables.ts'
import { dirtyNdjson } from './dirty.ts'
import { EVERY_TYPE, type Mix, TYPICAL } from './mixes.ts'

/** Records as the programs of the bench read them. */
export interface DataSet {
  readonly mix: Mix
  /** What the files' names end with. */
  readonly extension: string
  readonly write: (records: Records) => string | Uint8Array | Promise<Uint8Array>
}

/** Records in a block of Braze's own files, about 64 KB. */
const RECORDS_IN_BLOCK = 100

export const DATA_SETS = {
  ndjson: { mix: TYPICAL, extension: 'ndjson', write: ndjson },
  'ndjson-gzip': { mix: TYPICAL, extension: 'ndjson.gz', write: (records) => promisify(gzip)(ndjson(records)) },
  array: { mix: TYPICAL, extension: 'json', write: array },
  pretty: { mix: TYPICAL, extension: 'json', write: pretty },
  csv: { mix: TYPICAL, extension: 'csv', write: csv },
  'csv-snowflake': { mix: TYPICAL, extension: 'csv', write: (records) => writeTable(SNOWFLAKE, records) },
  'csv-spark': { mix: TYPICAL, extension: 'csv', write: (records) => writeTable(SPARK, records) },
  'avro-null': avroSet('null'),
  'avro-deflate': avroSet('deflate'),
  'avro-snappy': avroSet('snappy'),
  dirty: { mix: EVERY_TYPE, extension: 'ndjson', write: dirtyNdjson },
} as const satisfies Readonly<Record<string, DataSet>>

export type DataSetName = keyof typeof DATA_SETS

function avroSet(codec: Codec): DataSet {
  return { mix: TYPICAL, extension: 'avro', write: (records) => avro(records, codec, RECORDS_IN_BLOCK) }
}
