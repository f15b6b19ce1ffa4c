import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { isRefusedId, isReservedName, REFUSED_ID_LENGTHS } from '../amplitude/event.ts'
import type { FieldType } from '../currents/events.ts'
import { timeOfNumber, timeOfText } from '../currents/values.ts'
import {
  append,
  BACKSLASH,
  copyBytes,
  createByteWriter,
  OPEN_BRACE,
  QUOTE,
  reserve,
  textOf,
  utf8,
} from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { copyCanonicalContent } from '../json/strings.ts'
import { numberOf, writeAscii } from '../json/values.ts'
import type { MappedChunk, RawChunk } from '../model.ts'
import { EVENT, outcomeOf, warningBit } from '../outcomes.ts'
import { createCustomPropertyWriter } from './custom-properties.ts'
import { createDerivedPropertyWriter } from './derived-properties.ts'
import { type Mapping, namesCurrentsType, type Outputs, type Plan } from './plan.ts'
import { createProtector } from './protect.ts'
import { createRecordScanner } from './record-scanner.ts'
import type { Protection } from './rules.ts'
import { writeValue } from './write-value.ts'

const MALFORMED = outcomeOf('malformed')
const INVALID_EVENT = outcomeOf('invalid_event')
const FILTERED = outcomeOf('filtered')
const NO_IDENTITY = outcomeOf('no_identity')
const INVALID_IDENTITY = outcomeOf('invalid_identity')

const TYPE_MISMATCH = warningBit('event_type_mismatch')
const ID_MISSING = warningBit('id_missing')
const ID_DROPPED = warningBit('id_dropped')
const NOT_JSON = warningBit('properties_not_json')

/** Bytes before the quote that opens an event's name. */
const EVENT_TYPE_BYTES = '{"event_type":'.length
const USER_ID = utf8('","user_id":')
const DEVICE_ID = utf8(',"device_id":')
const TIME = utf8(',"time":')
const INSERT_ID = utf8(',"insert_id":')
const LIBRARY = utf8(',"library":"Braze"')
const IDFA = utf8(',"idfa":')
const ADID = utf8(',"adid":')
const PROPERTIES = utf8(',"event_properties":')
/** Stands where the `insert_id` of a record without `id` goes, until the event it is computed from is written. */
const NO_ID = utf8(`"${'0'.repeat(32)}"`)

/** Why a record is malformed that has no event type of its own in a file that names none. */
export const NO_EVENT_TYPE = 'no event type: neither the record nor its file names one'

/** Fields whose value is an object of its own: never a union wrapper. */
const CONTAINERS = new Set(['user', 'properties', 'custom_properties', 'purchase_properties'])
/** Fields of the record itself that a nested `user` or `properties` must not replace. */
const RECORD_FIELDS = new Set(['id', 'time', 'event_type'])

/** True when the content of a JSON string stands for fewer than `count` characters. */
function hasFewerCharacters(bytes: Uint8Array, start: number, end: number, count: number): boolean {
  let characters = 0
  for (let p = start; p < end && characters < count; p++) {
    const c = bytes[p] as number
    if (c === BACKSLASH) p += bytes[p + 1] === 0x75 ? 5 : 1
    // Bytes of the form 10xxxxxx go on with a character.
    if ((c & 0xc0) !== 0x80) characters++
  }
  return characters < count
}

/**
 * Makes the function that maps a chunk of raw records: bytes in, bytes out. It is pure: equal chunks give equal results,
 * and it keeps nothing but scratch space between calls. A chunk's bytes stay until the call after the next.
 *
 * The first that holds decides a record's outcome (DESIGN §2): malformed, unknown or not exported type, filtered, identity.
 * Duplicates are the ledger's to find.
 */
export function createChunkMapper(mapping: Mapping): (raw: RawChunk) => MappedChunk {
  const scanner = createRecordScanner(mapping.fieldNames, CONTAINERS, RECORD_FIELDS)
  const { starts, ends, kinds } = scanner
  const field = {
    id: scanner.fieldOf('id'),
    time: scanner.fieldOf('time'),
    eventType: scanner.fieldOf('event_type'),
    externalUserId: scanner.fieldOf('external_user_id'),
    deviceId: scanner.fieldOf('device_id'),
    userId: scanner.fieldOf('user_id'),
    name: scanner.fieldOf('name'),
    properties: scanner.fieldOf('properties'),
    user: scanner.fieldOf('user'),
    customProperties: scanner.fieldOf('custom_properties'),
    purchaseProperties: scanner.fieldOf('purchase_properties'),
    adId: scanner.fieldOf('ad_id'),
    adIdType: scanner.fieldOf('ad_id_type'),
    sharedAt: scanner.fieldOf('sf_created_at'),
  }
  const { identity } = mapping.rules
  const userFields = Int32Array.from(identity.userId, scanner.fieldOf)
  const deviceFields = Int32Array.from(identity.deviceId, scanner.fieldOf)
  const { minIdLength } = identity
  const writeCustomProperties = createCustomPropertyWriter(scanner)
  const writeDerivedProperties = createDerivedPropertyWriter()
  const writeProtected = createProtector()
  const { sinceMs, untilMs } = mapping.options
  const override = mapping.options.eventType === null ? null : mapping.planOf(mapping.options.eventType)

  const out = createByteWriter(0)
  /** The bytes of the chunk before the last: two take turns, so that one can be written while the next is mapped. */
  let idle: Uint8Array = new Uint8Array(0)
  let bytes: Uint8Array = new Uint8Array(0)
  let warning = 0
  let detail = ''
  let timeMs = 0
  let idLow = 0
  let idHigh = 0
  let userStart = 0
  let userEnd = 0
  let deviceStart = 0
  let deviceEnd = 0

  // A record's own event type, as bytes, and the plan it names: records of one type come in runs.
  let ownName: Uint8Array = new Uint8Array(0)
  let ownPlan: Plan | null = null

  return function mapChunk(raw) {
    const { count } = raw
    bytes = raw.bytes
    const outcomes = new Uint8Array(count)
    const types = new Int16Array(count)
    const warnings = new Uint8Array(count)
    const times = new Float64Array(count)
    const idLows = new Uint32Array(count)
    const idHighs = new Uint32Array(count)
    const userStarts = new Int32Array(count)
    const userEnds = new Int32Array(count)
    const deviceStarts = new Int32Array(count)
    const deviceEnds = new Int32Array(count)
    const eventEnds = new Int32Array(count)
    const details = new Map<number, string>()
    const filePlan = raw.source.fileType === null ? null : mapping.planOf(raw.source.fileType)
    const allUtf8 = isUtf8(bytes)
    let nextFault = 0

    const reused = idle
    idle = out.bytes
    out.bytes = reused
    out.length = 0
    reserve(out, bytes.length + (bytes.length >> 2))
    for (let i = 0; i < count; i++) {
      const fault = raw.faults[nextFault]
      const told = override ?? planOfLetter(raw, i)
      let plan: Plan | null = told ?? filePlan
      let outcome: number
      warning = 0
      timeMs = 0
      idLow = 0
      idHigh = 0
      userStart = userEnd = deviceStart = deviceEnd = 0
      if (fault !== undefined && fault.index === i) {
        nextFault++
        outcome = outcomeOf(fault.reason)
        detail = fault.detail
      } else {
        const start = raw.starts[i] as number
        const end = raw.ends[i] as number
        if (!allUtf8 && !isUtf8(bytes.subarray(start, end))) {
          outcome = MALFORMED
          detail = 'invalid UTF-8'
        } else if (!findFields(raw, i, start, end)) {
          outcome = MALFORMED
          detail = scanFailure(start, end)
        } else {
          plan = planOfRecord(told, filePlan)
          outcome = mapRecord(plan, raw, i)
        }
      }
      outcomes[i] = outcome
      types[i] = plan === null ? -1 : plan.number
      warnings[i] = warning
      times[i] = timeMs
      idLows[i] = idLow
      idHighs[i] = idHigh
      userStarts[i] = userStart
      userEnds[i] = userEnd
      deviceStarts[i] = deviceStart
      deviceEnds[i] = deviceEnd
      eventEnds[i] = out.length
      if (detail !== '') {
        details.set(i, detail)
        detail = ''
      }
    }
    return {
      raw,
      count,
      outcomes,
      types,
      typeNames: mapping.typeNames,
      warnings,
      times,
      idLow: idLows,
      idHigh: idHighs,
      userStarts,
      userEnds,
      deviceStarts,
      deviceEnds,
      bytes: out.bytes,
      eventEnds,
      details,
    }
  }

  function kindOf(which: number): number {
    return kinds[which] as number
  }

  function findFields(raw: RawChunk, index: number, start: number, end: number): boolean {
    if (raw.fields === undefined) return scanner.scan(bytes, start, end)
    scanner.load(raw.fields, index)
    return true
  }

  function scanFailure(start: number, end: number): string {
    const { message, at } = scanner.error()
    return at >= end ? `${message}: ends too early` : `${message} at byte ${at - start + 1} of the record`
  }

  /** The type that the record had when its letter was written: it may have come from the path of its file. */
  function planOfLetter({ letters }: RawChunk, index: number): Plan | null {
    const type = letters?.[index]?.eventType ?? null
    return type === null ? null : mapping.planOf(type)
  }

  /** The plan of the record just scanned, `told` if it is not null; notes when its own type is not that of its file. */
  function planOfRecord(told: Plan | null, filePlan: Plan | null): Plan | null {
    if (!isString(field.eventType)) return told ?? filePlan
    const own = planOfName(starts[field.eventType] as number, ends[field.eventType] as number)
    if (own === null) return told ?? filePlan
    if (filePlan !== null && own !== filePlan) warning |= TYPE_MISMATCH
    return told ?? own
  }

  function planOfName(start: number, end: number): Plan | null {
    let same = ownName.length === end - start
    for (let i = 0; same && i < ownName.length; i++) same = ownName[i] === bytes[start + i]
    if (!same) {
      const name = textOfField(field.eventType)
      // A copy: `slice` of a `Buffer` is a view of bytes that the next chunk may overwrite.
      ownName = new Uint8Array(bytes.subarray(start, end))
      ownPlan = namesCurrentsType(name) ? mapping.planOf(name) : null
    }
    return ownPlan
  }

  /** The outcome of the record just scanned; writes its event when it becomes one. */
  function mapRecord(plan: Plan | null, raw: RawChunk, index: number): number {
    flatten()
    timeMs = timeOf(field.time)
    if (Number.isNaN(timeMs)) {
      detail = kindOf(field.time) <= KIND.null ? 'time is missing' : `time is not a time: ${excerpt(field.time)}`
      timeMs = 0
      return MALFORMED
    }
    if (plan === null) {
      detail = NO_EVENT_TYPE
      return MALFORMED
    }
    if (plan.outcome !== EVENT) return plan.outcome
    if (timeMs < sinceMs || timeMs >= untilMs) return FILTERED
    if (plan.carriesName && !holdsText(field.name)) {
      detail = 'the custom event has no name'
      return MALFORMED
    }
    if (raw.source.isShare || kindOf(field.sharedAt) > KIND.null) takeShareFields()

    const start = out.length
    // Twice the record: `enriched` writes some values twice.
    const room = plan.fixedBytes + 2 * ((raw.ends[index] as number) - (raw.starts[index] as number))
    const isText = raw.values === 'text'
    reserve(out, room)
    const target = out.bytes
    let to = copyBytes(target, start, plan.head, 0, plan.head.length)
    if (plan.carriesName) to = copyContent(target, to, field.name)
    if (plan.mayBeReserved && nameIsReserved(target, start, to)) return INVALID_EVENT

    // The opening quote of `USER_ID` closes the event type.
    const identityAt = to
    to = writeFirstIdentity(target, to, USER_ID, userFields)
    const hasUser = to > identityAt
    if (hasUser) {
      userStart = identityAt + USER_ID.length + 1
      userEnd = to - 1
    } else {
      target[to++] = QUOTE
    }
    const deviceAt = to
    to = writeFirstIdentity(target, to, DEVICE_ID, deviceFields)
    if (!hasUser && to === deviceAt) {
      out.length = start
      if ((warning & ID_DROPPED) === 0) return NO_IDENTITY
      warning &= ~ID_DROPPED
      return INVALID_IDENTITY
    }
    if (to > deviceAt) {
      deviceStart = deviceAt + DEVICE_ID.length + 1
      deviceEnd = to - 1
    }

    to = copyBytes(target, to, TIME, 0, TIME.length)
    to = writeAscii(target, to, String(timeMs))
    to = copyBytes(target, to, INSERT_ID, 0, INSERT_ID.length)
    const idAt = to
    const hasId = holdsText(field.id)
    if (hasId) {
      target[to++] = QUOTE
      to = copyContent(target, to, field.id)
      hashId(plan, target, idAt + 1, to)
      target[to++] = QUOTE
    } else {
      warning |= ID_MISSING
      to = copyBytes(target, to, NO_ID, 0, NO_ID.length)
    }
    to = copyBytes(target, to, LIBRARY, 0, LIBRARY.length)
    out.length = plan.sendsAdvertisingId ? writeAdvertisingId(target, to) : to
    writeOutputs(plan.topLevel, isText, room)

    append(out, PROPERTIES)
    const firstAt = out.length
    writeOutputs(plan.properties, isText, room)
    if (plan.constants.length > 0) append(out, plan.constants)
    if (plan.own !== null) writeOwnProperties(plan.own, raw.starts[index] as number)
    // Each property brings the comma before it; that of the first becomes the opening brace.
    if (out.length === firstAt) append(out, mapping.emptyTail)
    else {
      out.bytes[firstAt] = OPEN_BRACE
      append(out, mapping.tail)
    }
    if (!hasId) writeMadeId(out.bytes, start, idAt, out.length, raw, index)
    return EVENT
  }

  /** Custom HTTP form: the fields of `user` and `properties` become the record's own (BRAZE.md, record shapes). */
  function flatten(): void {
    const hasUser = kindOf(field.user) === KIND.object
    const hasOwnIdentity = kindOf(field.externalUserId) + kindOf(field.deviceId) + kindOf(field.userId) > 0
    const isHttpForm = hasUser || (ownTypeIsKnown() && !hasOwnIdentity)
    if (isHttpForm && kindOf(field.properties) === KIND.object) {
      const start = starts[field.properties] as number
      const end = ends[field.properties] as number
      kinds[field.properties] = KIND.none
      scanner.scanNested(bytes, start, end)
    }
    if (hasUser) scanner.scanNested(bytes, starts[field.user] as number, ends[field.user] as number)
  }

  function ownTypeIsKnown(): boolean {
    return isString(field.eventType) && ownPlan !== null
  }

  function takeShareFields(): void {
    for (const { apiId, id } of mapping.shareFields) {
      if (kindOf(apiId) !== KIND.none) scanner.alias(id, apiId)
    }
  }

  /** Milliseconds since 1970, or NaN. */
  function timeOf(which: number): number {
    const start = starts[which] as number
    const end = ends[which] as number
    switch (kindOf(which)) {
      case KIND.integer:
      case KIND.number:
        return timeOfNumber(numberOf(bytes, start, end))
      case KIND.string:
      case KIND.escapedString:
        return timeOfText(textOfField(which))
      default:
        return Number.NaN
    }
  }

  function excerpt(which: number): string {
    const text = textOf(bytes, starts[which], ends[which])
    return text.length > 60 ? `${text.slice(0, 60)}…` : text
  }

  function isString(which: number): boolean {
    return kindOf(which) === KIND.string || kindOf(which) === KIND.escapedString
  }

  /** The text of a field that is a string. */
  function textOfField(which: number): string {
    const start = starts[which] as number
    const end = ends[which] as number
    if (kindOf(which) === KIND.escapedString) return String(JSON.parse(textOf(bytes, start, end)))
    return textOf(bytes, start + 1, end - 1)
  }

  /** True when a field holds text that can be an id or a name: a string that is not empty, or a number. */
  function holdsText(which: number): boolean {
    const k = kindOf(which)
    if (k === KIND.string || k === KIND.escapedString) return (ends[which] as number) - (starts[which] as number) > 2
    return k === KIND.integer || k === KIND.number
  }

  /** Writes the content of a string, or the digits of a number, without quotes. */
  function copyContent(target: Uint8Array, at: number, which: number): number {
    const start = starts[which] as number
    const end = ends[which] as number
    switch (kindOf(which)) {
      case KIND.string:
        return copyBytes(target, at, bytes, start + 1, end - 1)
      case KIND.escapedString:
        return copyCanonicalContent(target, at, bytes, start + 1, end - 1)
      default:
        return copyBytes(target, at, bytes, start, end)
    }
  }

  /** Writes key and id of the first field that holds an id that Amplitude takes. */
  function writeFirstIdentity(target: Uint8Array, at: number, key: Uint8Array, from: Int32Array): number {
    for (let i = 0; i < from.length; i++) {
      const to = writeIdentity(target, at, key, from[i] as number)
      if (to > at) return to
    }
    return at
  }

  /** Writes key and id when the field holds an id that Amplitude takes; a refused one is noted. */
  function writeIdentity(target: Uint8Array, at: number, key: Uint8Array, which: number): number {
    const k = kindOf(which)
    if (k <= KIND.null || k === KIND.object || k === KIND.array) return at
    const keyEnd = copyBytes(target, at, key, 0, key.length)
    target[keyEnd] = QUOTE
    const to = copyContent(target, keyEnd + 1, which)
    const length = to - keyEnd - 1
    const isTooShort = minIdLength > 1 && hasFewerCharacters(target, keyEnd + 1, to, minIdLength)
    if (isTooShort || (REFUSED_ID_LENGTHS.has(length) && isRefusedId(textOf(target, keyEnd + 1, to)))) {
      warning |= ID_DROPPED
      return at
    }
    target[to] = QUOTE
    return to + 1
  }

  function writeAdvertisingId(target: Uint8Array, at: number): number {
    if (!isString(field.adIdType) || !holdsText(field.adId)) return at
    const type = textOfField(field.adIdType)
    const key = type === 'ios_idfa' ? IDFA : type === 'google_ad_id' ? ADID : null
    if (key === null) return at
    let to = copyBytes(target, at, key, 0, key.length)
    target[to++] = QUOTE
    to = copyContent(target, to, field.adId)
    target[to++] = QUOTE
    return to
  }

  /** Appends keys and values of the outputs that the record has. `room` is what they may need; it is there at the start. */
  function writeOutputs(outputs: Outputs, isText: boolean, room: number): void {
    const { keys, keyStarts, fields, otherFields, types, protections } = outputs
    let target = out.bytes
    let to = out.length
    for (let i = 0; i < fields.length; i++) {
      let which = fields[i] as number
      if ((kinds[which] as number) <= KIND.null) {
        which = otherFields[i] as number
        if (which < 0 || (kinds[which] as number) <= KIND.null) continue
      }
      const kind = kinds[which] as number
      const keyEnd = keyStarts[i + 1] as number
      for (let k = keyStarts[i] as number; k < keyEnd; k++) target[to++] = keys[k] as number
      const protection = protections === null ? null : (protections[i] as Protection | null)
      if (protection !== null) {
        out.length = to
        const type = types[i] as FieldType
        writeProtected(out, protection, bytes, starts[which] as number, ends[which] as number, kind, type, isText)
        reserve(out, room)
        target = out.bytes
        to = out.length
      } else if (kind === KIND.string && !isText) {
        to = copyBytes(target, to, bytes, starts[which] as number, ends[which] as number)
      } else {
        out.length = to
        writeValue(out, bytes, starts[which] as number, ends[which] as number, kind, types[i] as FieldType, isText)
        // Lists and objects take what room they need; the rest must be there again.
        reserve(out, room)
        target = out.bytes
        to = out.length
      }
    }
    out.length = to
  }

  function writeOwnProperties(own: NonNullable<Plan['own']>, recordStart: number): void {
    if (own.from === 'record') {
      writeDerivedProperties(out, own, bytes, recordStart)
      return
    }
    const source = customSource()
    if (source >= 0 && !writeCustomProperties(out, own, bytes, source)) warning |= NOT_JSON
  }

  function nameIsReserved(target: Uint8Array, start: number, end: number): boolean {
    const name: string = JSON.parse(`${textOf(target, start + EVENT_TYPE_BYTES, end)}"`)
    if (!isReservedName(name)) return false
    detail = `the event name ${name} is one that Amplitude keeps for itself`
    return true
  }

  /** The field that holds the customer's own properties, or -1. */
  function customSource(): number {
    if (kindOf(field.customProperties) > KIND.null) return field.customProperties
    if (kindOf(field.purchaseProperties) > KIND.null) return field.purchaseProperties
    return kindOf(field.properties) > KIND.null ? field.properties : -1
  }

  /** 64 bits over type and id. */
  function hashId(plan: Plan, source: Uint8Array, start: number, end: number): void {
    let low = plan.hashLow
    let high = plan.hashHigh
    for (let p = start; p < end; p++) {
      const c = source[p] as number
      low = Math.imul(low ^ c, 0x9e3779b1)
      high = Math.imul(high ^ c, 0x5f356495)
    }
    const mixedLow = mix(low) ^ high
    idLow = mix(mixedLow)
    idHigh = mix(high ^ mixedLow) | 1
  }

  function mix(value: number): number {
    let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) >>> 0
  }

  /**
   * The `insert_id` of a record without `id`: 32 hex digits of SHA-256 over the source's head hash, its position and the
   * event with zeros in their place (DESIGN §3); or as it was made before, if the record comes from a letter.
   */
  function writeMadeId(
    target: Uint8Array,
    start: number,
    idAt: number,
    end: number,
    raw: RawChunk,
    index: number,
  ): void {
    const made = () =>
      createHash('sha256')
        .update(`${raw.source.headHash()}:${raw.positions[index]}:`)
        .update(target.subarray(start, end))
        .digest('hex')
        .slice(0, 32)
    writeAscii(target, idAt + 1, raw.letters?.[index]?.madeId ?? made())
  }
}
