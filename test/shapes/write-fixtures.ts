import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { avro } from './avro.ts'
import { gzipped, SHAPES } from './shapes.ts'

/**
 * Writes `fixtures/shapes/`: the same dozen invented custom events in every shape. Run with `npm run fixtures`, where the program `zstd` is
 * installed.
 */

const TYPE = 'users.behaviors.CustomEvent'
const FOLDER = new URL('../../../fixtures/shapes/', import.meta.url)

const entry = entryOf(TYPE)
const random = randomOf(2026)
const records = { entry, records: Array.from({ length: 12 }, (_, i) => recordOf(entry, random, i)) }

rmSync(FOLDER, { recursive: true, force: true })
for (const shape of SHAPES) {
  const bytes = shape.write(records)
  write(shape.name, shape.extension, bytes)
  if (shape.name === 'ndjson') write('ndjson-gzip', 'ndjson.gz', gzipped(bytes, 2))
}
write('avro-zstandard', 'avro', avro(records, 'zstandard'))

/** A folder for each shape, since the file's name must say the event type. */
function write(shape: string, extension: string, bytes: Uint8Array): void {
  const folder = new URL(`${shape}/`, FOLDER)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL(`${TYPE}.${extension}`, folder), bytes)
}
