import { appliesTo, rulesOf } from '../mapping/layers.ts'
import type { MappingRules, RuleOrigin } from '../mapping/rules.ts'
import type { FindingCollector } from './collector.ts'

/** Notes which fields the records of each type hold, to tell which rules of a mapping file never did anything. */
export interface RuleUsage {
  /** A record of `type` was met, whatever became of it. */
  meet(type: string): void
  /** @param record JSON text of a record of `type` that became an event */
  see(type: string, record: string): void
  /** Adds a warning for each entry that matched no record, and each rule that none of them had a use for. */
  report(findings: FindingCollector): void
}

/** Names kept per event type: custom events can have any. */
const MAX_NAMES = 5000

export function createRuleUsage(rules: MappingRules): RuleUsage {
  const namesByType = new Map<string, Set<string>>()

  function report(findings: FindingCollector): void {
    const used = new Set<RuleOrigin>()
    const prefixes = [rules.prefixes.customProperty, rules.prefixes.purchaseProperty]
    for (const [type, names] of namesByType) {
      const resolved = rulesOf(rules.layers, type)
      const isThere = (name: string) =>
        names.has(name) || prefixes.some((prefix) => name.startsWith(prefix) && names.has(name.slice(prefix.length)))
      if (resolved.name !== null) used.add(resolved.name.origin)
      const { presence, renamed, protected: protectedBy } = resolved.properties
      for (const [name, { origin, is }] of presence) if (is === 'set' || isThere(name)) used.add(origin)
      for (const [name, { origin }] of [...renamed, ...protectedBy]) if (isThere(name)) used.add(origin)
    }
    for (const layer of rules.layers) {
      const types = [...namesByType.keys()].filter((type) => appliesTo(layer, type))
      if (types.length === 0) {
        warn(findings, 'never_matched', 'no record is of an event type that this entry matches', layer.origin)
        continue
      }
      const { presence, renamed, protected: protectedBy } = layer.properties
      const origins = [
        layer.name?.origin,
        ...Array.from(presence.values(), ({ origin }) => origin),
        ...Array.from(renamed.values(), ({ origin }) => origin),
        ...Array.from(protectedBy.values(), ({ origin }) => origin),
      ]
      for (const origin of origins) {
        if (origin !== undefined && !used.has(origin)) {
          warn(findings, 'never_fired', 'no record had a use for this rule', origin)
        }
      }
    }
  }

  function namesOf(type: string): Set<string> {
    const known = namesByType.get(type)
    if (known !== undefined) return known
    const names = new Set<string>()
    namesByType.set(type, names)
    return names
  }

  return {
    meet: namesOf,
    see(type, record) {
      const names = namesOf(type)
      if (names.size < MAX_NAMES) addNames(names, record)
    },
    report,
  }
}

function warn(
  findings: FindingCollector,
  cause: string,
  title: string,
  { file, line, column, path }: RuleOrigin,
): void {
  findings.add('warning', cause, `${path}: ${title}`, { file, line, column, path }, title)
}

const CONTAINERS: ReadonlySet<string> = new Set(['user', 'properties', 'custom_properties', 'purchase_properties'])

/** Names of fields that are not null, in lower case, and the customer's own keys. */
function addNames(names: Set<string>, record: string): void {
  const add = (value: unknown, isOwn: boolean) => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if (inner === null) continue
      names.add(isOwn ? key : key.toLowerCase())
      if (CONTAINERS.has(key)) add(typeof inner === 'string' ? parsed(inner) : inner, true)
    }
  }
  add(parsed(record), false)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
