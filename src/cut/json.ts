import { isAscii, isUtf8 } from 'node:buffer'
import { jsonParser } from 'stream-json/core/parser.js'
import { append, bufferOf } from '../json/bytes.ts'
import { skipSeparators } from '../json/separators.ts'
import type { RawChunk, Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { createChunkBuilder, EXCERPT_BYTES, MAX_RECORD_BYTES } from './chunk-builder.ts'
import { createPieces } from './json-pieces.ts'
import { createJsonRecords } from './json-records.ts'

const SEPARATORS = new Set(Buffer.from(' \t\r\n,'))
/** A byte that separates nothing. */
const END = Buffer.from('.')
const TOO_LONG = `a record of more than ${MAX_RECORD_BYTES} bytes`

/**
 * JSON that is not one object a line: arrays, `{"events":[…]}` envelopes, objects that follow one another or spread over
 * lines. Positions are ordinals. Where the text stops being JSON, one fault stands for all of the rest. What a record is depends on
 * all that stands before it, so the text is always parsed from its start.
 */
export async function* cutJson(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  const builder = createChunkBuilder(input.source)
  const records = createJsonRecords(builder.out, endRecord, builder.drop)
  const pieces = createPieces()
  const parse = jsonParser({ packValues: true, streamValues: false, jsonStreaming: true })
  let ordinal = 0
  /** Where the chunk's first record is met again. */
  let restart = from
  /** Byte and line at which the piece under way begins. */
  let position = 0
  let line = 1
  /** Why the record under way, or the next one, cannot be taken. */
  let spoiled: string | null = null
  let damage: string | null = null
  /** Bytes of a piece whose end has not come yet. */
  let partial: Uint8Array[] = []
  let partialLength = 0

  function endRecord(): void {
    const recordLine = pieces.lineOf(records.depth())
    if (ordinal < from.ordinal) {
      spoiled = null
      ordinal++
      builder.drop()
      return
    }
    if (builder.count() === 0) restart = { byte: position, ordinal, line: recordLine }
    if (spoiled === null) builder.add(ordinal, recordLine)
    else builder.addFault(ordinal, recordLine, 'malformed', spoiled)
    spoiled = null
    ordinal++
  }

  /** Gives one piece to the parser, from `begin` on; false when it is no JSON, which loses the piece but nothing before it. */
  function takePiece(piece: Buffer, begin: number, isPlain: boolean): boolean {
    const text = isPlain ? piece.toString('latin1', begin) : textOfPiece(piece.subarray(begin))
    let tokens: ReturnType<typeof parse>
    try {
      tokens = parse(text)
    } catch (error) {
      damage = `invalid JSON: ${(error as Error).message.replace(/^Parser (cannot parse input: )?/, '')}`
      return false
    }
    if (typeof tokens !== 'symbol') for (const token of tokens.values) records.take(token)
    // The parser waits for more after `tru`, whatever follows.
    if (records.openCount() !== pieces.depth()) damage = 'invalid JSON'
    else if (!records.isInRecord()) spoiled = null
    else if (builder.recordLength() > MAX_RECORD_BYTES) damage = TOO_LONG
    return damage === null
  }

  /** A byte that no text may hold costs its own record only: the parser is shown something harmless in its place. */
  function textOfPiece(piece: Buffer): string {
    if (!isUtf8(piece)) spoiled = 'invalid UTF-8'
    const text = piece.toString('utf8')
    if (!piece.includes(0)) return text
    spoiled = 'NUL byte'
    return text.replaceAll('\0', ' ')
  }

  let rest: Buffer = Buffer.alloc(0)
  for (let read = await input.read(); read !== null && damage === null; read = await input.read()) {
    const bytes = bufferOf(read)
    const isPlain = isAscii(bytes) && !bytes.includes(0)
    let at = 0
    for (;;) {
      const end = pieces.next(bytes, at)
      if (end < 0) break
      let piece = bytes.subarray(at, end)
      const isWhole = partialLength === 0
      if (!isWhole) piece = Buffer.concat([...partial, piece])
      partial = []
      partialLength = 0
      rest = piece
      const begin = records.openCount() === 0 ? skipSeparators(piece, 0) : 0
      if (!takePiece(piece, begin, isPlain && isWhole)) break
      position += piece.length
      line = pieces.line()
      rest = Buffer.alloc(0)
      at = end
      if (builder.isFull() && !records.isInRecord()) yield builder.take(restart)
    }
    if (damage !== null) break
    if (at < bytes.length) {
      partial.push(Buffer.from(bytes.subarray(at)))
      partialLength += bytes.length - at
      if (partialLength > MAX_RECORD_BYTES) damage = TOO_LONG
    }
    input.reuse(read)
  }

  if (damage === null) {
    rest = Buffer.concat(partial)
    damage = input.damage()
    if (damage === null && !isComplete(rest)) damage = 'the input ends too early'
  } else if (rest.length === 0) {
    rest = Buffer.concat(partial)
  }
  if (damage !== null) {
    const begin = skip(rest, SEPARATORS)
    for (let i = 0; i < begin; i++) if (rest[i] === 0x0a) line++
    const recordLine = records.isInRecord() ? pieces.lineOf(records.depth()) : line
    if (builder.count() === 0) restart = { byte: position, ordinal, line: recordLine }
    append(builder.out, rest.subarray(begin, begin + EXCERPT_BYTES))
    builder.addFault(
      ordinal,
      recordLine,
      'damaged_input',
      `${damage} (record ${ordinal + 1}, byte ${position + begin})`,
    )
  }
  if (builder.count() > 0) yield builder.take(restart)

  function isComplete(after: Buffer): boolean {
    return records.openCount() === 0 && skipSeparators(Buffer.concat([after, END]), 0) === after.length
  }
}

/** The position of the first byte that is not one of `bytes`. */
function skip(text: Uint8Array, bytes: ReadonlySet<number>): number {
  let p = 0
  while (p < text.length && bytes.has(text[p] as number)) p++
  return p
}
