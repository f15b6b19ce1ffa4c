import type { RawChunk, Restart } from '../model.ts'
import type { Format } from '../read/detect.ts'
import type { OpenInput } from '../read/open.ts'
import type { CsvOptions } from './csv-dialect.ts'
import { cutLines } from './lines.ts'

/**
 * Finds the records in an input's bytes and hands them on as JSON text, in order, in chunks. Knows syntax only. A record that
 * is broken is a fault of the chunk; damage ends the input with one fault for all that is lost. A chunk's bytes and fields stay until the
 * next chunk is asked for: their memory is used again.
 *
 * It begins at `from`, which is `BEGINNING` or the `restart` of a chunk it made before; from there it finds the records that it found
 * then, with the same places and ordinals. The options are for CSV.
 */
export type Cutter = (input: OpenInput, from: Restart, options?: CsvOptions) => AsyncGenerator<RawChunk>

/** Every format that can be cut; adding one is a file and an entry. */
export const CUTTERS: Readonly<Record<Format, Cutter>> = {
  ndjson: cutLines,
  json: loaded(async () => (await import('./json.ts')).cutJson),
  csv: loaded(async () => (await import('./csv.ts')).cutCsv),
  tsv: loaded(async () => (await import('./csv.ts')).cutCsv),
  avro: loaded(async () => (await import('./avro.ts')).cutAvro),
  letters: loaded(async () => (await import('./letters.ts')).cutLetters),
}

/** A cutter that is loaded, with the library it needs, when its first input comes: that takes longer than a small run. */
function loaded(load: () => Promise<Cutter>): Cutter {
  return async function* cut(input, from, options) {
    const cutter = await load()
    yield* cutter(input, from, options)
  }
}
