import { eventBytes, outcomeAt, placeInInput, typeNameOf, warningsAt } from '../chunk.ts'
import { EVENTS, type FieldType } from '../currents/events.ts'
import { EVENT_NAME_FIELD, OWN_PROPERTIES_FIELDS, SHARE_MARK_FIELD, shareFieldOf } from '../currents/fields.ts'
import { textOf } from '../json/bytes.ts'
import { type Member, membersOf } from '../json/members.ts'
import type { EventOutline, OutlinedValue } from '../mapping/event-outline.ts'
import { rulesOf } from '../mapping/layers.ts'
import type { Mapping, Plan } from '../mapping/plan.ts'
import type { MappingRules, Protection, RuleOrigin } from '../mapping/rule-types.ts'
import type { MappedChunk, RawChunk, RejectReason, SkipReason, Warning } from '../model.ts'
import { EVENT, meaningOf, OUTCOMES } from '../outcomes.ts'
import { recordBytes } from '../record-text.ts'
import { createFilterReader } from './filter-reader.ts'
import { createFieldLister, fieldNamed, formOf, type RecordField } from './record-fields.ts'

/** One value of an event: what it is called there, its JSON text, and where it comes from. */
export interface ExplainedValue {
  readonly property: string
  readonly value: string
  /** Field of the record; null when it comes from none. */
  readonly from: string | null
  readonly rule: string
}

interface LeftOut {
  readonly field: string
  readonly value: string
  readonly why: string
}

/** A record beside the event it becomes. */
export interface Explanation {
  readonly file: string
  readonly position: number
  readonly line: number | null
  readonly eventType: string | null
  readonly outcome: 'event' | 'skipped' | 'rejected'
  /** The summary's word; null for an event. */
  readonly reason: string | null
  readonly why: string | null
  readonly warnings: readonly Warning[]
  /** Text of the record as it was cut, and of the event as it would be sent. */
  readonly record: string
  readonly event: string | null
  readonly topLevel: readonly ExplainedValue[]
  readonly properties: readonly ExplainedValue[]
  readonly leftOut: readonly LeftOut[]
}

/** Explains record `index` of a mapped chunk from the very plan that mapped it. */
export function explainRecord(chunk: MappedChunk, index: number, mapping: Mapping): Explanation {
  const { raw } = chunk
  const outcome = outcomeAt(chunk, index) ?? OUTCOMES[EVENT]
  const { path, position, line } = placeInInput(raw, index)
  const type = typeNameOf(chunk, index)
  const plan = type === null ? null : mapping.planOf(type)
  const isEvent = outcome.is === 'event' && plan !== null
  const base = {
    file: path,
    position,
    line,
    eventType: plan?.type ?? null,
    outcome: outcome.is,
    reason: outcome.is === 'event' ? null : outcome.reason,
    why:
      chunk.details.get(index) ??
      (outcome.is === 'event' ? null : whySkipped(outcome.reason, chunk, index, { plan, mapping })),
    warnings: warningsAt(chunk, index),
    record: textOf(recordBytes(raw, index)),
  }
  if (!isEvent) return { ...base, event: null, topLevel: [], properties: [], leftOut: [] }

  const fields = recordFieldsOf(raw, index)
  const bytes = eventBytes(chunk, index)
  const event = membersOf(bytes, 0)
  const { outline } = plan
  const madeId = raw.letters?.[index]?.madeId ?? null
  const values = (members: readonly Member[], outlined: readonly OutlinedValue[], isTopLevel: boolean) =>
    members.map(({ key, start, end }) => {
      const value = textOf(bytes, start, end)
      const origin =
        outlinedOrigin(key, value, outlined, fields) ??
        (isTopLevel ? topLevelOrigin(key, outline, mapping, fields, madeId) : ownOrigin(key, outline, mapping, fields))
      return { property: key, value, ...origin }
    })
  const properties = event.find(({ key }) => key === 'event_properties')
  const topLevel = values(
    event.filter((member) => member !== properties),
    outline.topLevel,
    true,
  )
  const inner = values(properties ? membersOf(bytes, properties.start) : [], outline.properties, false)
  const used = new Set([...topLevel, ...inner].map(({ from }) => from))
  return {
    ...base,
    event: textOf(bytes),
    topLevel,
    properties: inner,
    leftOut: fields.all
      .filter(({ path }) => !used.has(path))
      .map((field) => ({ field: field.path, value: field.value, why: whyLeftOut(field, { plan, mapping, fields }) })),
  }
}

/** The rule of a value that goes out unchanged. */
export const AS_IT_IS = 'as it is'

interface SkippedUnder {
  readonly plan: Plan | null
  readonly mapping: Mapping
}

function whySkipped(
  reason: SkipReason | RejectReason,
  chunk: MappedChunk,
  index: number,
  { plan, mapping }: SkippedUnder,
): string {
  const origins = reason === 'filtered' ? createFilterReader(mapping)(chunk, index) : []
  if (origins.length === 0) return meaningOf(reason)
  return byMapping(plan?.outline.droppedBy ? 'dropped' : 'does not meet', origins)
}

/** A record's fields. */
interface RecordFields {
  /** The fields, each path once: of a key that is repeated the last. */
  readonly all: readonly RecordField[]
  /** A row of a Snowflake share: `x_api_id` is what the connector sends as `x_id` (currents/README.md §1). */
  readonly isShare: boolean
}

function recordFieldsOf(raw: RawChunk, index: number): RecordFields {
  const all = [...new Map(createFieldLister()(raw, index).map((field) => [field.path, field])).values()]
  const mark = fieldNamed(all, SHARE_MARK_FIELD)
  return { all, isShare: raw.source.isShare || (mark !== null && mark.value !== 'null') }
}

/** Rules that every event follows (currents/README.md §5). */
const COMMON: Readonly<Record<string, { readonly field: string | null; readonly rule: string }>> = {
  time: { field: 'time', rule: 'in milliseconds' },
  library: { field: null, rule: 'the same for every event' },
  idfa: { field: 'ad_id', rule: 'because ad_id_type is ios_idfa' },
  adid: { field: 'ad_id', rule: 'because ad_id_type is google_ad_id' },
  $skip_user_properties_sync: { field: null, rule: 'asked for by the profile or option' },
}

interface Origin {
  readonly from: string | null
  readonly rule: string
}

/** Where a value of the catalogue or the mapping file comes from; null when neither knows its key. */
function outlinedOrigin(
  key: string,
  value: string,
  outlined: readonly OutlinedValue[],
  fields: RecordFields,
): Origin | null {
  const found = outlined.find((candidate) => candidate.key === key)
  if (found === undefined) return null
  const { field, otherField, type, protection, origins } = found
  const own = findField(fields, field)
  const from = own ?? (otherField === null ? null : findField(fields, otherField))
  const instead = own === null ? `instead of ${field}` : null
  if (origins.length > 0) {
    return {
      from,
      rule: byMapping(listed(instead, key === field ? null : 'renamed', protectedBy(protection)), origins),
    }
  }
  const stored = fields.all.find(({ path }) => path === from)?.value ?? value
  return { from, rule: instead ?? typedBy(type, stored, value) }
}

/** What the type of a field made of the JSON text that the record has there (currents/README.md §3). */
function typedBy(type: FieldType, stored: string, sent: string): string {
  const form = formOf(sent)
  if (form === 'a number' && type === 'float') return 'as a 32-bit float'
  return form === formOf(stored) ? AS_IT_IS : `as ${form}`
}

const PROTECTED_BY: Readonly<Record<Protection['by'], string>> = {
  redact: 'redacted',
  sha256: 'as its SHA-256',
  hmac: 'as its HMAC',
}

function protectedBy(protection: Protection | null): string | null {
  return protection === null ? null : PROTECTED_BY[protection.by]
}

function listed(...parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null).join(', ')
}

/** What was done, and the lines of the mapping file that ask for it; nothing of lines when none does. */
function byMapping(how: string, origins: readonly (RuleOrigin | undefined)[]): string {
  const places = origins.flatMap((origin) => (origin ? [`${origin.file}:${origin.line} ${origin.path}`] : []))
  return places.length === 0 ? how : `${how === '' ? 'mapping' : how} (${[...new Set(places)].join('; ')})`
}

/** A constant, or a property whose key only the record knows. */
function ownOrigin(
  key: string,
  { constants, own }: EventOutline,
  { rules: { origins } }: Mapping,
  fields: RecordFields,
): Origin {
  const constant = constants.find((candidate) => candidate.key === key)
  if (constant !== undefined) return { from: null, rule: byMapping('set', [constant.origin]) }
  if (own === null) return { from: null, rule: '' }
  const container = firstField(fields, OWN_PROPERTIES_FIELDS)
  const renamed = [...own.rules].find(([, rule]) => rule.name === key)
  const ownName = renamed?.[0] ?? key.slice(own.prefix.length)
  const rule = own.rules.get(ownName)
  const from = own.from === 'record' ? findField(fields, ownName) : container
  if (rule !== undefined && rule.origins.length > 0) {
    const how = listed(rule.name === null ? null : `${ownName} renamed`, protectedBy(rule.protection))
    return { from, rule: byMapping(how, rule.origins) }
  }
  if (own.from === 'record') return { from, rule: AS_IT_IS }
  const prefix = own.prefixKey === null ? undefined : origins.get(own.prefixKey)
  return { from, rule: byMapping("the customer's own property", [prefix]) }
}

function topLevelOrigin(
  key: string,
  outline: EventOutline,
  { rules }: Mapping,
  fields: RecordFields,
  madeId: string | null,
): Origin {
  switch (key) {
    case 'event_type': {
      const { carriesName } = outline
      const rule = carriesName ? 'prefix and name' : 'name of the event type'
      return {
        from: carriesName ? findField(fields, EVENT_NAME_FIELD) : null,
        rule: byMapping(rule, nameOrigins(outline, rules)),
      }
    }
    case 'insert_id': {
      const from = findField(fields, 'id')
      if (from !== null) return { from, rule: 'the id' }
      return { from, rule: madeId === null ? 'made from file, position and event' : 'made before, kept by the letter' }
    }
    case 'user_id':
      return {
        from: firstField(fields, rules.identity.userId),
        rule: byMapping('the user', [rules.origins.get('identity.user_id')]),
      }
    case 'device_id':
      return {
        from: firstField(fields, rules.identity.deviceId),
        rule: byMapping('the device', [rules.origins.get('identity.device_id')]),
      }
    default: {
      const common = COMMON[key]
      return { from: common?.field ? findField(fields, common.field) : null, rule: common?.rule ?? '' }
    }
  }
}

/** What the mapping file says of an event's name: itself, its prefix, or which list it is from. */
function nameOrigins({ nameOrigin, carriesName }: EventOutline, { origins }: MappingRules): readonly RuleOrigin[] {
  if (nameOrigin !== null) return [nameOrigin]
  const keys = carriesName ? ['custom_event_prefix', 'prefix'] : ['prefix', 'names']
  const found = keys.map((key) => origins.get(key)).filter((origin) => origin !== undefined)
  return carriesName ? found.slice(0, 1) : found
}

function firstField(fields: RecordFields, names: readonly string[]): string | null {
  return names.map((name) => findField(fields, name)).find((field) => field !== null) ?? null
}

/** Path of the field that the mapper reads for `name`; null when the record has none, or null there. */
function findField({ all, isShare }: RecordFields, name: string): string | null {
  const field = (isShare ? fieldNamed(all, shareFieldOf(name)) : null) ?? fieldNamed(all, name)
  return field === null || field.value === 'null' ? null : field.path
}

/** An empty text, which is none in a field of another type than text (currents/README.md §3). */
const EMPTY = '""'

function isTyped(name: string, { outline: { topLevel, properties } }: Plan): boolean {
  return [...topLevel, ...properties].some(({ field, type }) => field === name && type !== 'string' && type !== 'any')
}

interface LeftOutFrom {
  readonly plan: Plan
  readonly mapping: Mapping
  readonly fields: RecordFields
}

function whyLeftOut(field: RecordField, { plan, mapping, fields }: LeftOutFrom): string {
  const { name, value } = field
  if (value === 'null') return 'null is not sent'
  if (value === EMPTY && isTyped(name, plan)) return 'an empty text is not sent where a number, boolean or list belongs'
  const counting = fieldNamed(fields.all, name)
  if (counting !== null && counting !== field) return `${counting.path} takes its place`
  const { presence, only } = rulesOf(mapping.rules.layers, plan.type).properties
  const rule = presence.get(name)
  if (rule?.is === 'dropped') return byMapping('dropped', [rule.origin])
  if (rule?.is === 'set') return byMapping('set to a constant', [rule.origin])
  switch (name) {
    case 'user_id':
      return "Braze's internal id is not sent"
    case 'external_user_id':
    case 'device_id':
      return 'Amplitude refuses this id'
    case 'event_type':
      return 'says which event type the record is'
    default: {
      const apiField = fieldNamed(fields.all, shareFieldOf(name))
      if (fields.isShare && apiField !== null && apiField !== field) {
        return `${apiField.path} takes its place in a Snowflake share`
      }
      const isSent = EVENTS.find((row) => row.type === plan.type)?.properties.includes(name)
      if (!isSent) return 'the connector does not send it with this event'
      const list = only?.values().next().value
      return list === undefined ? `not in profile ${mapping.options.profile}` : byMapping('not listed', [list])
    }
  }
}
