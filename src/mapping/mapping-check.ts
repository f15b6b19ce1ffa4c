import { isReservedName } from '../amplitude/event.ts'
import { catalogueType, isCurrentsName } from '../currents/event-type.ts'
import { EVENTS, type EventRow, type FieldType } from '../currents/events.ts'
import {
  CONTAINER_FIELDS,
  fieldType,
  IDENTITY_FIELDS,
  isCurrentsField,
  RECORD_FIELDS,
  SHARE_MARK_FIELD,
  STORED_FIELDS,
} from '../currents/fields.ts'
import { closest, didYouMean } from '../did-you-mean.ts'
import { comparedText } from './conditions.ts'
import { type EventOutline, outlineOfRow } from './event-outline.ts'
import { appliesTo, rulesOf } from './layers.ts'
import type { MappingDocument } from './mapping-document.ts'
import type { Problem } from './mapping-shape.ts'
import { propertiesOf } from './profiles.ts'
import type { Condition, ConditionValue, MappingRules, Profile, RuleLayer, RuleOrigin } from './rule-types.ts'

/** What the catalogue and Amplitude have against a mapping's names. */
export function catalogueProblems(rules: MappingRules, profile: Profile, document: MappingDocument): Problem[] {
  const outlines = EVENTS.map((row) => outlineOfRow(row, profile, rules))
  return [
    ...prefixProblems(rules, document),
    ...identityProblems(document),
    ...fileProblems(rules),
    ...rules.layers.flatMap((layer) => layerProblems(layer, rules, profile)),
    ...outlines.flatMap((outline) => outlineProblems(outline, rules)),
  ]
}

function problem(severity: Problem['severity'], message: string, origin: RuleOrigin): Problem {
  return { severity, message, at: origin, path: origin.path }
}

function prefixProblems({ prefixes }: MappingRules, document: MappingDocument): Problem[] {
  const given = new Map(document.members(document.root).map((member) => [member.key, member]))
  return (
    [
      ['prefix', prefixes.event],
      ['custom_event_prefix', prefixes.customEvent],
    ] as const
  ).flatMap(([key, prefix]) => {
    const member = given.get(key)
    if (!member || !isReservedName(prefix)) return []
    const message = `${JSON.stringify(prefix)} begins names that Amplitude keeps for itself ([Amplitude] …, $identify)`
    return [{ severity: 'error', message, at: member.at, path: key }]
  })
}

/** Fields that are identity or time: a record has them beside its properties. */
const NO_PROPERTIES: ReadonlySet<string> = new Set([...RECORD_FIELDS, ...IDENTITY_FIELDS])

function identityProblems(document: MappingDocument): Problem[] {
  const known = [...IDENTITY_FIELDS, 'id', ...STORED_FIELDS]
  const identity = document.members(document.root).find(({ key }) => key === 'identity')
  return document.members(identity?.value ?? null).flatMap(({ key, value }) =>
    key === 'min_id_length'
      ? []
      : document.texts(value).flatMap(({ text, at }): Problem[] => {
          if (known.includes(text)) return []
          const near = closest(text, known, nearness(text))
          return [
            {
              severity: near === null ? 'warning' : 'error',
              message: `no export of Braze has the field "${text}"${didYouMean(near)}`,
              at,
              path: `identity.${key}`,
            },
          ]
        }),
  )
}

/** Edits within which an unknown name is taken for a slip, where a name of the customer's own is possible too. */
function nearness(name: string): number {
  return name.length < 5 ? 0 : name.length < 8 ? 1 : 2
}

function fileProblems({ files, unknownEvents }: MappingRules): Problem[] {
  return files.flatMap(({ type, origin }): Problem[] => {
    if (catalogueType(type) !== null) return []
    const near = closest(
      type,
      EVENTS.map((row) => row.type),
      nearness(type),
    )
    const isNew = isCurrentsName(type) && (near === null || unknownEvents === 'derive')
    const allowed = near === null ? '; braze2amp events lists them' : didYouMean(near)
    return [problem(isNew ? 'warning' : 'error', `no such event type: "${type}"${allowed}`, origin)]
  })
}

function layerProblems(layer: RuleLayer, rules: MappingRules, profile: Profile): Problem[] {
  const { pattern, isExact, origin, name } = layer
  const rows = EVENTS.filter((row) => appliesTo(layer, row.type))
  const problems: Problem[] = []
  const derives = rules.unknownEvents === 'derive'
  if (rows.length === 0 && pattern !== null) {
    const near = closest(pattern, isExact ? EVENTS.map((row) => row.type) : globsOf(EVENTS.map((row) => row.type)))
    const isNew = isExact && derives
    const what = isExact ? `no such event type: "${pattern}"` : `no event type matches "${pattern}"`
    const allowed = near === null ? '; braze2amp events lists them' : didYouMean(near)
    problems.push(problem(isNew ? 'warning' : 'error', `${what}${allowed}`, origin))
  }
  if (name !== null && isReservedName(name.value)) {
    problems.push(problem('error', `"${name.value}" is a name that Amplitude keeps for itself`, name.origin))
  }
  if (name !== null && rows.some((row) => row.custom === 'event')) {
    problems.push(
      problem('warning', `every custom event gets the one name "${name.value}"; its own is not sent`, name.origin),
    )
  }
  for (const [field, condition] of layer.when) problems.push(...conditionProblems(field, condition, rows))
  if (rows.length > 0) problems.push(...propertyProblems(layer, rows, rules, profile))
  return problems
}

function conditionProblems(field: string, condition: Condition, rows: readonly EventRow[]): Problem[] {
  const { origin } = condition
  if (field === 'time')
    return [problem('error', '"time" is for --since and --until, no condition can be on it', origin)]
  if (CONTAINER_FIELDS.has(field)) {
    return [problem('error', `"${field}" holds other fields; a condition is on a single field of the record`, origin)]
  }
  const values = condition.is === 'one_of' ? condition.values : []
  const types = new Set(rows.map((row) => fieldType(row, field)))
  return [
    ...unknownField(field, rows, origin),
    ...values.flatMap((value) => {
      const why = whyNeverMet(value, types.size === 0 ? new Set(['string']) : types)
      return why === null ? [] : [problem('error', `"${field}" ${why}`, origin)]
    }),
  ]
}

function unknownField(field: string, rows: readonly EventRow[], origin: RuleOrigin): Problem[] {
  if (isCurrentsField(field) || field === SHARE_MARK_FIELD) return []
  const near = closest(field, [...NO_PROPERTIES, ...STORED_FIELDS], nearness(field))
  const own = rows.some((row) => row.custom) ? ", not on the customer's own properties" : ''
  const way = near === null ? `; a condition is on fields of the record${own}` : didYouMean(near)
  return [problem(near === null ? 'warning' : 'error', `no export of Braze has the field "${field}"${way}`, origin)]
}

/** Why no record can have `value` in a field of these types; null when one can. */
function whyNeverMet(value: ConditionValue, types: ReadonlySet<FieldType>): string | null {
  if (value === '') return 'cannot be the empty text, which is as good as nothing: write absent'
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `cannot be ${value}: a number of so many digits is not exact; write it in quotes`
  }
  if ([...types].some((type) => comparedText(value, type) !== null)) return null
  if (types.has('strings')) return 'is a list: only present and absent can be asked of it'
  return `is ${types.has('boolean') ? 'true or false' : 'a number'}, never ${JSON.stringify(value)}`
}

/** Globs that people write: a folder's types, and one act in every channel. */
function globsOf(types: readonly string[]): ReadonlySet<string> {
  return new Set(
    types.flatMap((type) => {
      const words = type.split('.')
      const folders = words.slice(1).map((_, i) => `${words.slice(0, i + 1).join('.')}.*`)
      return [...folders, `*.${words.at(-1)}`]
    }),
  )
}

function propertyProblems(
  layer: RuleLayer,
  rows: readonly EventRow[],
  rules: MappingRules,
  profile: Profile,
): Problem[] {
  const { pattern, isExact, properties } = layer
  const what = pattern === null ? 'no event' : isExact ? pattern : `no event type that matches "${pattern}"`
  const sends = isExact ? `${what} has no property` : `${what} has the property`
  const sent = new Set(rows.flatMap((row) => [...propertiesOf(row, profile), ...addedTo(row, rules)]))
  const topLevel = new Set(rows.flatMap((row) => Object.values(row.topLevel ?? {})))
  const takesOwn = rows.some((row) => row.custom) || (!isExact && rules.unknownEvents === 'derive')
  const { customProperty, purchaseProperty } = rules.prefixes
  const prefixes = [customProperty, purchaseProperty]
  const ownPrefix = rows.every((row) => row.custom === 'purchase') ? purchaseProperty : customProperty

  const unknown = (name: string, origin: RuleOrigin, mayBeTopLevel: boolean): Problem[] => {
    if (sent.has(name) || (mayBeTopLevel && topLevel.has(name))) return []
    if (takesOwn && prefixes.some((prefix) => prefix !== '' && name.startsWith(prefix))) return []
    if (NO_PROPERTIES.has(name)) {
      return [problem('error', `"${name}" is identity or time, not a property that is sent`, origin)]
    }
    if (topLevel.has(name)) {
      const message = `"${name}" goes to the top level: it can be dropped and protected, not listed or renamed`
      return [problem('error', message, origin)]
    }
    const near = closest(name, [...sent, ...topLevel], takesOwn ? nearness(name) : undefined)
    if (takesOwn && near === null) return []
    const isStored = STORED_FIELDS.has(name)
    const addFirst = isStored ? '; it is not sent: add it first (add:)' : ''
    const ownWay = takesOwn ? ` (a key of your own is written with its prefix: "${ownPrefix}${name}")` : ''
    const suggestion = isStored ? addFirst : didYouMean(near)
    return [problem('error', `${sends} "${name}"${suggestion}${ownWay}`, origin)]
  }

  return [
    ...Array.from(properties.only ?? [], ([name, origin]) => unknown(name, origin, false)),
    ...Array.from(properties.renamed, ([name, { origin }]) => unknown(name, origin, false)),
    ...Array.from(properties.protected, ([name, { origin }]) => unknown(name, origin, true)),
    ...Array.from(properties.presence, ([name, rule]) => {
      if (rule.is === 'set') return []
      return rule.is === 'added' ? addProblems(name, rule.origin, rows, profile) : unknown(name, rule.origin, true)
    }),
  ].flat()
}

function addedTo(row: EventRow, rules: MappingRules): readonly string[] {
  return Array.from(rulesOf(rules.layers, row.type).properties.presence)
    .filter(([, rule]) => rule.is !== 'dropped')
    .map(([name]) => name)
}

function addProblems(name: string, origin: RuleOrigin, rows: readonly EventRow[], profile: Profile): Problem[] {
  if (CONTAINER_FIELDS.has(name)) {
    return [problem('error', `"${name}" holds other fields; its content is sent already`, origin)]
  }
  if (rows.every((row) => propertiesOf(row, profile).includes(name))) {
    return [problem('warning', `"${name}" is sent already`, origin)]
  }
  if (STORED_FIELDS.has(name) || NO_PROPERTIES.has(name)) return []
  const near = closest(name, STORED_FIELDS, nearness(name))
  const way = near === null ? '; it is added where a record has it' : didYouMean(near)
  return [problem(near === null ? 'warning' : 'error', `no export of Braze has the field "${name}"${way}`, origin)]
}

/** What only shows once everything is laid together: names that Amplitude refuses, two values under one name. */
function outlineProblems(outline: EventOutline, rules: MappingRules): Problem[] {
  const problems: Problem[] = []
  const taken = new Set<string>()
  const sentProperties = [
    ...outline.properties.map(({ key, origins }) => ({ key, origin: origins.at(-1) })),
    ...outline.constants.map(({ key, origin }) => ({ key, origin })),
    ...Array.from(outline.own?.rules ?? [], ([, rule]) => ({ key: rule.name, origin: rule.origins[0] })),
  ]
  const unnamed = sentProperties.filter(({ origin }) => origin === undefined)
  for (const { key, origin } of [...unnamed, ...sentProperties.filter((one) => one.origin !== undefined)]) {
    if (key === null) continue
    if (taken.has(key) && origin !== undefined) {
      problems.push(problem('error', `two properties would have the name "${key}"`, origin))
    }
    taken.add(key)
  }
  const isSent = outline.fate === 'event' && rules.file !== null
  if (isSent && outline.nameOrigin === null && !outline.carriesName && outline.name.trim() === '') {
    problems.push({ severity: 'error', message: `${outline.type} would have no name`, at: 0, path: 'prefix' })
  }
  return problems
}
