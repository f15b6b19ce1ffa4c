import { MAX_DEPTH, MAX_STRING_LENGTH } from '../amplitude/event.ts'
import { startOfEvent } from '../chunk.ts'
import { fieldNameOf } from '../currents/fields.ts'
import { grownInto, textView } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { createTextNumbers } from '../json/text-numbers.ts'
import { EVENT_NAME_AT, eachProperty, endOfText } from '../map/event-properties.ts'
import type { EventOutline } from '../mapping/event-outline.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { FieldColumns, FieldEntries, MappedChunk, RawChunk } from '../model.ts'
import { warningBit } from '../outcomes.ts'
import { EARLIEST_MS, MAX_EVENT_BYTES } from './check-event.ts'
import { isDeeperThan, isPlainValue } from './plain-values.ts'
import { canBePlain, PRICE, rightKinds } from './right-kinds.ts'

/**
 * Tells events that are plainly right from those that need a closer look, by columns and bytes, so that only a few are read back as
 * objects. It learns from the closer looks: an event is plain only when each key with its kind of value, and each name, has been in one.
 */
export interface PlainEvents {
  /**
   * True only when `checkEvent` and `checkTypes` have nothing to report of event `index`, and when its name, those of its properties and
   * those of its record's fields are all names of events that were `seen`.
   */
  isPlain(chunk: MappedChunk, index: number): boolean
  /** Event `index` was looked at closely. */
  seen(chunk: MappedChunk, index: number): void
}

/** What is known of the events of one type. */
interface TypeEvents {
  readonly outline: EventOutline
  readonly canBePlain: boolean
  /** A product counts for nothing without a price. */
  readonly needsPrice: boolean
  /** By key of the records, the kinds of values that are right and were seen, with `PRICE`. */
  seenKinds: Int32Array
}

const LONG_STRING = warningBit('long_string')
/** Names that are told apart: many more than Amplitude can query. */
const MAX_NAMES = 20_000

export function createPlainEvents(mapping: Mapping): PlainEvents {
  const types: TypeEvents[] = []
  const eventNames = createTextNumbers(MAX_NAMES)
  const isNameSeen: boolean[] = []
  const propertyNames = createTextNumbers(MAX_NAMES)
  const isPropertySeen: boolean[] = []
  /** The chunk at hand, its events' bytes, and the columns of its records' values. */
  let current: MappedChunk | null = null
  let source = textView(new Uint8Array(0))
  let columns: FieldColumns | FieldEntries | null = null
  /** Of the event at hand. */
  let hasPlainProperties = true

  function take(chunk: MappedChunk): void {
    if (chunk === current) return
    current = chunk
    source = textView(chunk.bytes)
    const next = chunk.raw.fields ?? chunk.raw.entries ?? null
    // What is known is known by the numbers of the keys.
    if (next?.names !== columns?.names) types.length = 0
    columns = next
  }

  function eventsAt({ types: numbers, typeNames }: MappedChunk, index: number): TypeEvents {
    const number = numbers[index] as number
    let events = types[number]
    if (events === undefined) {
      const { outline } = mapping.planOf(typeNames[number] as string)
      const needsPrice = outline.topLevel.some(({ key }) => key === 'productId')
      events = { outline, canBePlain: canBePlain(outline), needsPrice, seenKinds: new Int32Array(0) }
      types[number] = events
    }
    return events
  }

  function hasPlainValues({ bytes }: RawChunk, index: number, { seenKinds, needsPrice }: TypeEvents): boolean {
    if (columns === null) return false
    const { kinds, starts, ends } = columns
    const first = firstOf(columns, index)
    const last = firstOf(columns, index + 1)
    const keys = 'keys' in columns ? columns.keys : null
    let met = 0
    for (let at = first; at < last; at++) {
      const seen = seenKinds[keys === null ? at - first : (keys[at] as number)] as number
      const kind = kinds[at] as number
      if (((seen >> kind) & 1) === 0) return false
      if (kind >= KIND.integer && !isPlainValue(bytes, kind, starts[at] as number, ends[at] as number)) return false
      met |= seen
    }
    return met !== 0 && (!needsPrice || (met & PRICE) !== 0)
  }

  function hasPlainNames(chunk: MappedChunk, index: number, { carriesName, own }: EventOutline): boolean {
    if (carriesName && isNameSeen[numberOfName(chunk, index)] !== true) return false
    hasPlainProperties = true
    if (own !== null) eachProperty(chunk, index, source, checkProperty)
    return hasPlainProperties
  }

  function numberOfName({ eventEnds }: MappedChunk, index: number): number {
    const at = startOfEvent(eventEnds, index) + EVENT_NAME_AT
    return eventNames.numberOf(source, at + 1, endOfText(source, at) - 1)
  }

  function checkProperty(keyStart: number, keyEnd: number, start: number, end: number): void {
    const isSeen = isPropertySeen[propertyNames.numberOf(source, keyStart, keyEnd)] === true
    hasPlainProperties &&= isSeen && !isDeeperThan(source, start, end, MAX_DEPTH)
  }

  function noteProperty(keyStart: number, keyEnd: number): void {
    const number = propertyNames.numberOf(source, keyStart, keyEnd)
    // A name that is too long is to be reported each time.
    if (number >= 0) isPropertySeen[number] = keyEnd - keyStart <= MAX_STRING_LENGTH
  }

  function noteValues(index: number, events: TypeEvents): void {
    if (columns === null) return
    const { names, kinds } = columns
    const first = firstOf(columns, index)
    const keys = 'keys' in columns ? columns.keys.subarray(first, firstOf(columns, index + 1)) : [...names.keys()]
    const fields = Array.from(keys, (key) => fieldNameOf(names[key] as string))
    // Of two keys that mean one field, the event shows only one.
    if (new Set(fields).size < fields.length) return
    if (events.seenKinds.length < names.length) {
      events.seenKinds = grownInto(new Int32Array(2 * names.length), events.seenKinds)
    }
    const { seenKinds } = events
    for (const [i, field] of fields.entries()) {
      const key = keys[i] as number
      const right = rightKinds(events.outline, field)
      const seen = right & (1 << (kinds[first + i] as number))
      if (seen !== 0) seenKinds[key] = (seenKinds[key] as number) | seen | (right & PRICE)
    }
  }

  return {
    isPlain(chunk, index) {
      take(chunk)
      const events = eventsAt(chunk, index)
      const { eventEnds, times, warnings, raw } = chunk
      return (
        events.canBePlain &&
        (eventEnds[index] as number) - startOfEvent(eventEnds, index) <= MAX_EVENT_BYTES &&
        (times[index] as number) >= EARLIEST_MS &&
        ((warnings[index] as number) & LONG_STRING) === 0 &&
        hasPlainValues(raw, index, events) &&
        hasPlainNames(chunk, index, events.outline)
      )
    },
    seen(chunk, index) {
      take(chunk)
      const events = eventsAt(chunk, index)
      if (!events.canBePlain) return
      noteValues(index, events)
      if (events.outline.carriesName) {
        const number = numberOfName(chunk, index)
        if (number >= 0) isNameSeen[number] = true
      }
      if (events.outline.own !== null) eachProperty(chunk, index, source, noteProperty)
    },
  }
}

/** Where the values of record `index` begin. */
function firstOf(columns: FieldColumns | FieldEntries, index: number): number {
  return 'firsts' in columns ? (columns.firsts[index] as number) : index * columns.names.length
}
