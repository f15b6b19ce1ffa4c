import { fieldNameOf } from '../currents/fields.ts'
import { unionValue } from '../json/avro-union.ts'
import { BACKSLASH, CLOSE_BRACE, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, textView, utf8 } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { endOfPlainText } from '../json/plain-text.ts'
import { unescapeContent } from '../json/strings.ts'
import { endOfNumber, endOfString, endOfValue, isInteger, kindOf, skipSpace } from '../json/values.ts'
import type { FieldColumns, FieldEntries } from '../model.ts'
import { createFieldKeys, NO_FIELD } from './field-keys.ts'

/**
 * Finds the fields of one record in its bytes: for each known field the span and kind of its value, nothing decoded, no object
 * built. Unknown fields are walked over. Of repeated keys the last wins, as in `JSON.parse`; a key that spells a field's name otherwise
 * (`externalUserId`) counts when its object has no key of the name itself, and the first of several.
 */
export interface RecordScanner {
  /** The field's number, or -1. */
  fieldOf(name: string): number
  /** True when a key or column of this name, or spelled so, is a field. */
  knows(name: string): boolean
  /** Scans the record `[start, end)`; false when it is no JSON object, with the reason in `error`. */
  scan(bytes: Uint8Array, start: number, end: number): boolean
  /** Takes the fields of a record that its cutter has found already. */
  load(columns: FieldColumns, record: number): void
  /**
   * Takes the members of a record that its cutter has scanned in `bytes`. False when it has not, and when two of them mean one field: then
   * `scan` is to be called, which knows which counts.
   */
  loadEntries(bytes: Uint8Array, entries: FieldEntries, record: number): boolean
  /**
   * Scans the object at `[start, end)` too, into the same record: its fields become the record's own. A field of
   * `topLevelFirst` that the record already has stays.
   */
  scanNested(bytes: Uint8Array, start: number, end: number): boolean
  readonly error: () => ScanError
  /** Per field, the kind of its value; `KIND.none` when absent. */
  readonly kinds: Uint8Array
  /** Per field that is there, where its value starts and ends, quotes included. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  /**
   * Per field that is there: where its member starts, at the byte before the key's quote, if there is no white space behind its colon. -1
   * when its key is not the field's name with a colon right behind it.
   */
  readonly memberStarts: Int32Array
  /** Bytes of the record's longest value, but for those that are kept whole; every field is looked at. */
  longest(): number
  /** Makes `field` hold what `from` holds. */
  alias(field: number, from: number): void
}

/** Is told of a field that the scanner does not know: where its key and its value stand, the key without quotes. */
type SeeUnknown = (bytes: Uint8Array, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void

interface ScanError {
  readonly message: string
  /** Byte of the chunk at which the record stops being JSON. */
  readonly at: number
}

const SPACE = 0x20

/** What a member has beside key and value: two quotes, a colon, and the byte before it. */
const MEMBER_MARKS = 4
/** More bytes than stand before anything. */
const NEVER_BEFORE = 2 ** 31 - 1

/**
 * @param fieldNames every field that the mapping may read; compared without regard to case
 * @param topLevelFirst fields that a nested object must not replace
 * @param keepWhole fields whose value may be an object of its own, so that a union wrapper is never taken off them
 */
export function createRecordScanner(
  fieldNames: readonly string[],
  keepWhole: ReadonlySet<string>,
  topLevelFirst: ReadonlySet<string>,
  seeUnknown: SeeUnknown | null = null,
): RecordScanner {
  const count = fieldNames.length
  const numbers = new Map(fieldNames.map((name, i) => [name, i]))
  const isWhole = Uint8Array.from(fieldNames, (name) => (keepWhole.has(name) ? 1 : 0))
  const isTopLevelFirst = Uint8Array.from(fieldNames, (name) => (topLevelFirst.has(name) ? 1 : 0))

  const { names, nameStarts, meanings, lookUp, meaningOf, learn } = createFieldKeys(fieldNames)
  const nameView = names.view
  const nameBytes = names.bytes

  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  const memberStarts = new Int32Array(count)
  const kinds = new Uint8Array(count)
  /** The fields that the record has, so that the next one can forget them; one that was cleared and came again is twice there. */
  const present = new Int32Array(2 * count)
  let presentCount = 0

  // Records of one export list their fields in one order: the field that followed this one last time is tried first.
  // Slot `count` stands for the beginning of the record.
  const follower = new Int32Array(count + 1).fill(NO_FIELD)

  /** The columns loaded last, and the field of each of theirs. */
  let loadedNames: readonly string[] = []
  let loadedFields: readonly number[] = []

  /** The bytes that were scanned last. */
  let source = names
  /** The keys of the entries loaded last; the field that each means, its length in UTF-8, and whether it is the field's name as it is. */
  let entryNames: readonly string[] = []
  let entryCount = 0
  let entryFields = new Int16Array(0)
  let entryNameBytes = new Int32Array(0)
  let memberOffsets = new Int32Array(0)

  /**
   * Bytes of white space between the last two members, if they are three to seven; else 0. With the quote behind it: its first four bytes,
   * and its last four.
   */
  let gap = 0
  let gapStart = 0
  let gapEnd = 0

  let message = ''
  let errorAt = 0

  /**
   * The field that a key means which is no field's name, and which `lookUp` knows as `learnt` or not at all. NO_FIELD when it means none,
   * or when its object `[objectStart, objectEnd)` has the field already.
   */
  function fieldMeant(
    bytes: Uint8Array,
    start: number,
    end: number,
    learnt: number,
    objectStart: number,
    objectEnd: number,
  ): number {
    let field: number
    if (learnt !== NO_FIELD) field = meanings[learnt - count] as number
    else {
      let p = start
      while (p < end && bytes[p] !== BACKSLASH) p++
      if (p === end) field = learn(bytes, start, end)
      else {
        // A key may be written with escapes: `i\u0064` is `id`.
        const key = new Uint8Array(end - start)
        const length = unescapeContent(key, 0, bytes, start, end)
        const named = lookUp(key, 0, length)
        if (named !== NO_FIELD && named < count) return named
        field = meaningOf(key, 0, length)
      }
    }
    return field !== NO_FIELD && isWithin(field, objectStart, objectEnd) ? NO_FIELD : field
  }

  /** True when the record has a value of the field in `[start, end)`. */
  function isWithin(field: number, start: number, end: number): boolean {
    const at = starts[field] as number
    return kinds[field] !== KIND.none && at >= start && at < end
  }

  function fail(why: string, at: number): boolean {
    message = why
    errorAt = at
    return false
  }

  function scanObject(bytes: Uint8Array, start: number, end: number, isNested: boolean): boolean {
    if (bytes !== source.bytes) source = textView(bytes)
    let p = skipSpace(bytes, start)
    if (bytes[p] !== OPEN_BRACE) return fail('not a JSON object', p)
    p = skipSpace(bytes, p + 1)
    let previous = count
    if (bytes[p] === CLOSE_BRACE) return endsHere(bytes, p + 1, end)
    for (;;) {
      if (bytes[p] !== QUOTE) return fail('invalid JSON', p)
      // Key.
      const keyAt = p + 1
      let field = follower[previous] as number
      let q = keyAt
      let isNamed = true
      if (field !== NO_FIELD) {
        let n = nameStarts[field] as number
        const nameEnd = nameStarts[field + 1] as number
        const { view } = source
        if (q + nameEnd - n >= bytes.length) field = NO_FIELD
        else {
          while (n + 4 <= nameEnd && view.getInt32(q, true) === nameView.getInt32(n, true)) {
            n += 4
            q += 4
          }
          while (n < nameEnd && bytes[q] === nameBytes[n]) {
            n++
            q++
          }
          if (n < nameEnd || bytes[q] !== QUOTE) field = NO_FIELD
        }
      }
      if (field === NO_FIELD) {
        isNamed = false
        const keyEnd = endOfString(bytes, p)
        if (keyEnd < 0) return fail('invalid JSON', p)
        q = keyEnd - 1
        field = lookUp(bytes, p + 1, q)
        if (field === NO_FIELD || field >= count) field = fieldMeant(bytes, p + 1, q, field, start, end)
        else follower[previous] = field
      }
      p = q + 1
      if (bytes[p] !== COLON) {
        isNamed = false
        p = bytes[p] === SPACE && bytes[p + 1] === COLON ? p + 1 : skipSpace(bytes, p)
        if (bytes[p] !== COLON) return fail('invalid JSON', p)
      }
      p++
      let c = bytes[p] as number
      if (c <= SPACE) {
        // One space is what most programs write, or none.
        p = c === SPACE && (bytes[p + 1] as number) > SPACE ? p + 1 : skipSpace(bytes, p)
        c = bytes[p] as number
      }
      // Value.
      const valueStart = p
      let kind: number = KIND.none
      if (c === QUOTE) {
        kind = KIND.string
        p = endOfPlainText(source, p + 1, bytes.length)
        c = bytes[p] as number
        if (c === BACKSLASH) {
          kind = KIND.escapedString
          p = endOfString(bytes, valueStart) - 1
          if (p < 0) return fail('invalid JSON', valueStart)
        } else if (c !== QUOTE) return fail(c === 0 ? 'NUL byte' : 'invalid JSON', p)
        p++
      } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
        p = endOfValue(bytes, p)
        if (p < 0 || p > end) return fail('invalid JSON', valueStart)
        kind = c === OPEN_BRACE ? KIND.object : KIND.array
      } else if (c >= 0x30 && c <= 0x39) {
        p = endOfNumber(bytes, p)
        if (p < 0) return fail('invalid JSON', valueStart)
        kind = isInteger(bytes, valueStart, p) ? KIND.integer : KIND.number
      } else if (c === 0x6e && bytes[p + 1] === 0x75 && bytes[p + 2] === 0x6c && bytes[p + 3] === 0x6c) {
        p += 4
        kind = KIND.null
      } else {
        p = endOfValue(bytes, p)
        if (p < 0) return fail(c === 0 ? 'NUL byte' : 'invalid JSON', valueStart)
        kind = kindOf(bytes, valueStart, p)
      }
      if (field !== NO_FIELD && !(isNested && isTopLevelFirst[field] === 1 && staysAs(field, start, end))) {
        if (kinds[field] === KIND.none) present[presentCount++] = field
        starts[field] = valueStart
        ends[field] = p
        kinds[field] = kind
        memberStarts[field] = isNamed ? valueStart - (q - keyAt) - MEMBER_MARKS : -1
        if (kind === KIND.object && isWhole[field] === 0) unwrapUnion(bytes, field)
      }
      if (field !== NO_FIELD) previous = field
      else if (seeUnknown !== null) seeUnknown(bytes, keyAt, q, valueStart, p)
      // Next.
      c = bytes[p] as number
      if (c !== COMMA && c !== CLOSE_BRACE) {
        p = skipSpace(bytes, p)
        c = bytes[p] as number
      }
      if (c === CLOSE_BRACE) return endsHere(bytes, p + 1, end)
      if (c !== COMMA || p >= end) return fail('invalid JSON', p)
      p++
      if (bytes[p] !== QUOTE) p = skipGap(p)
    }
  }

  /** Skips the white space between two members: mostly what stood between the two before them, a line end and an indentation. */
  function skipGap(at: number): number {
    const { bytes, view } = source
    if (gap > 0 && at + gap < bytes.length) {
      const isSame = view.getInt32(at, true) === gapStart && view.getInt32(at + gap - 3, true) === gapEnd
      if (isSame) return at + gap
    }
    const end = skipSpace(bytes, at)
    gap = bytes[end] === QUOTE && end - at >= 3 && end - at <= 7 ? end - at : 0
    if (gap > 0) {
      gapStart = view.getInt32(at, true)
      gapEnd = view.getInt32(end - 3, true)
    }
    return end
  }

  /** True when the record has the field already, and not from the nested object `[start, end)` itself. */
  function staysAs(field: number, start: number, end: number): boolean {
    return kinds[field] !== KIND.none && !isWithin(field, start, end)
  }

  function endsHere(bytes: Uint8Array, at: number, end: number): boolean {
    const p = at === end ? at : skipSpace(bytes, at)
    if (at > end || p < end) return fail('invalid JSON', Math.min(p, end))
    return true
  }

  /** Takes the value out of `{"string": …}`. */
  function unwrapUnion(bytes: Uint8Array, field: number): void {
    const inner = unionValue(bytes, starts[field] as number)
    if (inner === null) return
    starts[field] = inner.start
    ends[field] = inner.end
    kinds[field] = kindOf(bytes, inner.start, inner.end)
    memberStarts[field] = -1
  }

  /** The field of each column: of several that spell one name, the one that has the name itself, else the first. */
  function fieldsOf(columnNames: readonly string[]): readonly number[] {
    const own = columnNames.map((name) => numbers.get(name.toLowerCase()) ?? NO_FIELD)
    const taken = new Set(own)
    return columnNames.map((name, i) => {
      const field = numbers.get(fieldNameOf(name)) ?? NO_FIELD
      if (own[i] !== NO_FIELD || taken.has(field)) return own[i] as number
      taken.add(field)
      return field
    })
  }

  /** Finds out what the keys mean of which that is not known. */
  function learnEntryNames(all: readonly string[]): void {
    entryNames = all
    entryCount = all.length
    const keys = all.map(utf8)
    entryFields = Int16Array.from(keys, (key) => {
      const named = lookUp(key, 0, key.length)
      return named !== NO_FIELD && named < count ? named : meaningOf(key, 0, key.length)
    })
    entryNameBytes = Int32Array.from(keys, (key) => key.length)
    memberOffsets = Int32Array.from(keys, (key, i) =>
      numbers.has(all[i] as string) ? key.length + MEMBER_MARKS : NEVER_BEFORE,
    )
  }

  /** Tells of an entry whose key, number `key`, is that of no field. Between a key and its value stand a colon and space. */
  function tellUnknown(bytes: Uint8Array, key: number, valueStart: number, valueEnd: number): void {
    if (seeUnknown === null) return
    let keyEnd = valueStart - 1
    while (bytes[keyEnd] !== QUOTE) keyEnd--
    seeUnknown(bytes, keyEnd - (entryNameBytes[key] as number), keyEnd, valueStart, valueEnd)
  }

  function forgetRecord(): void {
    for (let i = 0; i < presentCount; i++) kinds[present[i] as number] = KIND.none
    presentCount = 0
  }

  return {
    fieldOf: (name) => numbers.get(name) ?? NO_FIELD,
    knows: (name) => numbers.has(name.toLowerCase()) || numbers.has(fieldNameOf(name)),
    scan(bytes, start, end) {
      forgetRecord()
      return scanObject(bytes, start, end, false)
    },
    load(columns, record) {
      forgetRecord()
      if (columns.names !== loadedNames) {
        loadedNames = columns.names
        loadedFields = fieldsOf(columns.names)
      }
      const width = loadedFields.length
      for (let i = 0, at = record * width; i < width; i++, at++) {
        const field = loadedFields[i] as number
        const kind = columns.kinds[at] as number
        if (field === NO_FIELD || kind === KIND.none) continue
        if (kinds[field] === KIND.none) present[presentCount++] = field
        starts[field] = columns.starts[at] as number
        ends[field] = columns.ends[at] as number
        kinds[field] = kind
        memberStarts[field] = -1
      }
    },
    loadEntries(bytes, entries, record) {
      forgetRecord()
      const { names: all, firsts, keys, kinds: valueKinds, starts: valueStarts, ends: valueEnds } = entries
      if (all !== entryNames || all.length !== entryCount) learnEntryNames(all)
      const meant = entryFields
      const offsets = memberOffsets
      const first = firsts[record] as number
      const last = firsts[record + 1] as number
      let found = 0
      for (let at = first; at < last; at++) {
        const key = keys[at] as number
        const field = meant[key] as number
        if (field === NO_FIELD) {
          tellUnknown(bytes, key, valueStarts[at] as number, valueEnds[at] as number)
          continue
        }
        if (kinds[field] !== KIND.none) {
          presentCount = found
          return false
        }
        present[found++] = field
        const start = valueStarts[at] as number
        starts[field] = start
        ends[field] = valueEnds[at] as number
        kinds[field] = valueKinds[at] as number
        memberStarts[field] = start - (offsets[key] as number)
      }
      presentCount = found
      return last > first
    },
    scanNested: (bytes, start, end) => scanObject(bytes, start, end, true),
    error: () => ({ message, at: errorAt }),
    kinds,
    starts,
    ends,
    memberStarts,
    longest() {
      let longest = 0
      for (let i = 0; i < presentCount; i++) {
        const field = present[i] as number
        if (isWhole[field] === 0) longest = Math.max(longest, (ends[field] as number) - (starts[field] as number))
      }
      return longest
    },
    alias(field, from) {
      if (kinds[field] === KIND.none) present[presentCount++] = field
      starts[field] = starts[from] as number
      ends[field] = ends[from] as number
      kinds[field] = kinds[from] as number
      memberStarts[field] = -1
    },
  }
}
