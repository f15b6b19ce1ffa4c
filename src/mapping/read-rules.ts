import type { Node } from 'yaml'
import { typeNamedBy } from '../currents/event-type.ts'
import type { MappingDocument, Member } from './mapping-document.ts'
import type { Problem } from './mapping-shape.ts'
import { NO_RULES } from './profiles.ts'
import {
  type Condition,
  type Conditions,
  type ConditionValue,
  type MappingRules,
  PROFILES,
  type Presence,
  type PropertyRules,
  type Protection,
  type Ruled,
  type RuleLayer,
  type RuleOrigin,
  type UnknownEvents,
} from './rule-types.ts'

/** Values of environment variables, for the keys of `hmac`. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface ReadRules {
  readonly rules: MappingRules
  /** Contradictions, and keys that are not there. */
  readonly problems: readonly Problem[]
}

/**
 * Reads the rules out of a mapping file. What is not of the right shape is passed over: the schema reports it, and the rest
 * is still to be checked.
 */
export function readRules(document: MappingDocument, environment: Environment): ReadRules {
  const problems: Problem[] = []
  const top = keysOf(document.root)
  const textAt = (key: string) => document.text(valueAt(top, key))
  const prefix = textAt('prefix')
  const { prefixes } = NO_RULES
  const identity = keysOf(valueAt(top, 'identity'))
  const sources = (key: string) => document.texts(valueAt(identity, key)).map(({ text }) => text)
  const minIdLength = document.value(valueAt(identity, 'min_id_length'))

  const layers: RuleLayer[] = []
  const defaults = top.get('defaults')
  if (defaults) layers.push(readLayer(defaults, null, 'defaults'))
  for (const member of document.members(valueAt(top, 'events'))) {
    layers.push(readLayer(member, member.key, `events.${member.key}`))
  }

  const rules: MappingRules = {
    file: document.file,
    origins: new Map([
      ...Array.from(top.values(), ({ key, keyAt }) => [key, document.origin(keyAt, key)] as const),
      ...Array.from(identity.values(), ({ key, keyAt }) => {
        const path = `identity.${key}`
        return [path, document.origin(keyAt, path)] as const
      }),
    ]),
    extends: PROFILES.find((profile) => profile === textAt('extends')) ?? null,
    prefixes: {
      event: prefix ?? prefixes.event,
      customEvent:
        textAt('custom_event_prefix') ?? (prefix === null ? prefixes.customEvent : `${prefix}[Custom Event] `),
      customProperty: textAt('custom_property_prefix') ?? prefixes.customProperty,
      purchaseProperty: textAt('purchase_property_prefix') ?? prefixes.purchaseProperty,
    },
    names: textAt('names') === 'page' ? 'page' : 'reference',
    unknownEvents: UNKNOWN_EVENTS.find((policy) => policy === textAt('unknown_events')) ?? 'skip',
    identity: {
      userId: orDefault(sources('user_id'), NO_RULES.identity.userId),
      deviceId: orDefault(sources('device_id'), NO_RULES.identity.deviceId),
      minIdLength: typeof minIdLength === 'number' && minIdLength >= 1 ? Math.floor(minIdLength) : 1,
    },
    files: document.members(valueAt(top, 'files')).flatMap(({ key, keyAt, value }) => {
      const type = document.text(value)
      const origin = document.origin(keyAt, `files.${key}`)
      return type === null ? [] : [{ pattern: key, type: typeNamedBy(type) ?? type, origin }]
    }),
    layers,
  }
  return { rules, problems }

  function keysOf(node: Node | null): ReadonlyMap<string, Member> {
    return new Map(document.members(node).map((member) => [member.key, member]))
  }

  function readLayer(member: Member, pattern: string | null, path: string): RuleLayer {
    const keys = keysOf(member.value)
    const named = keys.get('name')
    const name = document.text(named?.value ?? null)
    return {
      pattern,
      isExact: pattern !== null && !/[*?]/.test(pattern),
      isDropped: pattern !== null && document.value(member.value) === false,
      origin: document.origin(member.keyAt, path),
      name: named && name && pattern !== null ? ruled(name, named.at, `${path}.name`) : null,
      when: readConditions(valueAt(keys, 'when'), `${path}.when`),
      properties: readProperties(valueAt(keys, 'properties'), `${path}.properties`),
    }
  }

  function ruled(value: string, at: number, path: string): Ruled<string> {
    return { value, origin: document.origin(at, path) }
  }

  function readConditions(node: Node | null, path: string): Conditions {
    const conditions = new Map<string, Condition>()
    for (const member of document.members(node)) {
      const value = document.value(member.value)
      const condition = conditionOf(value, document.origin(member.keyAt, `${path}.${member.key}`))
      // Records spell their fields in any case.
      const field = member.key.toLowerCase()
      if (condition === null) continue
      if (condition.is === 'one_of' && typeof value === 'string' && /^(present|absent)$/i.test(value)) {
        report(`write ${value.toLowerCase()}, or for the text itself a list: [${value}]`, condition.origin)
      }
      if (conditions.has(field)) report(`there are two conditions on "${field}"; keep one`, condition.origin)
      conditions.set(field, condition)
    }
    return conditions
  }

  function readProperties(node: Node | null, path: string): PropertyRules {
    const keys = keysOf(node)
    const names = (key: string) => namesIn(valueAt(keys, key), `${path}.${key}`)
    const presence = new Map<string, Presence>()
    const protectedBy = new Map<string, Ruled<Protection>>()
    const renamed = new Map<string, Ruled<string>>()

    for (const { name, origin } of names('add')) note(presence, name, { is: 'added', origin })
    for (const { name, origin } of names('drop')) note(presence, name, { is: 'dropped', origin })
    for (const member of document.members(valueAt(keys, 'set'))) {
      const value = document.value(member.value)
      if (value === null || value === undefined) continue
      const origin = document.origin(member.keyAt, `${path}.set.${member.key}`)
      note(presence, member.key, { is: 'set', json: JSON.stringify(value), origin })
    }
    for (const member of document.members(valueAt(keys, 'rename'))) {
      const to = document.text(member.value)
      if (to) renamed.set(member.key, ruled(to, member.keyAt, `${path}.rename.${member.key}`))
    }
    for (const by of ['redact', 'sha256'] as const) {
      for (const { name, origin } of names(by)) protect(name, { by }, origin)
    }
    readHmac(valueAt(keys, 'hmac'), `${path}.hmac`, protect)
    for (const [name, { origin }] of renamed) {
      const rule = presence.get(name)
      if (rule?.is === 'dropped') report(`"${name}" is dropped, so it cannot be renamed`, origin)
    }
    for (const [name, { origin }] of protectedBy) {
      const rule = presence.get(name)
      if (rule?.is === 'dropped') report(`"${name}" is dropped, so it needs no protection`, origin, 'warning')
      if (rule?.is === 'set') report(`"${name}" is set to a constant, which is not protected`, origin)
    }
    // A list of the wrong shape holds nothing back: the schema reports it.
    const listed = names('only')
    const only = listed.length === 0 ? null : new Map(listed.map(({ name, origin }) => [name, origin]))
    return { only, presence, renamed, protected: protectedBy }

    function protect(name: string, protection: Protection, origin: RuleOrigin): void {
      const before = protectedBy.get(name)
      if (before && before.value.by !== protection.by) {
        report(`"${name}" is in ${before.value.by} and in ${protection.by}; keep one`, origin)
      }
      protectedBy.set(name, { value: protection, origin })
    }
  }

  function namesIn(node: Node | null, path: string): readonly { name: string; origin: RuleOrigin }[] {
    return document.texts(node).map(({ text, at }) => ({ name: text, origin: document.origin(at, path) }))
  }

  function note(presence: Map<string, Presence>, name: string, rule: Presence): void {
    const before = presence.get(name)
    if (before && before.is !== rule.is) report(`"${name}" is ${before.is} and ${rule.is}; keep one`, rule.origin)
    presence.set(name, rule)
  }

  function report(message: string, origin: RuleOrigin, severity: Problem['severity'] = 'error'): void {
    problems.push({ severity, message, at: origin, path: origin.path })
  }

  function readHmac(
    node: Node | null,
    path: string,
    protect: (name: string, protection: Protection, origin: RuleOrigin) => void,
  ): void {
    const keys = keysOf(node)
    const member = keys.get('key_env')
    const keyName = document.text(member?.value ?? null)
    if (!member || keyName === null) return
    const key = environment[keyName]
    if (!key && /^[A-Za-z_]\w*$/.test(keyName)) {
      const origin = document.origin(member.at, `${path}.key_env`)
      report(`the environment variable ${keyName}, which holds the key, is not set`, origin)
    }
    for (const { name, origin } of namesIn(valueAt(keys, 'properties'), `${path}.properties`)) {
      protect(name, { by: 'hmac', keyName, key: key ?? '' }, origin)
    }
  }
}

function valueAt(keys: ReadonlyMap<string, Member>, key: string): Node | null {
  return keys.get(key)?.value ?? null
}

/** What the value of a field in `when` asks for; null when it is of the wrong shape. The two words count only outside of a list. */
function conditionOf(value: unknown, origin: RuleOrigin): Condition | null {
  if (value === 'present' || value === 'absent') return { is: value, origin }
  const values = (Array.isArray(value) ? value : [value]).filter(isConditionValue)
  return values.length === 0 ? null : { is: 'one_of', values, origin }
}

function isConditionValue(value: unknown): value is ConditionValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

const UNKNOWN_EVENTS: readonly UnknownEvents[] = ['skip', 'derive', 'fail']

function orDefault(list: readonly string[], otherwise: readonly string[]): readonly string[] {
  return list.length > 0 ? list : otherwise
}
