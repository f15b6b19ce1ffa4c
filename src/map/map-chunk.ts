import { isUtf8 } from 'node:buffer'
import { isReservedName, MAX_STRING_LENGTH } from '../amplitude/event.ts'
import { CONTAINER_FIELDS, EVENT_NAME_FIELD, RECORD_FIELDS } from '../currents/fields.ts'
import { excerpt } from '../excerpt.ts'
import {
  appendLiteral,
  copyLiteral,
  createByteWriter,
  literal,
  OPEN_BRACE,
  QUOTE,
  reserve,
  type TextView,
  textOf,
  textView,
  utf8,
  writeInto,
} from '../json/bytes.ts'
import type { CompiledCondition } from '../mapping/conditions.ts'
import type { Mapping, Plan } from '../mapping/plan.ts'
import type { MappedChunk, RawChunk } from '../model.ts'
import { EVENT, outcomeOf, warningBit } from '../outcomes.ts'
import { recordBytes } from '../record-text.ts'
import { createConditionTest } from './conditions-met.ts'
import { createCustomPropertyWriter } from './custom-properties.ts'
import { createDerivedPropertyWriter } from './derived-properties.ts'
import { EVENT_NAME_AT } from './event-properties.ts'
import { createIdentityWriter } from './identity.ts'
import { hashId, NO_ID, writeMadeId } from './insert-id.ts'
import { holdsLongString } from './long-strings.ts'
import { createFormReader } from './record-forms.ts'
import { createRecordScanner } from './record-scanner.ts'
import { createTimeReader, writeTime } from './record-time.ts'
import { createTypeReader } from './record-type.ts'
import { copyContent, holdsNoNumber, holdsText, isTextOf } from './record-values.ts'
import { createUnknownNames } from './unknown-names.ts'
import { createOutputWriter } from './write-outputs.ts'

const MALFORMED = outcomeOf('malformed')
const INVALID_EVENT = outcomeOf('invalid_event')
const FILTERED = outcomeOf('filtered')
const NO_IDENTITY = outcomeOf('no_identity')
const INVALID_IDENTITY = outcomeOf('invalid_identity')

const TYPE_MISMATCH = warningBit('event_type_mismatch')
const ID_MISSING = warningBit('id_missing')
const ID_DROPPED = warningBit('id_dropped')
const NOT_JSON = warningBit('properties_not_json')
const WITHOUT_ZONE = warningBit('time_without_zone')
const IN_FUTURE = warningBit('time_in_future')
const LONG_STRING = warningBit('long_string')

/** Clocks of devices may run ahead by so much. */
const FUTURE_MS = 24 * 3_600_000

/** The first quote closes the event type. */
const USER_ID = literal('","user_id":"')
const DEVICE_ID = literal(',"device_id":"')
const TIME = literal(',"time":')
const INSERT_ID = literal(',"insert_id":')
const LIBRARY = literal(',"library":"Braze"')
const PROPERTIES = literal(',"event_properties":')
const ADVERTISING_IDS = [
  { type: utf8('ios_idfa'), key: literal(',"idfa":"') },
  { type: utf8('google_ad_id'), key: literal(',"adid":"') },
]

/** Why a record is malformed that has no event type of its own in a file that names none. */
export const NO_EVENT_TYPE = 'no event type: neither the record nor its file names one'

type Columns = ReturnType<typeof createColumns>

/**
 * Makes the function that maps a chunk of raw records: bytes in, bytes out. It is pure: equal chunks give equal results,
 * and it keeps nothing but scratch space between calls. A chunk's bytes stay until the call after the next.
 *
 * The first that holds decides a record's outcome (src/README.md §2): malformed, unknown or not exported type, filtered, identity.
 * Duplicates are the ledger's to find.
 */
export function createChunkMapper(mapping: Mapping): (raw: RawChunk) => MappedChunk {
  const unknown = createUnknownNames(mapping.unknownFields, (name) => scanner.knows(name))
  const scanner = createRecordScanner(mapping.fieldNames, CONTAINER_FIELDS, new Set(RECORD_FIELDS), unknown.add)
  const field = {
    id: scanner.fieldOf('id'),
    name: scanner.fieldOf(EVENT_NAME_FIELD),
    adId: scanner.fieldOf('ad_id'),
    adIdType: scanner.fieldOf('ad_id_type'),
  }
  const { userId, deviceId, minIdLength } = mapping.rules.identity
  const user = createIdentityWriter(scanner, userId, USER_ID, minIdLength)
  const device = createIdentityWriter(scanner, deviceId, DEVICE_ID, minIdLength)
  const ownPlanOf = createTypeReader(mapping, scanner)
  const forms = createFormReader(scanner, mapping)
  const isMet = createConditionTest(scanner)
  const writeOutputs = createOutputWriter(scanner)
  const writeCustomProperties = createCustomPropertyWriter(scanner)
  const writeDerivedProperties = createDerivedPropertyWriter()
  const time = createTimeReader(scanner)
  const { sinceMs, untilMs, nowMs } = mapping.options
  const override = mapping.options.eventType === null ? null : mapping.planOf(mapping.options.eventType)

  const out = createByteWriter(0)
  /** The bytes of the chunk before the last: two take turns, so that one can be written while the next is mapped. */
  let idle: Uint8Array = new Uint8Array(0)
  /** The chunk at hand. */
  let raw: RawChunk
  let bytes: Uint8Array
  let source: TextView
  let columns: Columns
  /** Whether the record at hand is in the Custom HTTP form. */
  let isHttpForm = false

  return function mapChunk(chunk) {
    raw = chunk
    bytes = chunk.bytes
    source = textView(bytes)
    columns = createColumns(chunk.count)
    const { count, starts, ends, faults } = chunk
    const { outcomes, types, eventEnds, details } = columns
    const fileType = chunk.source.fileType ?? mapping.typeOfFile(chunk.source.path)
    const filePlan = fileType === null ? null : mapping.planOf(fileType)
    const allUtf8 = isUtf8(bytes)
    let nextFault = 0

    const reused = idle
    idle = out.bytes
    writeInto(out, reused)
    reserve(out, bytes.length + (bytes.length >> 2))
    for (let i = 0; i < count; i++) {
      const fault = faults[nextFault]
      const told = override ?? planOfLetter(i)
      let plan: Plan | null = told ?? filePlan
      if (fault !== undefined && fault.index === i) {
        nextFault++
        outcomes[i] = outcomeOf(fault.reason)
        details.set(i, fault.detail)
      } else if (!allUtf8 && !isUtf8(bytes.subarray(starts[i], ends[i]))) {
        outcomes[i] = MALFORMED
        details.set(i, 'invalid UTF-8')
      } else if (!findFields(i)) {
        outcomes[i] = MALFORMED
        details.set(i, scanFailure(i))
      } else {
        const own = ownPlanOf(bytes)
        if (own !== null && filePlan !== null && own !== filePlan) warn(i, TYPE_MISMATCH)
        plan = told ?? own ?? filePlan
        isHttpForm = forms.flatten(bytes, own !== null)
        outcomes[i] = mapRecord(i, plan)
      }
      types[i] = plan === null ? -1 : plan.number
      eventEnds[i] = out.length
    }
    if (chunk.fields !== undefined) unknown.addColumns(chunk.fields, count)
    return { raw, count, ...columns, typeNames: mapping.typeNames, bytes: out.bytes }
  }

  function warn(index: number, warning: number): void {
    columns.warnings[index] = (columns.warnings[index] as number) | warning
  }

  function findFields(index: number): boolean {
    const { fields, entries, starts, ends } = raw
    if (fields !== undefined) {
      scanner.load(fields, index)
      return true
    }
    if (entries !== undefined && scanner.loadEntries(bytes, entries, index)) return true
    return scanner.scan(bytes, starts[index] as number, ends[index] as number)
  }

  function scanFailure(index: number): string {
    const { message, at } = scanner.error()
    if (at >= (raw.ends[index] as number)) return `${message}: ends too early`
    return `${message} at byte ${at - (raw.starts[index] as number) + 1} of the record`
  }

  /** The type that the record had when its letter was written: it may have come from the path of its file. */
  function planOfLetter(index: number): Plan | null {
    const type = raw.letters?.[index]?.eventType ?? null
    return type === null ? null : mapping.planOf(type)
  }

  /** The outcome of the record just scanned; writes its event when it becomes one. */
  function mapRecord(index: number, plan: Plan | null): number {
    const timeMs = time.read(bytes)
    if (Number.isNaN(timeMs)) {
      columns.details.set(index, time.whyNone(bytes))
      return MALFORMED
    }
    columns.times[index] = timeMs
    if (plan === null) {
      columns.details.set(index, NO_EVENT_TYPE)
      return MALFORMED
    }
    if (plan.outcome !== EVENT) return plan.outcome
    if (timeMs < sinceMs || timeMs >= untilMs) return FILTERED
    forms.takeShareFields(raw.source.isShare)
    if (plan.conditions !== null && !meetsAll(plan.conditions)) return FILTERED
    if (plan.carriesName && !holdsText(scanner, field.name)) {
      columns.details.set(index, 'the custom event has no name')
      return MALFORMED
    }
    for (const { name, field } of plan.numbers) {
      if (!holdsNoNumber(scanner, bytes, field)) continue
      columns.details.set(index, whyNoNumber(name, field))
      return MALFORMED
    }
    const start = out.length
    const outcome = writeEvent(index, plan, timeMs)
    if (outcome === EVENT) warnOfEvent(index, plan, timeMs, start)
    else out.length = start
    return outcome
  }

  function meetsAll(conditions: readonly CompiledCondition[]): boolean {
    for (const condition of conditions) if (!isMet(condition, bytes)) return false
    return true
  }

  function whyNoNumber(name: string, field: number): string {
    const value = excerpt(textOf(bytes, scanner.starts[field], scanner.ends[field]))
    return `${name} is no number: ${value}; write it in digits with a decimal point, such as 19.99, or leave it empty`
  }

  function warnOfEvent(index: number, plan: Plan, timeMs: number, start: number): void {
    if (time.lacksZone()) warn(index, WITHOUT_ZONE)
    if (timeMs > nowMs + FUTURE_MS) warn(index, IN_FUTURE)
    if (out.length - start <= MAX_STRING_LENGTH) return
    // A name is longer than its field, and constants come from no field.
    const added = plan.head.length + plan.constants.length
    if (longestValue(index, plan.own) + added <= MAX_STRING_LENGTH) return
    if (holdsLongString(out.bytes, start, out.length)) warn(index, LONG_STRING)
  }

  /** No string that comes from the record is longer. */
  function longestValue(index: number, own: Plan['own']): number {
    if (own === null) return scanner.longest()
    if (own.from === 'record') return (raw.ends[index] as number) - (raw.starts[index] as number)
    const held = forms.customSource()
    const length = held < 0 ? 0 : (scanner.ends[held] as number) - (scanner.starts[held] as number)
    return Math.max(length, scanner.longest())
  }

  function writeEvent(index: number, plan: Plan, timeMs: number): number {
    const start = out.length
    // `enriched` writes some values twice.
    const room = plan.fixedBytes + 2 * ((raw.ends[index] as number) - (raw.starts[index] as number))
    reserve(out, room)
    let to = copyLiteral(out, start, plan.head)
    if (plan.carriesName) to = copyContent(scanner, source, field.name, out, to)
    if (plan.mayBeReserved && nameIsReserved(index, start, to)) return INVALID_EVENT

    const { bytes: target } = out
    const identityAt = to
    to = user.write(source, out, to)
    const hasUser = to > identityAt
    if (hasUser) {
      columns.userStarts[index] = identityAt + USER_ID.length
      columns.userEnds[index] = to - 1
    } else {
      target[to++] = QUOTE
    }
    const deviceAt = to
    to = device.write(source, out, to)
    const hasDropped = user.hasDropped() || device.hasDropped()
    if (!hasUser && to === deviceAt) return hasDropped ? INVALID_IDENTITY : NO_IDENTITY
    if (hasDropped) warn(index, ID_DROPPED)
    if (to > deviceAt) {
      columns.deviceStarts[index] = deviceAt + DEVICE_ID.length
      columns.deviceEnds[index] = to - 1
    }

    to = copyLiteral(out, to, TIME)
    to = writeTime(target, to, timeMs)
    to = copyLiteral(out, to, INSERT_ID)
    const idAt = to
    const hasId = holdsText(scanner, field.id)
    if (hasId) {
      target[to++] = QUOTE
      to = copyContent(scanner, source, field.id, out, to)
      hashId(columns, index, plan, target, idAt + 1, to)
      target[to++] = QUOTE
    } else {
      warn(index, ID_MISSING)
      to = copyLiteral(out, to, NO_ID)
    }
    to = copyLiteral(out, to, LIBRARY)
    out.length = plan.sendsAdvertisingId ? writeAdvertisingId(to) : to
    writeOutputs(out, plan.topLevel, source, room)

    appendLiteral(out, PROPERTIES)
    const firstAt = out.length
    writeOutputs(out, plan.properties, source, room)
    if (plan.constants.length > 0) appendLiteral(out, plan.constants)
    if (plan.own !== null) writeOwnProperties(index, plan.own)
    // Each property brings the comma before it; that of the first becomes the opening brace.
    if (out.length === firstAt) appendLiteral(out, mapping.emptyTail)
    else {
      out.bytes[firstAt] = OPEN_BRACE
      appendLiteral(out, mapping.tail)
    }
    if (!hasId) writeMadeId(out.bytes, start, idAt, out.length, raw, index)
    return EVENT
  }

  function nameIsReserved(index: number, start: number, end: number): boolean {
    const name: string = JSON.parse(`${textOf(out.bytes, start + EVENT_NAME_AT, end)}"`)
    if (!isReservedName(name)) return false
    columns.details.set(index, `the event name ${name} is one that Amplitude keeps for itself`)
    return true
  }

  function writeAdvertisingId(at: number): number {
    if (!holdsText(scanner, field.adId)) return at
    for (const { type, key } of ADVERTISING_IDS) {
      if (!isTextOf(scanner, bytes, field.adIdType, type)) continue
      const to = copyContent(scanner, source, field.adId, out, copyLiteral(out, at, key))
      out.bytes[to] = QUOTE
      return to + 1
    }
    return at
  }

  function writeOwnProperties(index: number, own: NonNullable<Plan['own']>): void {
    if (own.from === 'record') {
      const record = recordBytes(raw, index)
      writeDerivedProperties(out, own, record, 0, isHttpForm)
      return
    }
    const held = forms.customSource()
    if (held >= 0 && !writeCustomProperties(out, own, source, held)) warn(index, NOT_JSON)
  }
}

/** What is known of each record of a chunk, in columns as `MappedChunk` has them; zero until it is set. */
function createColumns(count: number) {
  return {
    outcomes: new Uint8Array(count),
    types: new Int16Array(count),
    warnings: new Uint8Array(count),
    times: new Float64Array(count),
    idLow: new Uint32Array(count),
    idHigh: new Uint32Array(count),
    userStarts: new Int32Array(count),
    userEnds: new Int32Array(count),
    deviceStarts: new Int32Array(count),
    deviceEnds: new Int32Array(count),
    eventEnds: new Int32Array(count),
    details: new Map<number, string>(),
  }
}
