import { OWN_PROPERTIES_FIELDS } from '../currents/fields.ts'
import { createFieldLister, fieldNamed, type RecordField } from '../map/record-fields.ts'
import { typeOfFile } from '../mapping/file-types.ts'
import { appliesTo, rulesOf } from '../mapping/layers.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { FileRule, PropertyRules, RuleOrigin } from '../mapping/rule-types.ts'
import type { OpenSource, RawChunk } from '../model.ts'
import type { FindingCollector } from './collector.ts'

/** Notes which fields the records of each type hold, to tell which rules of a mapping file never did anything. */
export interface RuleUsage {
  /** A chunk of a file was met. */
  meetFile(source: OpenSource): void
  /** A record of `type` was met, whatever became of it. */
  meet(type: string): void
  /** Record `index` of a chunk became an event of `type`. */
  see(type: string, raw: RawChunk, index: number): void
  /** A record was left out by this rule. */
  leftOut(rule: RuleOrigin): void
  /** Adds a warning for each entry that matched no record, and each rule that none of them had a use for. */
  report(findings: FindingCollector): void
}

/** What records of one event type have that is not null. */
interface FoundNames {
  /** Names of fields, in lower case. */
  readonly fields: Set<string>
  /** The customer's own keys, as they are. */
  readonly ownKeys: Set<string>
}

/** Names kept per event type: custom events can have any. */
const MAX_NAMES = 5000

export function createRuleUsage({ rules, planOf }: Mapping): RuleUsage {
  const usedFiles = new Set<FileRule>()
  const namesByType = new Map<string, FoundNames>()
  const fieldsOf = createFieldLister()
  const used = new Set<RuleOrigin>()

  function report(findings: FindingCollector): void {
    const prefixes = [rules.prefixes.customProperty, rules.prefixes.purchaseProperty]
    for (const [type, { fields, ownKeys }] of namesByType) {
      const resolved = rulesOf(rules.layers, type)
      const isDerived = planOf(type).own?.from === 'record'
      const isThere = (name: string) =>
        fields.has(isDerived ? name.toLowerCase() : name) ||
        ownKeys.has(name) ||
        prefixes.some((prefix) => name.startsWith(prefix) && ownKeys.has(name.slice(prefix.length)))
      if (resolved.name !== null) used.add(resolved.name.origin)
      for (const [name, rule] of rulesFor(resolved.properties)) {
        const isConstant = 'is' in rule && rule.is === 'set'
        if (isConstant || isThere(name)) used.add(rule.origin)
      }
    }
    for (const rule of rules.files) {
      if (!usedFiles.has(rule))
        warn(findings, 'never_matched', 'no file without an event type has such a path', rule.origin)
    }
    for (const layer of rules.layers) {
      const types = [...namesByType.keys()].filter((type) => appliesTo(layer, type))
      if (types.length === 0) {
        warn(findings, 'never_matched', 'no record is of an event type that this entry matches', layer.origin)
        continue
      }
      const its = [layer.name, ...layer.when.values(), ...rulesFor(layer.properties).map(([, rule]) => rule)]
      for (const rule of its) {
        if (rule !== null && !used.has(rule.origin)) {
          warn(findings, 'never_fired', 'no record had a use for this rule', rule.origin)
        }
      }
    }
  }

  function namesOf(type: string): FoundNames {
    let names = namesByType.get(type)
    if (names === undefined) {
      names = { fields: new Set(), ownKeys: new Set() }
      namesByType.set(type, names)
    }
    return names
  }

  return {
    meetFile({ path, fileType }) {
      const rule = fileType === null ? typeOfFile(rules.files, path) : null
      if (rule !== null) usedFiles.add(rule)
    },
    meet: namesOf,
    see(type, raw, index) {
      const { fields, ownKeys } = namesOf(type)
      if (fields.size + ownKeys.size >= MAX_NAMES) return
      const list = fieldsOf(raw, index)
      for (const { name, value } of list) if (value !== 'null') fields.add(name)
      if (planOf(type).own?.from === 'properties') for (const key of ownKeysOf(list)) ownKeys.add(key)
    },
    leftOut: (rule) => void used.add(rule),
    report,
  }
}

/** Every rule for a property, but the lists of the only ones. */
function rulesFor({ presence, renamed, protected: protectedBy }: PropertyRules) {
  return [...presence, ...renamed, ...protectedBy]
}

function warn(
  findings: FindingCollector,
  cause: string,
  title: string,
  { file, line, column, path }: RuleOrigin,
): void {
  findings.add('warning', cause, `${path}: ${title}`, { file, line, column, path }, title)
}

/** Keys of the customer's own properties that are not null. */
function ownKeysOf(fields: readonly RecordField[]): readonly string[] {
  for (const name of OWN_PROPERTIES_FIELDS) {
    const field = fieldNamed(fields, name)
    if (field === null || field.value === 'null') continue
    const own = ownProperties(JSON.parse(field.value))
    return Object.keys(own).filter((key) => own[key] !== null)
  }
  return []
}

/** An object, its JSON text, or that in a union's wrapper; an empty one when it is none of these. */
function ownProperties(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'string') return objectIn(value) ?? {}
  if (!isObject(value)) return {}
  const { string: text, ...others } = value
  const wrapped = typeof text === 'string' && Object.keys(others).length === 0 ? objectIn(text) : null
  return wrapped ?? value
}

function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
