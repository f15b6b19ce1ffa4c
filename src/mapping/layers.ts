import { matchesGlob } from './glob.ts'
import type { Condition, EventRules, Presence, Protection, Ruled, RuleLayer, RuleOrigin } from './rule-types.ts'

/** True when `layer` says something of `type`. */
export function appliesTo({ pattern }: RuleLayer, type: string): boolean {
  return pattern === null || pattern === type || matchesGlob(pattern, type)
}

/**
 * Lays the entries that match a type over one another, the most specific last: `defaults`, globs by the number of characters
 * that are no wildcards, the type itself; of equals the later in the file. What a more specific entry says of one key, one
 * property or one field of `when` replaces what a less specific one says of it; all else stays (src/README.md §3).
 */
export function rulesOf(layers: readonly RuleLayer[], type: string): EventRules {
  const matching = layers.filter((layer) => appliesTo(layer, type)).toSorted((a, b) => specificity(a) - specificity(b))
  let only: ReadonlyMap<string, RuleOrigin> | null = null
  const presence = new Map<string, Presence>()
  const renamed = new Map<string, Ruled<string>>()
  const protectedBy = new Map<string, Ruled<Protection>>()
  let dropped: RuleOrigin | null = null
  let named: RuleOrigin | null = null
  let name: Ruled<string> | null = null
  const when = new Map<string, Condition>()

  for (const layer of matching) {
    dropped = layer.isDropped ? layer.origin : layer.pattern === null ? dropped : null
    if (layer.isExact && !layer.isDropped) named = layer.origin
    name = layer.name ?? name
    for (const [field, condition] of layer.when) when.set(field, condition)
    if (layer.properties.only !== null) {
      only = layer.properties.only
      forgetPresence(presence, only)
    }
    for (const [property, rule] of layer.properties.presence) presence.set(property, rule)
    for (const [property, rule] of layer.properties.renamed) renamed.set(property, rule)
    for (const [property, rule] of layer.properties.protected) protectedBy.set(property, rule)
  }
  return { dropped, named, name, when, properties: { only, presence, renamed, protected: protectedBy } }
}

/** A list of the only properties overrules what less specific entries drop and add; constants stay. */
function forgetPresence(presence: Map<string, Presence>, only: ReadonlyMap<string, RuleOrigin>): void {
  for (const [property, rule] of presence) {
    switch (rule.is) {
      case 'added':
        if (!only.has(property)) presence.delete(property)
        break
      case 'dropped':
        if (only.has(property)) presence.delete(property)
        break
      case 'set':
        break
    }
  }
}

function specificity({ pattern, isExact }: RuleLayer): number {
  if (pattern === null) return -1
  return isExact ? Number.POSITIVE_INFINITY : pattern.replace(/[*?]/g, '').length
}
