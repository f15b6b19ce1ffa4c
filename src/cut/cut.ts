import type { RawChunk } from '../model.ts'
import type { Format } from '../read/detect.ts'
import type { OpenInput } from '../read/open.ts'
import { cutAvro } from './avro.ts'
import { cutCsv } from './csv.ts'
import { cutJson } from './json.ts'
import { cutLetters } from './letters.ts'
import { cutLines } from './lines.ts'

/**
 * Finds the records in an input's bytes and hands them on as JSON text, in order, in chunks. Knows syntax only. A record that
 * is broken is a fault of the chunk; damage ends the input with one fault for all that is lost.
 */
export type Cutter = (input: OpenInput) => AsyncGenerator<RawChunk>

/** Every format that can be cut; adding one is a file and an entry. */
export const CUTTERS: Readonly<Record<Format, Cutter>> = {
  ndjson: cutLines,
  json: cutJson,
  csv: cutCsv,
  tsv: cutCsv,
  avro: cutAvro,
  letters: cutLetters,
}
