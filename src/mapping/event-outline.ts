import type { EventRow, FieldType } from '../currents/events.ts'
import { fieldType, IDENTITY_FIELDS, RECORD_FIELDS } from '../currents/fields.ts'
import { type OutlinedCondition, outlineConditions } from './conditions.ts'
import { rulesOf } from './layers.ts'
import { enrichedFields, propertiesOf } from './profiles.ts'
import type { EventRules, MappingRules, Prefixes, Profile, Protection, RuleOrigin } from './rule-types.ts'

/** What the records of one event type become, in words: catalogue, profile and mapping file laid together, not yet compiled. */
export interface EventOutline {
  readonly type: string
  readonly fate: 'event' | 'filtered' | 'not_exported' | 'unknown_event_type'
  /** What the mapping file drops the type by. */
  readonly droppedBy: RuleOrigin | null
  /** What a record must meet, or it is left out. */
  readonly conditions: readonly OutlinedCondition[]
  /** Amplitude's name; what stands before the record's own name when `carriesName`. */
  readonly name: string
  readonly nameOrigin: RuleOrigin | null
  readonly carriesName: boolean
  readonly topLevel: readonly OutlinedValue[]
  /** False when the mapping file keeps the advertising id from Amplitude. */
  readonly sendsAdvertisingId: boolean
  readonly properties: readonly OutlinedValue[]
  readonly constants: readonly OutlinedConstant[]
  readonly own: OwnOutline | null
}

export interface OutlinedValue {
  readonly key: string
  readonly field: string
  /** The field that holds the value when `field` is absent. */
  readonly otherField: string | null
  readonly type: FieldType
  readonly protection: Protection | null
  /** Rules of the mapping file that made it what it is. */
  readonly origins: readonly RuleOrigin[]
}

interface OutlinedConstant {
  readonly key: string
  readonly json: string
  readonly origin: RuleOrigin
}

/** Properties whose keys only the record knows. */
export interface OwnOutline {
  /** The customer's own properties in `properties`, or every field of a type that the catalogue lacks. */
  readonly from: 'properties' | 'record'
  readonly prefix: string
  /** The key that changes the prefix in a mapping file; null when none does. */
  readonly prefixKey: 'custom_property_prefix' | 'purchase_property_prefix' | null
  readonly rules: ReadonlyMap<string, OwnRule>
  /** Keys that go out; null for all. */
  readonly only: ReadonlyMap<string, RuleOrigin> | null
}

type OwnPrefix = Pick<OwnOutline, 'prefix' | 'prefixKey'>

/** What a mapping file asks for one such key. */
interface OwnRule {
  readonly isDropped: boolean
  /** The whole name that replaces prefix and key. */
  readonly name: string | null
  readonly protection: Protection | null
  readonly origins: readonly RuleOrigin[]
}

/** Stands for all keys behind a prefix in a list of the only properties: `[Custom event property] *`. */
const ALL_KEYS = '*'

/** What a type of the catalogue becomes. */
export function outlineOfRow(row: EventRow, profile: Profile, mapping: MappingRules): EventOutline {
  const rules = rulesOf(mapping.layers, row.type)
  const { presence, protected: protectedBy } = rules.properties
  const { prefixes, names } = mapping
  const carriesName = row.custom === 'event' && rules.name === null
  const catalogueName = (names === 'page' ? row.pageLabel : undefined) ?? row.name ?? typeWords(row.type)
  const isWithheld = (field: string) => presence.get(field)?.is === 'dropped' || protectedBy.has(field)
  return {
    type: row.type,
    fate: rules.dropped ? 'filtered' : row.send === false && rules.named === null ? 'not_exported' : 'event',
    droppedBy: rules.dropped,
    conditions: outlineConditions(rules.when, row),
    name: rules.name?.value ?? (carriesName ? prefixes.customEvent : prefixes.event + catalogueName),
    nameOrigin: rules.name?.origin ?? null,
    carriesName,
    topLevel: [...ownTopLevel(row, rules), ...enrichedTopLevel(row, profile, isWithheld)],
    sendsAdvertisingId: !isWithheld('ad_id'),
    properties: outlinedProperties(row, profile, rules),
    constants: constantsOf(rules),
    own: row.custom
      ? ownOutline(rules, 'properties', ownPrefix(row.custom, prefixes), new Set(propertiesOf(row, profile)))
      : null,
  }
}

/** What a type that the catalogue lacks becomes under `unknown_events: derive`. */
export function outlineOfUnknown(type: string, mapping: MappingRules): EventOutline {
  const rules = rulesOf(mapping.layers, type)
  const isSent = mapping.unknownEvents === 'derive' || rules.named !== null
  const own = ownOutline(rules, 'record', { prefix: '', prefixKey: null }, new Set())
  const excluded = [...RECORD_FIELDS, ...IDENTITY_FIELDS, ...mapping.identity.userId, ...mapping.identity.deviceId]
  const nothing = { isDropped: true, name: null, protection: null, origins: [] }
  return {
    type,
    fate: rules.dropped ? 'filtered' : isSent ? 'event' : 'unknown_event_type',
    droppedBy: rules.dropped,
    conditions: outlineConditions(rules.when, null),
    name: rules.name?.value ?? mapping.prefixes.event + typeWords(type),
    nameOrigin: rules.name?.origin ?? null,
    carriesName: false,
    topLevel: [],
    sendsAdvertisingId: false,
    properties: [],
    constants: constantsOf(rules),
    own: { ...own, rules: new Map([...own.rules, ...excluded.map((field) => [field, nothing] as const)]) },
  }
}

function ownPrefix(custom: NonNullable<EventRow['custom']>, prefixes: Prefixes): OwnPrefix {
  return custom === 'purchase'
    ? { prefix: prefixes.purchaseProperty, prefixKey: 'purchase_property_prefix' }
    : { prefix: prefixes.customProperty, prefixKey: 'custom_property_prefix' }
}

function outlinedProperties(row: EventRow, profile: Profile, { properties: rules }: EventRules): OutlinedValue[] {
  const sent = propertiesOf(row, profile)
  const added = Array.from(rules.presence)
    .filter(([name, rule]) => rule.is === 'added' && !sent.includes(name))
    .map(([name]) => name)
  const kept = sent.filter((name) => {
    const rule = rules.presence.get(name)
    if (rule === undefined) return rules.only === null || rules.only.has(name)
    return rule.is === 'added'
  })
  return [...kept, ...added].map((name) => {
    const presence = rules.presence.get(name)
    const renamed = rules.renamed.get(name)
    const protection = rules.protected.get(name)
    const origins = [presence?.origin, renamed?.origin, protection?.origin, rules.only?.get(name)]
    return {
      key: renamed?.value ?? name,
      field: name,
      otherField: row.propertySources?.[name] ?? null,
      type: fieldType(row, name),
      protection: protection?.value ?? null,
      origins: origins.filter((origin) => origin !== undefined),
    }
  })
}

function constantsOf({ properties: { presence, renamed } }: EventRules): OutlinedConstant[] {
  return Array.from(presence).flatMap(([name, rule]) =>
    rule.is === 'set' ? [{ key: renamed.get(name)?.value ?? name, json: rule.json, origin: rule.origin }] : [],
  )
}

/** A purchase's product and price: dropped and protected under the names of their fields. */
function ownTopLevel(row: EventRow, { properties: rules }: EventRules): OutlinedValue[] {
  return Object.entries(row.topLevel ?? {}).flatMap(([key, field]) => {
    const type = fieldType(row, field)
    const protection = rules.protected.get(field)
    // Amplitude takes a number here or nothing.
    const isUnfit = protection !== undefined && type !== 'string'
    if (rules.presence.get(field)?.is === 'dropped' || isUnfit) return []
    const origins = protection === undefined ? [] : [protection.origin]
    return [{ key, field, otherField: null, type, protection: protection?.value ?? null, origins }]
  })
}

/** Amplitude's own fields repeat properties: one that is kept from Amplitude as a property is kept from it here too. */
function enrichedTopLevel(row: EventRow, profile: Profile, isWithheld: (field: string) => boolean): OutlinedValue[] {
  return enrichedFields(profile)
    .filter(([, field]) => !isWithheld(field))
    .map(([key, field]) => ({
      key,
      field,
      otherField: null,
      type: fieldType(row, field),
      protection: null,
      origins: [],
    }))
}

/**
 * Rules name the customer's own properties by their key, or by the whole name, prefix included. A key that is also a property
 * of the type's own is meant too, but for `rename` and `set`: two values cannot have one name.
 */
function ownOutline(
  { properties: rules }: EventRules,
  from: OwnOutline['from'],
  { prefix, prefixKey }: OwnPrefix,
  typeProperties: ReadonlySet<string>,
): OwnOutline {
  const own = new Map<string, OwnRule>()
  const change = (name: string, origin: RuleOrigin, to: Partial<OwnRule>) => {
    const key = ownKey(name, prefix)
    const before = own.get(key) ?? { isDropped: false, name: null, protection: null, origins: [] }
    own.set(key, { ...before, ...to, origins: [...before.origins, origin] })
  }
  for (const [name, rule] of rules.presence) {
    const replacesOwn = rule.is === 'set' && (prefix === '' || name.startsWith(prefix))
    if (rule.is === 'dropped' || replacesOwn) change(name, rule.origin, { isDropped: true })
  }
  for (const [name, { value, origin }] of rules.renamed) {
    if (!typeProperties.has(name)) change(name, origin, { name: value })
  }
  for (const [name, { value, origin }] of rules.protected) change(name, origin, { protection: value })
  const only = rules.only === null ? null : new Map(Array.from(rules.only, ([name, o]) => [ownKey(name, prefix), o]))
  return { from, prefix, prefixKey, rules: own, only: only?.has(ALL_KEYS) ? null : only }
}

function ownKey(name: string, prefix: string): string {
  return prefix !== '' && name.startsWith(prefix) ? name.slice(prefix.length) : name
}

/**
 * An Amplitude name made from an event type: the words after `users.`, `messages.` and `behaviors.`, so that
 * `users.messages.fax.SendFailure` is `Fax Send Failure` (src/README.md §3).
 */
function typeWords(type: string): string {
  return type
    .replace(/^users\./, '')
    .replace(/^(messages|behaviors)\./, '')
    .split('.')
    .flatMap((part) => part.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/))
    .filter((word) => word !== '')
    .map((word) => word[0]?.toUpperCase() + word.slice(1))
    .join(' ')
}
