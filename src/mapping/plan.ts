import { canBeginReservedName, FIELD_KINDS } from '../amplitude/event.ts'
import { catalogueType } from '../currents/event-type.ts'
import { EVENTS, type FieldType } from '../currents/events.ts'
import { CURRENTS_FIELDS, shareFieldOf } from '../currents/fields.ts'
import { type Literal, literal, utf8 } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { MAX_NUMBER_BYTES } from '../json/values.ts'
import { EVENT, outcomeOf } from '../outcomes.ts'
import { type CompiledCondition, compileCondition } from './conditions.ts'
import { type EventOutline, type OutlinedValue, outlineOfRow, outlineOfUnknown } from './event-outline.ts'
import { typeOfFile } from './file-types.ts'
import { matchesGlob } from './glob.ts'
import { compileOwnRules, type OwnProperties } from './own-property-rules.ts'
import { enrichedFields, NO_RULES } from './profiles.ts'
import type { MappingRules, Profile, Protection } from './rule-types.ts'

/**
 * The catalogue compiled: per event type the fields to read and the bytes to write, so that nothing looks a rule up per
 * record.
 */

/** Properties or top-level fields of an event, in order: output `i` is entry `i` of each list. */
export interface Outputs {
  /** The keys as they are written, `,"key":`, one after the other; key `i` is `[keyStarts[i], keyStarts[i + 1])`. */
  readonly keys: Literal
  readonly keyStarts: Int32Array
  /** 1 where the key is the field's own name. */
  readonly keepsName: Uint8Array
  /** The field that holds the value, and the one that holds it when that is absent, or -1. */
  readonly fields: Int32Array
  readonly otherFields: Int32Array
  readonly types: readonly FieldType[]
  /** The kinds of values that go out as they are: bit `k` for kind `k`. Of integers, `-0` does not. */
  readonly plainKinds: Int32Array
  /** What takes a value's place; null when every value goes out as it is. */
  readonly protections: readonly (Protection | null)[] | null
}

/** Properties whose keys only the record knows. */
interface OwnOutput extends OwnProperties {
  readonly from: 'properties' | 'record'
}

export interface Plan {
  readonly type: string
  /** Place in `Mapping.typeNames`. */
  readonly number: number
  /** `EVENT`, or the outcome of every record of this type. */
  readonly outcome: number
  /** What a record must meet to become an event; null for nothing. */
  readonly conditions: readonly CompiledCondition[] | null
  /** Seeds of the 64-bit hash, so that equal ids of two types differ. */
  readonly hashLow: number
  readonly hashHigh: number
  readonly outline: EventOutline
  /** `{"event_type":"…` without the closing quote. */
  readonly head: Literal
  /** True when the record's own `name` follows the head. */
  readonly carriesName: boolean
  /** True when that can make a name that Amplitude keeps for itself. */
  readonly mayBeReserved: boolean
  readonly sendsAdvertisingId: boolean
  readonly topLevel: Outputs
  /** Fields that go to the top level where Amplitude takes a number or nothing: with anything else there it refuses the event. */
  readonly numbers: readonly { readonly name: string; readonly field: number }[]
  readonly properties: Outputs
  /** Properties that every event of the type has, as they are written: `,"key":value`. */
  readonly constants: Literal
  readonly own: OwnOutput | null
  /** Most bytes that an event needs beyond those its record's values take. */
  readonly fixedBytes: number
}

export interface MappingOptions {
  readonly profile: Profile
  /** Globs on event types; empty means all. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** Event time in ms: since inclusive, until exclusive. */
  readonly sinceMs: number
  readonly untilMs: number
  /** The event type of every record, whatever the record or its file says; null to find out. */
  readonly eventType: string | null
  readonly skipUserPropertiesSync: boolean
  /** What the clock says, ms since 1970: an event of more than a day later has a warning. */
  readonly nowMs: number
}

export interface Mapping {
  readonly options: MappingOptions
  readonly rules: MappingRules
  /** Every field of the catalogue, and what else a plan may read; the position is the field's number. */
  readonly fieldNames: readonly string[]
  /** Event types met or known; grows when a record or path names one that the catalogue lacks. */
  readonly typeNames: string[]
  /** Fields met that neither an event type of the catalogue nor the mapping file has; grows, up to a few. */
  readonly unknownFields: string[]
  /** The plan of an event type, in any spelling that the catalogue knows. */
  planOf(type: string): Plan
  /** The event type that the mapping file gives to a file that says none; null when it gives none. */
  typeOfFile(path: string): string | null
  /** Pairs of fields `x_api_id` and `x_id`: in a Snowflake share the former is what the connector sends. */
  readonly shareFields: readonly { readonly apiId: number; readonly id: number }[]
  /** What ends an event, from the closing brace of its properties on; and the same with empty properties. */
  readonly tail: Literal
  readonly emptyTail: Literal
}

/** Types beyond the catalogue that are told apart by name; further ones share one entry, so that memory stays bounded. */
const MAX_UNKNOWN_TYPES = 1000
const OTHER_UNKNOWN_TYPES = 'other unknown types'

/** Compiles a profile, the options that narrow it, and a mapping file's rules. */
export function compileMapping(options: MappingOptions, rules: MappingRules = NO_RULES): Mapping {
  const fieldNames = allFieldNames(rules)
  const fields = new Map(fieldNames.map((name, number) => [name, number]))
  const number = (name: string) => fields.get(name) ?? -1

  const typeNames = EVENTS.map(({ type }) => type)
  const numbers = new Map(typeNames.map((type, number) => [type, number]))
  // A plan is made when its event type is met: to make all of them takes longer than a small run.
  const plans = new Map<string, Plan>()

  function planOf(type: string): Plan {
    return plans.get(type) ?? planOfKnown(catalogueType(type)) ?? planOfUnknown(type)
  }

  function planOfKnown(type: string | null): Plan | null {
    const number = type === null ? -1 : (numbers.get(type) ?? -1)
    const row = EVENTS[number]
    if (row === undefined) return null
    return plans.get(row.type) ?? addPlan(outlineOfRow(row, options.profile, rules), number)
  }

  function planOfUnknown(type: string): Plan {
    const name = typeNames.length < EVENTS.length + MAX_UNKNOWN_TYPES ? type : OTHER_UNKNOWN_TYPES
    return plans.get(name) ?? addPlan(outlineOfUnknown(name, rules), typeNames.push(name) - 1)
  }

  function addPlan(outline: EventOutline, number: number): Plan {
    const { type } = outline
    const [hashLow, hashHigh] = seedsOf(type)
    const plan = { type, number, hashLow, hashHigh, ...compileOutline(outline) }
    plans.set(type, plan)
    return plan
  }

  function compileOutline(outline: EventOutline) {
    const topLevel = outputsOf(outline.topLevel)
    const properties = outputsOf(outline.properties)
    const conditions = outline.conditions.map((one) => compileCondition(one, number))
    const head = literal(`{"event_type":${JSON.stringify(outline.name).slice(0, -1)}`)
    return {
      outline,
      outcome: outcomeOfFate(outline),
      conditions: conditions.length === 0 ? null : conditions,
      head,
      carriesName: outline.carriesName,
      mayBeReserved: outline.carriesName && canBeginReservedName(outline.name),
      sendsAdvertisingId: outline.sendsAdvertisingId,
      topLevel,
      numbers: outline.topLevel
        .filter(({ key }) => (FIELD_KINDS[key] ?? 'string') !== 'string')
        .map(({ field }) => ({ name: field, field: number(field) })),
      properties,
      constants: literal(outline.constants.map(({ key, json }) => `,${JSON.stringify(key)}:${json}`).join('')),
      own: outline.own && {
        from: outline.own.from,
        keyStart: literal(`,${JSON.stringify(outline.own.prefix).slice(0, -1)}`),
        rules: compileOwnRules(outline.own),
      },
      fixedBytes: head.length + roomOf(topLevel) + roomOf(properties) + FIXED_EVENT_BYTES,
    }
  }

  function outcomeOfFate({ fate, type }: EventOutline): number {
    if (fate !== 'event') return outcomeOf(fate)
    return isWanted(type) ? EVENT : outcomeOf('filtered')
  }

  function outputsOf(list: readonly OutlinedValue[]): Outputs {
    const keys = list.map(({ key }) => `,${JSON.stringify(key)}:`)
    const keyStarts = new Int32Array(list.length + 1)
    for (const [i, key] of keys.entries()) keyStarts[i + 1] = (keyStarts[i] as number) + Buffer.byteLength(key)
    return {
      keys: literal(keys.join('')),
      keyStarts,
      keepsName: Uint8Array.from(list, ({ key, field }) => (key === field ? 1 : 0)),
      fields: Int32Array.from(list, ({ field }) => number(field)),
      otherFields: Int32Array.from(list, ({ otherField }) => (otherField === null ? -1 : number(otherField))),
      types: list.map(({ type }) => type),
      plainKinds: Int32Array.from(list, ({ type, protection }) => (protection === null ? PLAIN_KINDS[type] : 0)),
      protections: list.some(({ protection }) => protection !== null) ? list.map(({ protection }) => protection) : null,
    }
  }

  function isWanted(type: string): boolean {
    const included = options.include.length === 0 || options.include.some((pattern) => matchesGlob(pattern, type))
    return included && !options.exclude.some((pattern) => matchesGlob(pattern, type))
  }

  const skipsSync = options.skipUserPropertiesSync || options.profile === 'enriched'
  const tail = skipsSync ? '},"$skip_user_properties_sync":true}\n' : '}}\n'
  return {
    options,
    rules,
    fieldNames,
    typeNames,
    unknownFields: [],
    planOf,
    typeOfFile: (path) => typeOfFile(rules.files, path)?.type ?? null,
    shareFields: fieldNames
      .filter((name) => shareFieldOf(name) !== name)
      .map((name) => ({ apiId: number(shareFieldOf(name)), id: number(name) })),
    tail: literal(tail),
    emptyTail: literal(`{${tail}`),
  }
}

function bitsOf(...kinds: number[]): number {
  return kinds.reduce((bits, kind) => bits | (1 << kind), 0)
}

/** By type, the kinds whose text is canonical as it stands (currents/README.md §3). */
const PLAIN_KINDS: Readonly<Record<FieldType, number>> = {
  string: bitsOf(KIND.string),
  int: bitsOf(KIND.integer),
  float: bitsOf(KIND.integer),
  double: bitsOf(KIND.integer),
  boolean: bitsOf(KIND.true, KIND.false),
  strings: 0,
  any: bitsOf(KIND.string, KIND.integer, KIND.true, KIND.false),
}

/** What the outputs need beyond the bytes of their values. */
function roomOf({ keys, fields }: Outputs): number {
  return keys.length + fields.length * MAX_NUMBER_BYTES
}

/** Keys, quotes and commas of the fields that every event may have, with room to spare. */
const FIXED_EVENT_BYTES = 512

function allFieldNames({ identity, layers }: MappingRules): string[] {
  // Those too that no plan reads: what is none of them is new.
  const names = new Set<string>([...CURRENTS_FIELDS, ...identity.userId, ...identity.deviceId])
  for (const [, field] of enrichedFields('enriched')) names.add(field)
  for (const { properties, when } of layers) {
    for (const [name, { is }] of properties.presence) if (is === 'added') names.add(name)
    for (const field of when.keys()) names.add(field)
  }
  for (const name of [...names]) names.add(shareFieldOf(name))
  return [...names]
}

/** Two 32-bit FNV-1a hashes of a type's name, from different bases. */
function seedsOf(type: string): readonly [number, number] {
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (const byte of utf8(type)) {
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ byte, 0x01000193)
  }
  return [low, high]
}
