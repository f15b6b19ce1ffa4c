import { bufferOf } from '../json/bytes.ts'
import type { RawChunk, Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { createJsonRecords } from './json-records.ts'
import { createRecordColumns } from './record-columns.ts'
import { EXCERPT_BYTES } from './record-limits.ts'
import { addText, createTextWindow, dropText } from './text-window.ts'

/**
 * JSON that is not one object a line: arrays, `{"events":[…]}` envelopes, objects that follow one another or spread over lines.
 * Positions are ordinals. Records are handed on as they stand in the text: the mapper reads them, and one that is broken costs itself alone.
 * Where the text stops being JSON around records, or it cannot be told where one ends, one fault stands for all of the rest. What a record
 * is depends on all that stands before it, so the text is always read from its start.
 */
export async function* cutJson(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  const window = createTextWindow()
  const columns = createRecordColumns()
  const records = createJsonRecords(window, endRecord)
  let ordinal = 0
  /** Where the chunk's first record is met again. */
  let restart = from
  let chunkEnd = 0
  /** A NUL byte was read: every record from here on is looked through for one. */
  let hasNul = false

  function endRecord(start: number, end: number, line: number, isBehindNul: boolean): void {
    if (ordinal >= from.ordinal) {
      if (columns.count() === 0) restart = { byte: window.base + start, ordinal, line }
      const isSpoiled = isBehindNul || (hasNul && bufferOf(window.bytes.subarray(start, end)).includes(0))
      if (isSpoiled) columns.addFault(start, end, ordinal, line, 'malformed', 'NUL byte')
      else columns.add(start, end, ordinal, line)
      chunkEnd = end
    }
    ordinal++
  }

  function takeChunk(): RawChunk {
    // The byte behind the last record ends every scan of it: it stands in the text, or is the window's guard.
    return { source: input.source, bytes: window.bytes.subarray(0, chunkEnd + 1), restart, ...columns.take() }
  }

  let damage: string | null = null
  for (let read = await input.read(); read !== null; read = await input.read()) {
    hasNul ||= bufferOf(read).includes(0)
    addText(window, read)
    input.reuse(read)
    if (!records.advance()) {
      damage = records.damage()
      break
    }
    if (columns.count() > 0) yield takeChunk()
    // The byte before tells whether a string may begin.
    dropText(window, Math.max(0, records.neededFrom() - 1))
  }

  damage ??= input.damage() ?? (records.isComplete() ? null : 'the input ends too early')
  if (damage !== null) {
    const { byte, line } = records.place()
    // Of an envelope the beginning may be gone.
    const start = Math.max(0, byte - window.base)
    if (columns.count() === 0) restart = { byte, ordinal, line }
    chunkEnd = Math.min(start + EXCERPT_BYTES, window.length)
    const detail = `${damage} (record ${ordinal + 1}, byte ${byte})`
    columns.addFault(start, chunkEnd, ordinal, line, 'damaged_input', detail)
  }
  if (columns.count() > 0) yield takeChunk()
}
