import { catalogueType, isCurrentsName } from '../currents/event-type.ts'
import { EVENTS, type EventRow, type FieldType, fieldType } from '../currents/events.ts'
import { utf8 } from '../json/bytes.ts'
import { MAX_NUMBER_BYTES } from '../json/values.ts'
import { EVENT, outcomeOf } from '../outcomes.ts'
import { matchesGlob } from './glob.ts'
import { PREFIXES, type Profile, propertiesOf, topLevelOf } from './profiles.ts'

/**
 * The catalogue compiled: per event type the fields to read and the bytes to write, so that nothing looks a rule up per
 * record.
 */

/** Properties or top-level fields of an event, in order: output `i` is entry `i` of each list. */
export interface Outputs {
  /** The keys as they are written, `,"key":`, one after the other; key `i` is `[keyStarts[i], keyStarts[i + 1])`. */
  readonly keys: Uint8Array
  readonly keyStarts: Int32Array
  /** The field that holds the value, and the one that holds it when that is absent, or -1. */
  readonly fields: Int32Array
  readonly otherFields: Int32Array
  readonly types: readonly FieldType[]
}

/** The customer's own properties, from the JSON in `properties`. */
interface CustomOutput {
  /** `,"[Custom event property] ` as it is written, before the customer's key. */
  readonly keyStart: Uint8Array
  /** True when the event's name is the record's `name`. */
  readonly carriesName: boolean
}

export interface Plan {
  readonly type: string
  /** Place in `Mapping.typeNames`. */
  readonly number: number
  /** `EVENT`, or the outcome of every record of this type. */
  readonly outcome: number
  /** Seeds of the 64-bit hash, so that equal ids of two types differ. */
  readonly hashLow: number
  readonly hashHigh: number
  /** `{"event_type":"…` without the closing quote. */
  readonly head: Uint8Array
  readonly topLevel: Outputs
  readonly properties: Outputs
  readonly custom: CustomOutput | null
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
}

export interface Mapping {
  readonly options: MappingOptions
  /** Every field that a plan may read; the position is the field's number. */
  readonly fieldNames: readonly string[]
  /** Event types met or known; grows when a record or path names one that the catalogue lacks. */
  readonly typeNames: string[]
  /** The plan of an event type, in any spelling that the catalogue knows. */
  planOf(type: string): Plan
  /** Pairs of fields `x_api_id` and `x_id`: in a Snowflake share the former is what the connector sends. */
  readonly shareFields: readonly { readonly apiId: number; readonly id: number }[]
  /** What ends an event, from the closing brace of its properties on; and the same with empty properties. */
  readonly tail: Uint8Array
  readonly emptyTail: Uint8Array
}

/** Fields that every record may have, and the containers of the Custom HTTP form. */
const COMMON_FIELDS = [
  'id',
  'time',
  'event_type',
  'external_user_id',
  'user_id',
  'device_id',
  'name',
  'properties',
  'user',
  'custom_properties',
  'purchase_properties',
  'ad_id',
  'ad_id_type',
  'sf_created_at',
] as const

/** Types beyond the catalogue that are told apart by name; further ones share one entry, so that memory stays bounded. */
const MAX_UNKNOWN_TYPES = 1000
const OTHER_UNKNOWN_TYPES = 'other unknown types'

/** Compiles a profile and the options that narrow it. */
export function compileMapping(options: MappingOptions): Mapping {
  const fieldNames = allFieldNames()
  const fields = new Map(fieldNames.map((name, number) => [name, number]))
  const number = (name: string) => fields.get(name) ?? -1

  const plans = new Map<string, Plan>()
  const typeNames: string[] = []
  for (const row of EVENTS) addPlan(row.type, compileRow(row))

  function addPlan(type: string, rest: Omit<Plan, 'type' | 'number' | 'hashLow' | 'hashHigh'>): Plan {
    const [hashLow, hashHigh] = seedsOf(type)
    const plan = { type, number: typeNames.length, hashLow, hashHigh, ...rest }
    plans.set(type, plan)
    typeNames.push(type)
    return plan
  }

  function compileRow(row: EventRow) {
    const name = row.custom === 'event' ? PREFIXES.customEvent : PREFIXES.event + (row.name ?? row.type)
    const topLevel = outputsOf(row, topLevelOf(row, options.profile))
    const properties = outputsOf(
      row,
      propertiesOf(row, options.profile).map((key) => [key, key, row.propertySources?.[key]]),
    )
    const head = utf8(`{"event_type":${JSON.stringify(name).slice(0, -1)}`)
    const customPrefix = row.custom === 'purchase' ? PREFIXES.purchaseProperty : PREFIXES.customProperty
    const custom = row.custom
      ? { keyStart: utf8(`,${JSON.stringify(customPrefix).slice(0, -1)}`), carriesName: row.custom === 'event' }
      : null
    return {
      outcome: row.send === false ? outcomeOf('not_exported') : isWanted(row.type) ? EVENT : outcomeOf('filtered'),
      head,
      topLevel,
      properties,
      custom,
      fixedBytes: head.length + roomOf(topLevel) + roomOf(properties) + FIXED_EVENT_BYTES,
    }
  }

  function outputsOf(row: EventRow, list: readonly (readonly [string, string, (string | undefined)?])[]): Outputs {
    const keys = list.map(([key]) => utf8(`,${JSON.stringify(key)}:`))
    const keyStarts = new Int32Array(list.length + 1)
    for (const [i, key] of keys.entries()) keyStarts[i + 1] = (keyStarts[i] as number) + key.length
    return {
      keys: Buffer.concat(keys),
      keyStarts,
      fields: Int32Array.from(list, ([, field]) => number(field)),
      otherFields: Int32Array.from(list, ([, , other]) => (other === undefined ? -1 : number(other))),
      types: list.map(([, field]) => fieldType(row, field)),
    }
  }

  function isWanted(type: string): boolean {
    const included = options.include.length === 0 || options.include.some((pattern) => matchesGlob(pattern, type))
    return included && !options.exclude.some((pattern) => matchesGlob(pattern, type))
  }

  function planOfUnknown(type: string): Plan {
    const known = plans.get(typeNames.length < EVENTS.length + MAX_UNKNOWN_TYPES ? type : OTHER_UNKNOWN_TYPES)
    return (
      known ??
      addPlan(typeNames.length < EVENTS.length + MAX_UNKNOWN_TYPES ? type : OTHER_UNKNOWN_TYPES, {
        outcome: outcomeOf('unknown_event_type'),
        head: utf8(''),
        topLevel: NO_OUTPUTS,
        properties: NO_OUTPUTS,
        custom: null,
        fixedBytes: 0,
      })
    )
  }

  const skipsSync = options.skipUserPropertiesSync || options.profile === 'enriched'
  const tail = skipsSync ? '},"$skip_user_properties_sync":true}\n' : '}}\n'
  return {
    options,
    fieldNames,
    typeNames,
    planOf: (type) => plans.get(type) ?? plans.get(catalogueType(type) ?? '') ?? planOfUnknown(type),
    shareFields: fieldNames
      .filter((name) => name.endsWith('_api_id'))
      .map((name) => ({ apiId: number(name), id: number(name.replace(/_api_id$/, '_id')) }))
      .filter(({ id }) => id >= 0),
    tail: utf8(tail),
    emptyTail: utf8(`{${tail}`),
  }
}

/** True when a record's own `event_type` field names a Currents type, rather than something of its event (`enter`). */
export function namesCurrentsType(type: string): boolean {
  return catalogueType(type) !== null || isCurrentsName(type)
}

const NO_OUTPUTS: Outputs = {
  keys: utf8(''),
  keyStarts: new Int32Array(1),
  fields: new Int32Array(0),
  otherFields: new Int32Array(0),
  types: [],
}

/** What the outputs need beyond the bytes of their values. */
function roomOf({ keys, fields }: Outputs): number {
  return keys.length + fields.length * MAX_NUMBER_BYTES
}

/** Keys, quotes and commas of the fields that every event may have, with room to spare. */
const FIXED_EVENT_BYTES = 512

function allFieldNames(): string[] {
  const names = new Set<string>(COMMON_FIELDS)
  for (const row of EVENTS) {
    for (const field of row.properties) names.add(field)
    for (const field of Object.values(row.propertySources ?? {})) names.add(field)
    for (const [, field] of topLevelOf(row, 'enriched')) names.add(field)
  }
  for (const name of [...names]) {
    if (name.endsWith('_id') && !name.endsWith('_api_id')) names.add(name.replace(/_id$/, '_api_id'))
  }
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
