import { typeOfPath } from '../currents/path-type.ts'
import { append, QUOTE, reserve, textOf } from '../json/bytes.ts'
import { type Member, membersOf } from '../json/members.ts'
import { unescapeContent } from '../json/strings.ts'
import { endOfValue, skipSpace } from '../json/values.ts'
import type { Letter, OpenSource, RawChunk, RejectReason, Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { createChunkBuilder } from './chunk-builder.ts'
import { cutLines } from './lines.ts'

/**
 * Dead-letter files and lane files (src/README.md §5; `state/letter.ts` writes them): one letter a line, and the record is the one inside.
 * Positions and lines are those of the letters. A line that is no letter is taken as a record, good or broken: such files are
 * mended by hand.
 *
 * What a letter holds as raw text was malformed, but may be mended by now, or fit the mapping of today: it is tried again.
 */
export async function* cutLetters(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  for await (const lines of cutLines(input, from)) yield* recordsOf(lines)
}

/** What stands in a raw text for bytes that were no UTF-8. */
const REPLACEMENT = '\ufffd'
const BYTES_LOST =
  'the raw text has lost bytes that were no UTF-8 (U+FFFD stands for them); replace it with the mended record, a JSON object'

/** A letter, and where its record is in the line. */
interface FoundLetter {
  readonly letter: Letter
  readonly isShare: boolean
  readonly record: Member
  readonly fault: { readonly reason: RejectReason; readonly detail: string } | null
}

/** Records that one chunk may hold together. */
interface Run {
  readonly source: OpenSource
  readonly builder: ReturnType<typeof createChunkBuilder>
  readonly letters: (Letter | null)[]
  readonly restart: Restart
}

function* recordsOf(lines: RawChunk): Generator<RawChunk> {
  const { bytes, source } = lines
  const faults = new Map(lines.faults.map((fault) => [fault.index, fault]))
  let run = startRun(source, source.isShare, lines.restart)
  for (let i = 0; i < lines.count; i++) {
    const start = lines.starts[i] as number
    const end = lines.ends[i] as number
    const found = faults.has(i) ? null : letterAt(bytes, start, end)
    const isShare = found?.isShare ?? source.isShare
    if (isShare !== run.source.isShare) {
      if (run.letters.length > 0) yield takeRun(run)
      run = startRun(source, isShare, restartAt(i))
    }
    const { builder } = run
    if (found === null) append(builder.out, bytes, start, end)
    else appendRecord(builder.out, bytes, found.record)
    const fault = faults.get(i) ?? found?.fault ?? null
    const position = lines.positions[i] as number
    const line = lines.lines?.[i] ?? 0
    if (fault === null) builder.add(position, line)
    else builder.addFault(position, line, fault.reason, fault.detail)
    run.letters.push(found?.letter ?? null)
  }
  if (run.letters.length > 0) yield takeRun(run)

  function restartAt(index: number): Restart {
    const byte = lines.positions[index] as number
    return { byte, ordinal: lines.restart.ordinal + index, line: lines.lines?.[index] ?? null }
  }
}

function startRun(source: OpenSource, isShare: boolean, restart: Restart): Run {
  const ofRun = { ...source, isShare }
  return { source: ofRun, builder: createChunkBuilder(ofRun), letters: [], restart }
}

function takeRun({ builder, letters, restart }: Run): RawChunk {
  return { ...builder.take(restart), letters }
}

/** The record as JSON text: an object as it is, raw text without its escapes. */
function appendRecord(out: Parameters<typeof append>[0], bytes: Uint8Array, { start, end }: Member): void {
  if (bytes[start] !== QUOTE) {
    append(out, bytes, start, end)
    return
  }
  reserve(out, end - start)
  out.length = unescapeContent(out.bytes, out.length, bytes, start + 1, end - 1)
}

/** The letter that the line `[start, end)` is; null when it is none. */
function letterAt(bytes: Uint8Array, start: number, end: number): FoundLetter | null {
  if (endOfValue(bytes, skipSpace(bytes, start)) !== end) return null
  const members = new Map(membersOf(bytes, start).map((member) => [member.key, member]))
  const record = members.get('record')
  if (record === undefined) return null
  const parsed = (key: string): unknown => {
    const member = members.get(key)
    return member === undefined ? null : JSON.parse(textOf(bytes, member.start, member.end))
  }
  const source = placeIn(parsed('source'))
  if (source === null) return null
  const eventType = parsed('event_type')
  const letter = {
    ...source,
    eventType: typeof eventType === 'string' ? eventType : null,
    madeId: madeIdIn(bytes, members.get('event')),
  }
  const { isShare } = typeOfPath(source.path)
  return { letter, isShare, record, fault: faultOf(record) }

  function faultOf({ start, end }: Member): FoundLetter['fault'] {
    if (bytes[start] !== QUOTE) return null
    // Damage stands for all that is lost, not for one record.
    if (parsed('reason') === 'damaged_input') {
      return { reason: 'damaged_input', detail: String(parsed('detail') ?? 'damaged input') }
    }
    return textOf(bytes, start, end).includes(REPLACEMENT) ? { reason: 'malformed', detail: BYTES_LOST } : null
  }
}

/** Where a letter says that its record came from; null when it does not. */
function placeIn(source: unknown): Omit<Letter, 'eventType' | 'madeId'> | null {
  if (typeof source !== 'object' || source === null) return null
  const { file, position, line } = source as Record<string, unknown>
  if (typeof file !== 'string' || typeof position !== 'number') return null
  return { path: file, position, line: typeof line === 'number' ? line : null }
}

/** The `insert_id` that the mapper made for an event whose record has no id (src/README.md §3). */
function madeIdIn(bytes: Uint8Array, event: Member | undefined): string | null {
  if (event === undefined) return null
  const member = membersOf(bytes, event.start).find(({ key }) => key === 'insert_id')
  const id: unknown = member === undefined ? null : JSON.parse(textOf(bytes, member.start, member.end))
  return typeof id === 'string' && /^[0-9a-f]{32}$/.test(id) ? id : null
}
