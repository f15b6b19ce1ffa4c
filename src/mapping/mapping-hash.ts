import { createHash } from 'node:crypto'
import { EVENTS } from '../currents/events.ts'
import { conditionDigest, type OutlinedCondition, outlineConditions } from './conditions.ts'
import type { EventOutline, OutlinedValue } from './event-outline.ts'
import { rulesOf } from './layers.ts'
import type { Mapping } from './plan.ts'
import type { MappingRules, Protection, RuleLayer } from './rule-types.ts'

/**
 * A hash of what a mapping does, 32 hex digits: two mappings have the same one when every record becomes the same under
 * both. Comments, order and spelling of a mapping file do not change it; what narrows a run (`--include`, `--since`) is not
 * part of it. A key of `hmac` is: another key makes other events.
 */
export function mappingHash(mapping: Mapping): string {
  const { rules, options } = mapping
  const effective = {
    skipUserPropertiesSync: options.skipUserPropertiesSync || options.profile === 'enriched',
    identity: rules.identity,
    ...filesDigest(rules),
    unknownEvents: rules.unknownEvents,
    unknown: rules.unknownEvents === 'derive' ? [rules.prefixes.event, rules.layers.map(layerDigest)] : null,
    events: EVENTS.map((row) => outlineDigest(mapping.planOf(row.type).outline)),
  }
  return digest(effective)
}

/**
 * A hash of what the user asks of a mapping, 32 hex digits: profile and mapping file, without the catalogue. A run goes on when the
 * catalogue of a newer version knows more.
 */
export function rulesHash({ rules, options }: Mapping): string {
  const { prefixes, names, unknownEvents, identity, layers } = rules
  const { profile, skipUserPropertiesSync } = options
  return digest({
    profile,
    skipUserPropertiesSync: skipUserPropertiesSync || profile === 'enriched',
    prefixes,
    names,
    unknownEvents,
    identity,
    ...filesDigest(rules),
    layers: layers.map(layerDigest),
  })
}

function digest(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)
}

function outlineDigest(outline: EventOutline): unknown {
  if (outline.fate !== 'event') return [outline.type, outline.fate]
  const { type, name, carriesName, topLevel, sendsAdvertisingId, properties, constants, own, conditions } = outline
  return [
    type,
    name,
    carriesName,
    topLevel.map(valueDigest),
    sendsAdvertisingId,
    properties.map(valueDigest),
    constants.map(({ key, json }) => [key, json]),
    own && [
      own.prefix,
      sorted(
        Array.from(own.rules, ([key, rule]) => [key, rule.isDropped, rule.name, protectionDigest(rule.protection)]),
      ),
      own.only && [...own.only.keys()].toSorted(),
    ],
    ...conditionsDigest(conditions),
  ]
}

function valueDigest({ key, field, otherField, type, protection }: OutlinedValue): unknown {
  return [key, field, otherField, type, protectionDigest(protection)]
}

function protectionDigest(protection: Protection | null): unknown {
  if (protection === null || protection.by !== 'hmac') return protection?.by ?? null
  return ['hmac', createHash('sha256').update(protection.key).digest('hex')]
}

/** Nothing without `files`, so that the hash of such a mapping stays what it was. The later of two equal globs counts. */
function filesDigest({ files }: MappingRules): object {
  return files.length === 0 ? {} : { files: files.map(({ pattern, type }) => [pattern, type]) }
}

/** An entry as it stands: nobody knows which entries match types that the catalogue lacks, so all of them count. */
function layerDigest(layer: RuleLayer): unknown {
  const { properties, dropped, name, when } = rulesOf([layer], layer.pattern ?? '')
  return [
    layer.pattern,
    dropped !== null,
    name?.value ?? null,
    properties.only && [...properties.only.keys()].toSorted(),
    sorted(Array.from(properties.presence, ([key, rule]) => [key, rule.is, rule.is === 'set' ? rule.json : null])),
    sorted(Array.from(properties.renamed, ([key, { value }]) => [key, value])),
    sorted(Array.from(properties.protected, ([key, { value }]) => [key, protectionDigest(value)])),
    ...conditionsDigest(outlineConditions(when, null)),
  ]
}

/** Nothing at all without conditions: hashes of saved states know none. */
function conditionsDigest(conditions: readonly OutlinedCondition[]): readonly unknown[] {
  return conditions.length === 0 ? [] : [sorted(conditions.map(conditionDigest))]
}

function sorted(list: readonly unknown[]): readonly unknown[] {
  return list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}
