import { append, appendByte, appendText, type ByteWriter, CARRIAGE_RETURN, NEWLINE, textOf } from '../json/bytes.ts'
import { endOfString, endOfValue } from '../json/values.ts'
import type { KeptEvent, Place, RejectReason } from '../model.ts'

/**
 * Lines of the dead letters and of lane files: one format, one reader (src/README.md §5).
 *
 *     {"reason":…,"detail":…,"status":400|null,"source":{"file":…,"position":…,"line":…},"event_type":…,"record":…,"event":…|null,"at":ms}
 *
 * `record` is the input record as it was, or its raw text as a string when it is malformed. A lane-file line has neither `reason`,
 * `detail` and `status` nor `at`. Records and events are copied byte for byte: their large integers keep every digit.
 */

/** Why an event or a record went to the dead letters. */
export interface Reason {
  readonly reason: RejectReason
  /** Never empty. */
  readonly detail: string
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null
  /** Wall clock, ms. */
  readonly atMs: number
}

/** Appends the dead letter of an event that was sent or could not be. */
export function appendEventLetter(out: ByteWriter, event: KeptEvent, eventType: string | null, why: Reason): void {
  appendWhy(out, why)
  appendCommon(out, event, eventType)
  appendText(out, ',"record":')
  appendOnOneLine(out, event.data, event.recordStart, event.recordEnd)
  appendText(out, ',"event":')
  append(out, event.data, event.eventStart, event.eventEnd)
  appendText(out, `,"at":${why.atMs}}\n`)
}

/** Appends the dead letter of a record that became no event: its raw text. */
export function appendRecordLetter(
  out: ByteWriter,
  place: Place,
  record: Uint8Array,
  eventType: string | null,
  why: Reason,
): void {
  appendWhy(out, why)
  appendCommon(out, place, eventType)
  appendText(out, `,"record":${JSON.stringify(textOf(record))},"event":null,"at":${why.atMs}}\n`)
}

/** Appends the line of a lane file. */
export function appendLaneLine(out: ByteWriter, event: KeptEvent, eventType: string | null): void {
  appendByte(out, 0x7b)
  appendCommon(out, event, eventType)
  appendText(out, ',"record":')
  appendOnOneLine(out, event.data, event.recordStart, event.recordEnd)
  appendText(out, ',"event":')
  append(out, event.data, event.eventStart, event.eventEnd)
  appendText(out, '}\n')
}

/** A line of a lane file that was read back. Its `data` are the bytes that it was read from. */
export interface LaneLine extends Omit<KeptEvent, 'type'> {
  readonly eventType: string | null
}

/**
 * Reads one line, `[start, end)` without its newline.
 * @throws Error when it is not a line that `appendLaneLine` wrote: the file was damaged
 */
export function readLaneLine(bytes: Uint8Array, start: number, end: number): LaneLine {
  let source: { file: string; position: number; line: number | null } | null = null
  let eventType: string | null = null
  let record: readonly [number, number] | null = null
  let event: readonly [number, number] | null = null
  for (let at = start + 1; at < end; ) {
    const keyEnd = endOfString(bytes, at)
    const valueEnd = keyEnd < 0 ? -1 : endOfValue(bytes, keyEnd + 1)
    if (valueEnd < 0 || valueEnd > end) break
    const text = () => JSON.parse(textOf(bytes, keyEnd + 1, valueEnd))
    switch (textOf(bytes, at + 1, keyEnd - 1)) {
      case 'source':
        source = text()
        break
      case 'event_type':
        eventType = text()
        break
      case 'record':
        record = [keyEnd + 1, valueEnd]
        break
      case 'event':
        event = [keyEnd + 1, valueEnd]
        break
    }
    at = valueEnd + 1
  }
  if (source === null || record === null || event === null) throw new Error('a line of a lane file is damaged')
  const { file: path, position, line } = source
  const spans = { eventStart: event[0], eventEnd: event[1], recordStart: record[0], recordEnd: record[1] }
  return { path, position, line, eventType, data: bytes, ...spans }
}

/**
 * False when the first line is neither a letter nor a line of a lane file: then another program wrote the file. True for a file that is
 * empty or begins with zeros, since a crash may leave ours so.
 * @param beginning as much of the file as may hold a line
 */
export function beginsAsLetter(beginning: Uint8Array): boolean {
  if (beginning.length === 0 || beginning[0] === 0) return true
  const end = beginning.indexOf(NEWLINE)
  const line = textOf(beginning, 0, end < 0 ? beginning.length : end)
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'source' in value && 'record' in value
  } catch {
    // The line may be torn, or longer than `beginning`.
    return end < 0 && /^\{\s*"(reason|source)"\s*:/.test(line)
  }
}

function appendWhy(out: ByteWriter, { reason, detail, status }: Reason): void {
  appendText(out, `{"reason":"${reason}","detail":${JSON.stringify(detail)},"status":${status},`)
}

function appendCommon(out: ByteWriter, { path, position, line }: Place, eventType: string | null): void {
  appendText(
    out,
    `"source":{"file":${JSON.stringify(path)},"position":${position},"line":${line}},"event_type":${JSON.stringify(eventType)}`,
  )
}

/** Appends JSON text with its newlines replaced by spaces: JSON may have newlines between tokens, but a line may not. */
function appendOnOneLine(out: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  const from = out.length
  append(out, bytes, start, end)
  for (let at = from; at < out.length; at++) {
    if (out.bytes[at] === NEWLINE || out.bytes[at] === CARRIAGE_RETURN) out.bytes[at] = 0x20
  }
}
