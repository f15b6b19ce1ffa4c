import { outcomeAt, placeInInput, placeText, typeNameOf, warningsAt } from '../../src/chunk.ts'
import { cutLines } from '../../src/cut/lines.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping, type MappingOptions } from '../../src/mapping/plan.ts'
import { BEGINNING, type MappedChunk, type RawChunk } from '../../src/model.ts'
import { recordBytes } from '../../src/record-text.ts'
import { memoryInput } from '../conformance/read.ts'
import { PLAIN } from '../harness.ts'

/** Lines of NDJSON, read by WebAssembly and by JavaScript alone. */

export type Way = 'wasm' | 'js'

/** Does `work` with the lines scanned that way. */
export async function scanningBy<T>(way: Way, work: () => Promise<T>): Promise<T> {
  const before = process.env['BRAZE2AMP_SCANNER']
  process.env['BRAZE2AMP_SCANNER'] = way
  try {
    return await work()
  } finally {
    if (before === undefined) delete process.env['BRAZE2AMP_SCANNER']
    else process.env['BRAZE2AMP_SCANNER'] = before
  }
}

/** Cuts lines that come in pieces of `pieceBytes`, and shows each chunk. */
export async function cutBy(
  way: Way,
  bytes: Uint8Array,
  pieceBytes: number,
  see: (chunk: RawChunk) => void,
): Promise<void> {
  await scanningBy(way, async () => {
    for await (const chunk of cutLines(memoryInput(bytes, null, pieceBytes), BEGINNING)) see(chunk)
  })
}

export interface ReadLines {
  /** All that becomes of each record, a text each. */
  readonly records: readonly string[]
  readonly unknownFields: readonly string[]
  readonly events: number
  /** How many records were scanned by the cutter. */
  readonly scanned: number
}

/** What lines are read as: one maps many fields to properties of the same name, the other spreads an object that is in a text. */
export const READ_AS = {
  click: { ...PLAIN, eventType: 'users.messages.email.Click' },
  customEvent: { ...PLAIN, profile: 'enriched', eventType: 'users.behaviors.CustomEvent' },
} as const

export async function readBy(
  way: Way,
  bytes: Uint8Array,
  pieceBytes: number,
  options: MappingOptions,
): Promise<ReadLines> {
  const mapping = compileMapping(options)
  const mapChunk = createChunkMapper(mapping)
  const records: string[] = []
  let scanned = 0
  let events = 0
  await cutBy(way, bytes, pieceBytes, (raw) => {
    const chunk = mapChunk(raw)
    for (let i = 0; i < chunk.count; i++) {
      records.push(inWords(chunk, i))
      if (outcomeAt(chunk, i)?.is === 'event') events++
      if (raw.entries !== undefined && isScanned(raw.entries.firsts, i)) scanned++
    }
  })
  return { records, unknownFields: mapping.unknownFields, events, scanned }
}

/** True when the cutter scanned record `index`. */
export function isScanned(firsts: Int32Array, index: number): boolean {
  return (firsts[index + 1] as number) > (firsts[index] as number)
}

function inWords(chunk: MappedChunk, index: number): string {
  const { raw, eventEnds, bytes } = chunk
  const event = Buffer.from(bytes.subarray(index === 0 ? 0 : eventEnds[index - 1], eventEnds[index])).toString('latin1')
  return JSON.stringify([
    placeText(placeInInput(raw, index)),
    raw.positions[index],
    Buffer.from(recordBytes(raw, index)).toString('latin1'),
    outcomeAt(chunk, index),
    chunk.details.get(index),
    typeNameOf(chunk, index),
    warningsAt(chunk, index),
    [chunk.times[index], chunk.idLow[index], chunk.idHigh[index]],
    [chunk.userStarts[index], chunk.userEnds[index], chunk.deviceStarts[index], chunk.deviceEnds[index]],
    event,
  ])
}
