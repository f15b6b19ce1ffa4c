import { CLOSE_BRACKET, COMMA, NEWLINE, OPEN_BRACE, OPEN_BRACKET, QUOTE, textOf } from '../json/bytes.ts'
import { hasRecordKey, isBehindRecordKey } from '../json/envelope.ts'
import { skipMarks } from '../json/separators.ts'
import { endOfString, endOfValue, skipSpace } from '../json/values.ts'
import { CLOSED, createBoundaryScanner, DAMAGE, LIST, MORE } from './json-boundaries.ts'
import { createEnvelopeFrame } from './json-frame.ts'
import { MAX_RECORD_BYTES } from './record-limits.ts'
import type { TextWindow } from './text-window.ts'

/**
 * Finds the records in a text that comes piece by piece. A record is a value at the top, in an array at the top, or in a list of an object
 * at one of these places (an envelope, `json/envelope.ts`): the list `events`, or when that is empty or missing, each list of records before
 * which no key of a record stands.
 */
export interface JsonRecords {
  /** Goes on to the end of the window; false when the text stops being JSON before. */
  advance(): boolean
  /** Index of the window from which on its text is needed. */
  neededFrom(): number
  /** Byte of the input and line at which what is under way begins, or what follows would. */
  place(): { readonly byte: number; readonly line: number }
  /** True when nothing is under way at the end of the window: the text may end here. */
  isComplete(): boolean
  /** Why the text stops being JSON. */
  damage(): string
}

/** What comes next in a text. */
type Expected =
  /** A value, or marks at the top. */
  | 'value'
  /** A value, or the end of the array. */
  | 'first'
  /** A comma, or the end of the array. */
  | 'next'

const EVENTS_KEY = 'events'
const MARKS = new Set([0x1e, 0xef])
const LONGEST_MARK = 3
const TOO_LONG = `a record of more than ${MAX_RECORD_BYTES} bytes`

/**
 * @param endRecord a record is complete: where it is in the window, its line, and whether NUL bytes stand before it
 */
export function createJsonRecords(
  window: TextWindow,
  endRecord: (start: number, end: number, line: number, isBehindNul: boolean) => void,
): JsonRecords {
  const scanner = createBoundaryScanner(window)
  const frame = createEnvelopeFrame()
  /** What is under way: nothing, a number or word, another value, or an object that may be an envelope, or is one. */
  let state: 'between' | 'scalar' | 'value' | 'object' = 'between'
  let expected: Expected = 'value'
  let isInArray = false
  let isInEnvelope = false
  let isInList = false
  /** Byte of the input and line at which begins what is under way: a record, or a part of an envelope around its records. */
  let start = 0
  let startLine = 1
  /** Byte of the input up to which the frame has taken the envelope under way. */
  let takenTo = 0
  /** Of the object under way: no list of records can follow, but that of events. */
  let isRecord = false
  /** Byte of the key up to which it was looked through for a record's keys. */
  let checkedTo = 0
  /** Byte and line of the bracket of a list of which the first item shows whether it holds records; -1 when there is none. */
  let list = -1
  let listLine = 0
  /** The list under way is called `events`; and the envelope under way has one that is not empty. */
  let isEvents = false
  let hasEvents = false
  let isBehindNul = false
  let damage: string | null = null

  const indexOf = (byte: number) => byte - window.base

  function fail(why: string): boolean {
    damage = why
    return false
  }

  function startHere(): void {
    start = window.base + window.at
    startLine = window.line
    takenTo = start
  }

  /** Goes on between values, until one begins; false when the window ends or the text stops being JSON. */
  function goBetween(): boolean {
    const { bytes, length } = window
    const isAtTop = !isInArray && !isInList
    for (; ; window.at++) {
      const c = bytes[window.at] as number
      if (window.at >= length) return false
      if (c === NEWLINE) window.line++
      else if (c === 0) isBehindNul = true
      else if (c === 0x20 || c === 0x0d || c === 0x09) continue
      else if (c === CLOSE_BRACKET && expected !== 'value') {
        closeArray()
        return true
      } else if (expected === 'next') {
        if (c !== COMMA) return fail("invalid JSON: expected ',' or ']'")
        expected = 'value'
      } else if (isAtTop && MARKS.has(c)) {
        const end = skipMarks(bytes, window.at)
        if (end > length || (end === window.at && length - end < LONGEST_MARK)) return false
        if (end === window.at) return fail('invalid JSON: expected a value')
        window.at = end - 1
      } else if (isAtTop && c === OPEN_BRACKET) {
        isInArray = true
        expected = 'first'
        window.at++
        return true
      } else return beginValue(c)
    }
  }

  function closeArray(): void {
    if (isInList) {
      isInList = false
      state = 'object'
      startHere()
      scanner.beginInObject()
    } else {
      isInArray = false
      expected = 'value'
    }
    isBehindNul = false
    window.at++
  }

  function beginValue(c: number): boolean {
    startHere()
    if (c === OPEN_BRACE && !isInList) {
      state = 'object'
      isRecord = false
      checkedTo = -1
      list = -1
      scanner.begin()
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET || c === QUOTE) {
      state = 'value'
      scanner.begin()
    } else if (BEGINS_SCALAR.includes(c)) state = 'scalar'
    else return fail('invalid JSON: expected a value')
    return true
  }

  function endValue(): boolean {
    const begin = indexOf(start)
    if (window.at - begin > MAX_RECORD_BYTES) return fail(TOO_LONG)
    endRecord(begin, window.at, startLine, isBehindNul)
    isBehindNul = false
    if (isInList && isEvents) hasEvents = true
    state = 'between'
    expected = isInArray || isInList ? 'next' : 'value'
    return true
  }

  function goThroughScalar(): boolean {
    const { bytes, length } = window
    while (IN_SCALAR.includes(bytes[window.at] as number)) window.at++
    if (window.at >= length) return false
    if (endOfValue(bytes, indexOf(start)) !== window.at) return fail('invalid JSON: expected a value')
    return endValue()
  }

  function goThroughValue(): boolean {
    const stop = scanner.scan(0, false)
    if (stop === DAMAGE) return fail(`invalid JSON: ${scanner.damage()}`)
    return stop === CLOSED && endValue()
  }

  function goThroughObject(): boolean {
    const stop = scanner.scan(list < 0 ? 0 : 2, list < 0)
    if (stop === DAMAGE) {
      // The frame may have been broken before.
      return (!isInEnvelope || takeFrame(window.at)) && fail(`invalid JSON: ${scanner.damage()}`)
    }
    if (stop === LIST) return seeList()
    if (stop === MORE) {
      // A string is handed on whole, so that no character is cut.
      if (isInEnvelope && list < 0) takeFrame(scanner.isInString() ? indexOf(scanner.stringStart()) : window.at)
      return false
    }
    if (list >= 0) return seeFirstItem()
    if (!isInEnvelope) return endValue()
    if (!takeFrame(window.at)) return false
    if (frame.depth() > 0) return fail('invalid JSON')
    isInEnvelope = false
    state = 'between'
    expected = isInArray ? 'next' : 'value'
    return true
  }

  /** An array begins that is a member of the object under way. */
  function seeList(): boolean {
    const at = window.at - 1
    if (isInEnvelope) {
      if (!takeFrame(window.at)) return false
      if (frame.key() === EVENTS_KEY) return beginList(at, window.line, true)
      if (hasEvents) return true
    } else {
      if (lastKey() === EVENTS_KEY) {
        isInEnvelope = true
        hasEvents = false
        return beginList(at, window.line, true)
      }
      if (isRecord) return true
      const from = checkedTo < 0 ? skipSpace(window.bytes, indexOf(start) + 1) : indexOf(checkedTo)
      isRecord = isBehindRecordKey(window.bytes, from, at)
      if (isRecord) return true
      checkedTo = scanner.stringStart()
    }
    list = window.base + at
    listLine = window.line
    return true
  }

  /** The last string of the object under way, which is a key when a list follows; null when there is none. */
  function lastKey(): string | null {
    if (scanner.stringStart() < start) return null
    const keyStart = indexOf(scanner.stringStart())
    const keyEnd = endOfString(window.bytes, keyStart)
    return keyEnd < 0 ? null : JSON.parse(textOf(window.bytes, keyStart, keyEnd))
  }

  /** The first array or object in a list has ended, or the list has. */
  function seeFirstItem(): boolean {
    const at = indexOf(list)
    list = -1
    const item = skipSpace(window.bytes, at + 1)
    if (scanner.depth() < 2 || !hasRecordKey(window.bytes, item)) return true
    if (!isInEnvelope) {
      isInEnvelope = true
      hasEvents = false
    }
    return beginList(at, listLine, false)
  }

  /** The list whose bracket is at `at` holds records. */
  function beginList(at: number, line: number, isListOfEvents: boolean): boolean {
    if (!takeFrame(at + 1)) return false
    if (frame.depth() !== 2) return fail('invalid JSON')
    window.at = at + 1
    window.line = line
    isInList = true
    isEvents = isListOfEvents
    state = 'between'
    expected = 'first'
    return true
  }

  /** Gives the text of an envelope to the frame, up to the index `end`. A NUL byte there costs no record. */
  function takeFrame(end: number): boolean {
    try {
      frame.take(textOf(window.bytes, indexOf(takenTo), end).replaceAll('\0', ' '))
    } catch (error) {
      return fail(`invalid JSON: ${(error as Error).message.replace(/^Parser (cannot parse input: )?/, '')}`)
    }
    takenTo = window.base + end
    return true
  }

  /** Index of the first byte that is needed of what is under way. */
  function neededFrom(): number {
    return state === 'between' ? window.at : indexOf(isInEnvelope ? takenTo : start)
  }

  return {
    advance() {
      for (;;) {
        let goesOn: boolean
        switch (state) {
          case 'between':
            goesOn = goBetween()
            break
          case 'scalar':
            goesOn = goThroughScalar()
            break
          case 'value':
            goesOn = goThroughValue()
            break
          case 'object':
            goesOn = goThroughObject()
            break
        }
        if (goesOn) continue
        if (damage === null && state !== 'between' && window.length - neededFrom() > MAX_RECORD_BYTES) fail(TOO_LONG)
        return damage === null
      }
    },
    neededFrom,
    place: () =>
      state === 'between' ? { byte: window.base + window.at, line: window.line } : { byte: start, line: startLine },
    isComplete: () => state === 'between' && !isInArray && !isInList && !isBehindNul && window.at === window.length,
    damage: () => damage ?? '',
  }
}

/** The bytes that numbers and words begin with, and those that can be in them. */
const BEGINS_SCALAR = Buffer.from('-0123456789tfn')
const IN_SCALAR = Buffer.from('-+.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
