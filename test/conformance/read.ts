import { CUTTERS } from '../../src/cut/cut.ts'
import { UsageError } from '../../src/errors.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import { BEGINNING, type RawChunk } from '../../src/model.ts'
import { OUTCOMES } from '../../src/outcomes.ts'
import { chooseFormat } from '../../src/read/choose-format.ts'
import type { Format } from '../../src/read/detect.ts'
import { type OpenInput, openInput } from '../../src/read/open.ts'
import { createLedger } from '../../src/state/ledger.ts'

/** The stages from open to books, for one input at a time. */

export interface Result {
  readonly format: Format | null
  /** How CSV is written, in words; null for other formats. */
  readonly dialect: string | null
  /** Events that came out, one line each. */
  readonly events: readonly string[]
  readonly read: number
  readonly rejected: Readonly<Record<string, number>>
  readonly details: readonly string[]
  /** Line of each record; 0 where the format has none. */
  readonly lines: readonly number[]
  readonly positions: readonly number[]
  /** Raw text of the records that are faults. */
  readonly raws: readonly string[]
  readonly refused: UsageError | null
}

export const mapping = compileMapping({
  profile: 'braze',
  include: [],
  exclude: [],
  sinceMs: Number.NEGATIVE_INFINITY,
  untilMs: Number.POSITIVE_INFINITY,
  eventType: null,
  skipUserPropertiesSync: false,
  nowMs: Date.UTC(2026, 10, 28),
})
const mapChunk = createChunkMapper(mapping)

/** An input whose bytes come in pieces of `pieceBytes`. */
export function memoryInput(bytes: Uint8Array, type: string | null, pieceBytes = bytes.length): OpenInput {
  let at = 0
  return {
    source: {
      path: 'memory',
      number: 0,
      fileType: type,
      candidates: [],
      isShare: false,
      isEncoded: false,
      headHash: () => '00',
    },
    file: null,
    async read() {
      if (at >= bytes.length) return null
      const piece = Buffer.from(bytes.subarray(at, at + pieceBytes))
      at += pieceBytes
      return piece
    },
    // Whoever gives a piece back must not look at it again.
    reuse: (piece) => void piece.fill(0x58),
    async skipTo(byte) {
      at = byte
    },
    damage: () => null,
    storedBytes: () => at,
    async close() {},
  }
}

export async function readFileInput(path: string): Promise<Result> {
  const input = await openInput({ path, number: 0 })
  try {
    return await readInput(input)
  } finally {
    await input.close()
  }
}

export async function readInput(opened: OpenInput, forced: Format | null = null): Promise<Result> {
  const ledger = createLedger({ limit: Number.POSITIVE_INFINITY, maxErrors: null, seen: null })
  const found = {
    events: [] as string[],
    details: [] as string[],
    lines: [] as number[],
    positions: [] as number[],
    raws: [] as string[],
  }
  let format: Format | null = null
  let dialect: string | null = null
  let refused: UsageError | null = null
  try {
    const chosen = await chooseFormat(opened, forced)
    format = chosen.format
    const tellDialect = (name: string) => {
      dialect = name
    }
    if (format !== null) {
      for await (const raw of CUTTERS[format](chosen.input, BEGINNING, { dialect: tellDialect })) take(raw)
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    refused = error
  }
  const counts = ledger.counts()
  const rejected = Object.fromEntries(counts.rejected)
  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
  const explained = counts.accepted + counts.pending + sum(counts.rejected.values()) + sum(counts.skipped.values())
  if (explained !== counts.read)
    throw new Error(`the books do not balance: ${counts.read} read, ${explained} explained`)
  return { format, dialect, refused, read: counts.read, rejected, ...found }

  function take(raw: RawChunk): void {
    const chunk = mapChunk(raw)
    ledger.book(chunk, null)
    let start = 0
    for (let i = 0; i < chunk.count; i++) {
      const end = chunk.eventEnds[i] as number
      if (end > start) found.events.push(Buffer.from(chunk.bytes.subarray(start, end - 1)).toString())
      start = end
      found.lines.push(raw.lines?.[i] ?? 0)
      found.positions.push(raw.positions[i] as number)
      const outcome = OUTCOMES[chunk.outcomes[i] as number]
      if (outcome?.is === 'rejected') found.details.push(`${outcome.reason}: ${chunk.details.get(i)}`)
    }
    for (const { index } of raw.faults) {
      found.raws.push(Buffer.from(raw.bytes.subarray(raw.starts[index], raw.ends[index])).toString())
    }
    ledger.accept(chunk)
  }
}
