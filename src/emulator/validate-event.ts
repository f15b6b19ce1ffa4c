import { MAX_DEPTH, REFUSED_IDS } from './documented-limits.ts'

/** An event as it was parsed; nothing about its fields is known before `validateEvents`. */
export type RawEvent = Readonly<Record<string, unknown>>

/** Field → indexes of the events at fault, ascending. */
export type FieldIndexes = ReadonlyMap<string, readonly number[]>

/** What is wrong with the events of one request; all empty and false when nothing is. */
export interface EventFaults {
  readonly invalid: FieldIndexes
  readonly missing: FieldIndexes
  readonly idLengths: FieldIndexes
  /** Some id is on the list of refused ids: the answer names no index (amplitude/README.md §2, seen). */
  readonly refusedId: boolean
}

type Rule = (value: unknown) => boolean

const isString: Rule = (value) => typeof value === 'string'
const isNumber: Rule = (value) => typeof value === 'number'
const isInteger: Rule = (value) => Number.isSafeInteger(value)
const isBoolean: Rule = (value) => typeof value === 'boolean'
const isShallowObject: Rule = (value) => isObject(value) && !isDeeperThan(MAX_DEPTH, value)

/** Types of the fields (amplitude/README.md §2). A field that is not here may hold anything: the page's list is longer than ours. */
const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...rules(isInteger, 'time', 'session_id', 'quantity'),
  ...rules(isNumber, 'location_lat', 'location_lng', 'price', 'revenue'),
  ...rules(isString, 'event_type', 'user_id', 'device_id', 'insert_id', 'productId', 'revenueType', 'library'),
  ...rules(
    isString,
    'platform',
    'os_name',
    'os_version',
    'device_brand',
    'device_model',
    'carrier',
    'country',
    'region',
  ),
  ...rules(isString, 'city', 'language', 'idfa', 'adid', 'ip', 'currency'),
  ...rules(isBoolean, '$skip_user_properties_sync'),
  ...rules(isShallowObject, 'event_properties', 'user_properties', 'groups', 'group_properties'),
])

function rules(rule: Rule, ...fields: string[]): [string, Rule][] {
  return fields.map((field) => [field, rule])
}

/** Judges every event of a request by amplitude/README.md §2; a field that is `null` counts as absent. */
export function validateEvents(events: readonly RawEvent[], minIdLength: number): EventFaults {
  const invalid = new Map<string, number[]>()
  const missing = new Map<string, number[]>()
  const idLengths = new Map<string, number[]>()
  let refusedId = false

  for (const [index, event] of events.entries()) {
    for (const field in event) {
      const value = event[field]
      if (value === null) continue
      const rule = RULES.get(field)
      if (rule !== undefined && !rule(value)) note(invalid, field, index)
    }
    const type = event['event_type'] ?? ''
    if (type === '') note(missing, 'event_type', index)

    const user = event['user_id'] ?? undefined
    const device = event['device_id'] ?? undefined
    if (user === undefined && device === undefined) {
      note(missing, 'user_id', index)
      note(missing, 'device_id', index)
    }
    refusedId = judgeId('user_id', user, index) || refusedId
    refusedId = judgeId('device_id', device, index) || refusedId

    // The page says "must": a product without a price or revenue is not counted as revenue.
    if (isPresent(event['productId']) && !isPresent(event['price']) && !isPresent(event['revenue'])) {
      note(missing, 'price', index)
    }
  }
  return { invalid, missing, idLengths, refusedId }

  /** True when the id is a refused one; a short id is noted instead, even beside a good one (seen). */
  function judgeId(field: string, id: unknown, index: number): boolean {
    if (typeof id !== 'string') return false
    if (id.length < minIdLength) {
      note(idLengths, field, index)
      return false
    }
    return REFUSED_IDS.has(id.toLowerCase())
  }
}

/** True for what JSON calls an object: neither a list nor null. */
export function isObject(value: unknown): value is RawEvent {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const inner of Object.values(value)) if (isDeeperThan(levels - 1, inner)) return true
  return false
}

function note(indexes: Map<string, number[]>, field: string, index: number): void {
  const list = indexes.get(field)
  if (list === undefined) indexes.set(field, [index])
  else list.push(index)
}
