import { EVENTS } from '../currents/events.ts'
import { textOf } from '../json/bytes.ts'
import { type Member, membersOf } from '../json/members.ts'
import type { MappedChunk } from '../model.ts'
import { EVENT, OUTCOMES, WARNINGS } from '../outcomes.ts'
import type { Mapping, Outputs, Plan } from './plan.ts'

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
  readonly warnings: readonly string[]
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
  const outcome = OUTCOMES[chunk.outcomes[index] as number] ?? OUTCOMES[EVENT]
  const type = chunk.types[index] as number
  const plan = type < 0 ? null : mapping.planOf(mapping.typeNames[type] as string)
  const start = index === 0 ? 0 : (chunk.eventEnds[index - 1] as number)
  const isEvent = outcome.is === 'event' && plan !== null
  const base = {
    file: raw.source.path,
    position: raw.positions[index] as number,
    line: raw.lines?.[index] ?? null,
    eventType: plan?.type ?? null,
    outcome: outcome.is,
    reason: outcome.is === 'event' ? null : outcome.reason,
    why: chunk.details.get(index) ?? (outcome.is === 'event' ? null : (SKIP_REASONS[outcome.reason] ?? null)),
    warnings: WARNINGS.filter((_, bit) => ((chunk.warnings[index] as number) & (1 << bit)) !== 0),
    record: textOf(raw.bytes, raw.starts[index], raw.ends[index]),
  }
  if (!isEvent) return { ...base, event: null, topLevel: [], properties: [], leftOut: [] }

  const fields = fieldsOf(raw.bytes, raw.starts[index] as number)
  const event = membersOf(chunk.bytes, start)
  const values = (members: readonly Member[], outputs: Outputs, custom: string | null) =>
    members.map(({ key, start, end }) => {
      const value = textOf(chunk.bytes, start, end)
      return { property: key, value, ...originOf(key, outputs, plan, mapping, fields, custom) }
    })
  const properties = event.find(({ key }) => key === 'event_properties')
  const topLevel = values(
    event.filter((member) => member !== properties),
    plan.topLevel,
    null,
  )
  const inner = values(
    properties ? membersOf(chunk.bytes, properties.start) : [],
    plan.properties,
    plan.custom === null ? null : customPrefixOf(plan),
  )
  const used = new Set([...topLevel, ...inner].map(({ from }) => from))
  return {
    ...base,
    event: textOf(chunk.bytes, start, chunk.eventEnds[index]).trimEnd(),
    topLevel,
    properties: inner,
    leftOut: [...fields]
      .filter(([field]) => !used.has(field))
      .map(([field, value]) => ({ field, value, why: whyLeftOut(field, value, plan, mapping) })),
  }
}

/** The rule of a value that goes out unchanged. */
export const AS_IT_IS = 'as it is'

const SKIP_REASONS: Readonly<Record<string, string>> = {
  unknown_event_type: 'the catalogue has no such event type (braze2amp events lists them)',
  not_exported: 'the live connector does not send this event type, or its Amplitude name is a guess',
  filtered: 'left out by --include, --exclude, --since or --until',
  no_identity: 'it has neither external_user_id nor device_id, and the connector sends no such events',
  invalid_identity: 'Amplitude refuses its only id',
}

/** The record's fields and their JSON text; those of the Custom HTTP form's `user` and `properties` behind their container. */
function fieldsOf(bytes: Uint8Array, start: number): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  const members = membersOf(bytes, start)
  const isHttpForm = members.some(({ key, start }) => key === 'user' && membersOf(bytes, start).length > 0)
  for (const { key, start, end } of members) {
    const inner = isHttpForm && (key === 'user' || key === 'properties') ? membersOf(bytes, start) : []
    for (const member of inner) fields.set(`${key}.${member.key}`, textOf(bytes, member.start, member.end))
    if (inner.length === 0) fields.set(key, textOf(bytes, start, end))
  }
  return fields
}

function customPrefixOf(plan: Plan): string {
  return JSON.parse(`${textOf(plan.custom?.keyStart ?? new Uint8Array(0)).slice(1)}"`)
}

/** Rules that every event follows (BRAZE.md, What the connector sends). */
const COMMON: Readonly<Record<string, { readonly field: string | null; readonly rule: string }>> = {
  user_id: { field: 'external_user_id', rule: 'the user' },
  device_id: { field: 'device_id', rule: 'the device' },
  time: { field: 'time', rule: 'in milliseconds' },
  library: { field: null, rule: 'the same for every event' },
  idfa: { field: 'ad_id', rule: 'because ad_id_type is ios_idfa' },
  adid: { field: 'ad_id', rule: 'because ad_id_type is google_ad_id' },
  $skip_user_properties_sync: { field: null, rule: 'asked for by the profile or option' },
}

function originOf(
  key: string,
  outputs: Outputs,
  plan: Plan,
  mapping: Mapping,
  fields: ReadonlyMap<string, string>,
  customPrefix: string | null,
): { readonly from: string | null; readonly rule: string } {
  const output = outputIndex(outputs, key)
  if (output >= 0) {
    const field = mapping.fieldNames[outputs.fields[output] as number] as string
    const other = mapping.fieldNames[outputs.otherFields[output] as number]
    const found = findField(fields, field)
    if (found !== null) return { from: found, rule: outputs.types[output] === 'float' ? 'as a 32-bit float' : AS_IT_IS }
    return { from: other === undefined ? null : findField(fields, other), rule: `instead of ${field}` }
  }
  if (customPrefix !== null && key.startsWith(customPrefix)) {
    const container = ['custom_properties', 'purchase_properties', 'properties'].map((name) => findField(fields, name))
    return { from: container.find((name) => name !== null) ?? null, rule: "the customer's own property" }
  }
  if (key === 'event_type') {
    const isOwn = plan.custom?.carriesName ?? false
    return {
      from: isOwn ? findField(fields, 'name') : null,
      rule: isOwn ? 'prefix and name' : 'name of the event type',
    }
  }
  if (key === 'insert_id') {
    const from = findField(fields, 'id')
    return { from, rule: from === null ? 'made from file, position and event' : 'the id' }
  }
  const common = COMMON[key]
  return { from: common?.field ? findField(fields, common.field) : null, rule: common?.rule ?? '' }
}

function outputIndex({ keys, keyStarts, fields }: Outputs, key: string): number {
  const written = `,${JSON.stringify(key)}:`
  for (let i = 0; i < fields.length; i++) if (textOf(keys, keyStarts[i], keyStarts[i + 1]) === written) return i
  return -1
}

/** The field as the record spells it, in any case and in the Custom HTTP form's containers. */
function findField(fields: ReadonlyMap<string, string>, name: string): string | null {
  for (const [field, value] of fields) {
    const last = field.slice(field.lastIndexOf('.') + 1).toLowerCase()
    const isShared = last.replace(/_api_id$/, '_id') === name && last !== name
    if ((last === name || isShared) && value !== 'null') return field
  }
  return null
}

function whyLeftOut(field: string, value: string, plan: Plan, mapping: Mapping): string {
  if (value === 'null') return 'null'
  const name = field.slice(field.lastIndexOf('.') + 1).toLowerCase()
  switch (name) {
    case 'user_id':
      return "Braze's internal id is not sent"
    case 'external_user_id':
    case 'device_id':
      return 'Amplitude refuses this id'
    case 'event_type':
      return 'says which event type the record is'
    default: {
      const isSent = EVENTS.find((row) => row.type === plan.type)?.properties.includes(name)
      return isSent ? `not in profile ${mapping.options.profile}` : 'the connector does not send it with this event'
    }
  }
}
