import type { Token } from 'stream-json/core/parser.js'
import {
  append,
  appendByte,
  type ByteWriter,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  reserve,
  utf8,
} from '../json/bytes.ts'
import { isRecordKey } from '../json/envelope.ts'
import { appendTextAsString } from '../json/strings.ts'
import { writeAscii } from '../json/values.ts'

/**
 * Finds the records in a stream of JSON tokens and writes each as compact JSON text, no object built. A record is a value at
 * the top, in an array at the top, or in a list of an object at one of these places (an envelope, `json/envelope.ts`): the list `events`,
 * or when that is empty or missing, each list of records before which no key of a record stands.
 */
export interface JsonRecords {
  take(token: Token): void
  /** How many containers stand around the record under way, or around the next one. */
  depth(): number
  /** Brackets that are open, those around the records included. */
  openCount(): number
  /** True while a record, or what may become an envelope, is being written. */
  isInRecord(): boolean
}

/** A container around records. An envelope's other keys are passed over. */
type Container = 'array' | 'envelope' | 'list'

const EVENTS_KEY = 'events'
const TRUE = utf8('true')
const FALSE = utf8('false')
const NULL = utf8('null')

/** Keys that are kept as bytes; those of the customer's own properties are without number. */
const MAX_KNOWN_KEYS = 2048

/**
 * @param out where records are written, one behind the other
 * @param endRecord a record is complete
 * @param dropRecord what was written is no record: it is an envelope
 */
export function createJsonRecords(out: ByteWriter, endRecord: () => void, dropRecord: () => void): JsonRecords {
  const around: Container[] = []
  /** Brackets open within the record under way, or within a value of an envelope that is passed over. */
  let open = 0
  let isObject = false
  /** The object under way has a key that only records have. */
  let isRecord = false
  /** The token before opened a list that makes its object an envelope, if it holds records. */
  let mayBeginList = false
  /** Where the first object of such a list begins in `out`, until a key says that it is a record; -1 when there is none. */
  let firstItemAt = -1
  /** It is in a list of an envelope, which is passed over with the rest of its list when it is no record. */
  let isFirstInEnvelope = false
  /** The list under way is called `events`; and the envelope under way has one that is not empty. */
  let isEvents = false
  let hasEvents = false
  let lastKey = ''
  /** Keys as they are written behind another. */
  let knownKeys = new Map<string, Uint8Array>()

  const isInEnvelope = () => around.at(-1) === 'envelope'
  /** Brackets of `open` around the first object of a list: none in an envelope's, else those of the object and its list. */
  const firstItemDepth = () => (isFirstInEnvelope ? 0 : 2)

  function mayBeEnvelope(): boolean {
    return isObject && open === 1 && (around.length === 0 || (around.length === 1 && around[0] === 'array'))
  }

  function beginEnvelope(hasEventsKey: boolean): void {
    dropRecord()
    around.push('envelope')
    hasEvents = false
    beginList(hasEventsKey)
  }

  function beginList(hasEventsKey: boolean): void {
    around.push('list')
    isEvents = hasEventsKey
    open = 0
  }

  function finishRecord(): void {
    if (isFirstInEnvelope) {
      isFirstInEnvelope = false
      dropRecord()
      around.pop()
      open = 1
      return
    }
    hasEvents ||= isEvents
    endRecord()
  }

  /** The object under way, first in a list, is a record: so are those that follow it, and what is around the list is an envelope. */
  function takeFirstItem(): void {
    if (isFirstInEnvelope) {
      isFirstInEnvelope = false
    } else {
      const written = out.bytes.slice(firstItemAt, out.length)
      beginEnvelope(false)
      append(out, written)
      open = 1
    }
    isRecord = true
    firstItemAt = -1
  }

  function writeComma(): void {
    const before = out.bytes[out.length - 1]
    // A string ends with its quote, so these can only be structure.
    if (open > 0 && before !== OPEN_BRACE && before !== OPEN_BRACKET && before !== COLON) appendByte(out, COMMA)
  }

  function takeOpen(bracket: number): void {
    const isFirstItem = mayBeginList && bracket === OPEN_BRACE
    mayBeginList = false
    if (isFirstItem && isInEnvelope()) {
      beginList(false)
      isFirstInEnvelope = true
    }
    if (isInEnvelope()) {
      if (open > 0 || bracket !== OPEN_BRACKET) open++
      else if (lastKey === EVENTS_KEY) beginList(true)
      else {
        mayBeginList = !hasEvents
        open++
      }
      return
    }
    if (open === 0 && around.length === 0 && bracket === OPEN_BRACKET) {
      around.push('array')
      return
    }
    if (bracket === OPEN_BRACKET && mayBeEnvelope()) {
      if (lastKey === EVENTS_KEY) {
        beginEnvelope(true)
        return
      }
      mayBeginList = !isRecord
    }
    writeComma()
    if (isFirstItem) firstItemAt = out.length
    appendByte(out, bracket)
    if (open === 0) {
      isObject = bracket === OPEN_BRACE
      isRecord = false
    }
    open++
  }

  function takeClose(bracket: number): void {
    mayBeginList = false
    if (open === 0) {
      around.pop()
      return
    }
    open--
    if (isInEnvelope()) return
    appendByte(out, bracket)
    if (open === firstItemDepth()) firstItemAt = -1
    if (open === 0) finishRecord()
  }

  function takeKey(key: string): void {
    lastKey = key
    if (isInEnvelope()) return
    if (open === 1 && !isRecord) isRecord = isRecordKey(key)
    const isFirst = out.bytes[out.length - 1] === OPEN_BRACE
    append(out, knownKeys.get(key) ?? newKey(key), isFirst ? 1 : 0)
    if (firstItemAt >= 0 && open === firstItemDepth() + 1 && isRecordKey(key)) takeFirstItem()
  }

  function newKey(key: string): Uint8Array {
    const bytes = utf8(`,${JSON.stringify(key)}:`)
    if (knownKeys.size >= MAX_KNOWN_KEYS) knownKeys = new Map()
    knownKeys.set(key, bytes)
    return bytes
  }

  function takeScalar(token: Token): void {
    mayBeginList = false
    if (isInEnvelope()) return
    writeComma()
    writeScalar(out, token)
    if (open === 0) finishRecord()
  }

  return {
    take(token) {
      switch (token.name) {
        case 'startObject':
          takeOpen(OPEN_BRACE)
          break
        case 'startArray':
          takeOpen(OPEN_BRACKET)
          break
        case 'endObject':
          takeClose(CLOSE_BRACE)
          break
        case 'endArray':
          takeClose(CLOSE_BRACKET)
          break
        case 'keyValue':
          takeKey(token.value)
          break
        default:
          takeScalar(token)
      }
    },
    depth: () => around.length,
    openCount: () => around.length + open,
    isInRecord: () => open > 0 && !isInEnvelope(),
  }
}

function writeScalar(out: ByteWriter, token: Token): void {
  switch (token.name) {
    case 'stringValue':
      appendTextAsString(out, token.value)
      break
    case 'numberValue':
      // The parser hands on the number's own text, so that it keeps every digit.
      reserve(out, token.value.length)
      out.length = writeAscii(out.bytes, out.length, token.value)
      break
    case 'trueValue':
      append(out, TRUE)
      break
    case 'falseValue':
      append(out, FALSE)
      break
    default:
      // `nullValue`: the parser is told to make no tokens but those handled here.
      append(out, NULL)
  }
}
