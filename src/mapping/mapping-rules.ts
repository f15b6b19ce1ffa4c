import type { Node } from 'yaml'
import type { MappingDocument, Member } from './mapping-document.ts'
import type { Problem } from './mapping-shape.ts'
import { NO_RULES } from './profiles.ts'
import {
  type MappingRules,
  PROFILES,
  type Presence,
  type PropertyRules,
  type Protection,
  type Ruled,
  type RuleLayer,
  type RuleOrigin,
  type UnknownEvents,
} from './rules.ts'

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
  const top = new Map(document.members(document.root).map((member) => [member.key, member]))
  const textAt = (key: string) => document.text(top.get(key)?.value ?? null)
  const prefix = textAt('prefix')
  const { prefixes } = NO_RULES
  const identity = new Map(document.members(top.get('identity')?.value ?? null).map((member) => [member.key, member]))
  const sources = (key: string) => document.texts(identity.get(key)?.value ?? null).map(({ text }) => text)
  const minIdLength = document.value(identity.get('min_id_length')?.value ?? null)

  const layers: RuleLayer[] = []
  const defaults = top.get('defaults')
  if (defaults) layers.push(readLayer(defaults, null, 'defaults'))
  for (const member of document.members(top.get('events')?.value ?? null)) {
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
    layers,
  }
  return { rules, problems }

  function readLayer(member: Member, pattern: string | null, path: string): RuleLayer {
    const keys = new Map(document.members(member.value).map((inner) => [inner.key, inner]))
    const named = keys.get('name')
    const name = document.text(named?.value ?? null)
    return {
      pattern,
      isExact: pattern !== null && !/[*?]/.test(pattern),
      isDropped: pattern !== null && document.value(member.value) === false,
      origin: document.origin(member.keyAt, path),
      name: named && name && pattern !== null ? ruled(name, named.at, `${path}.name`) : null,
      properties: readProperties(keys.get('properties')?.value ?? null, `${path}.properties`),
    }
  }

  function ruled(value: string, at: number, path: string): Ruled<string> {
    return { value, origin: document.origin(at, path) }
  }

  function readProperties(node: Node | null, path: string): PropertyRules {
    const keys = new Map(document.members(node).map((member) => [member.key, member]))
    const names = (key: string) =>
      document.texts(keys.get(key)?.value ?? null).map(({ text, at }) => ({ text, at, path: `${path}.${key}` }))
    const presence = new Map<string, Presence>()
    const protectedBy = new Map<string, Ruled<Protection>>()
    const renamed = new Map<string, Ruled<string>>()

    for (const { text, at, path: where } of names('add')) {
      note(presence, text, { is: 'added', origin: document.origin(at, where) }, at)
    }
    for (const { text, at, path: where } of names('drop')) {
      note(presence, text, { is: 'dropped', origin: document.origin(at, where) }, at)
    }
    for (const member of document.members(keys.get('set')?.value ?? null)) {
      const value = document.value(member.value)
      if (value === null || value === undefined) continue
      const origin = document.origin(member.keyAt, `${path}.set.${member.key}`)
      note(presence, member.key, { is: 'set', json: JSON.stringify(value), origin }, member.keyAt)
    }
    for (const member of document.members(keys.get('rename')?.value ?? null)) {
      const to = document.text(member.value)
      if (to) renamed.set(member.key, ruled(to, member.keyAt, `${path}.rename.${member.key}`))
    }
    for (const by of ['redact', 'sha256'] as const) {
      for (const { text, at, path: where } of names(by)) protect(text, { by }, at, where)
    }
    readHmac(keys.get('hmac')?.value ?? null, `${path}.hmac`, protect)
    for (const [name, { origin }] of renamed) {
      const rule = presence.get(name)
      if (rule?.is === 'dropped') contradict(`"${name}" is dropped, so it cannot be renamed`, origin)
    }
    for (const [name, { origin }] of protectedBy) {
      const rule = presence.get(name)
      if (rule?.is === 'dropped') contradict(`"${name}" is dropped, so it needs no protection`, origin, 'warning')
      if (rule?.is === 'set') contradict(`"${name}" is set to a constant, which is not protected`, origin)
    }
    // A list of the wrong shape holds nothing back: the schema reports it.
    const listed = names('only')
    const only =
      listed.length === 0
        ? null
        : new Map(listed.map(({ text, at, path: where }) => [text, document.origin(at, where)]))
    return { only, presence, renamed, protected: protectedBy }

    function protect(name: string, protection: Protection, at: number, where: string): void {
      const before = protectedBy.get(name)
      if (before && before.value.by !== protection.by) {
        contradict(`"${name}" is in ${before.value.by} and in ${protection.by}; keep one`, document.origin(at, where))
      }
      protectedBy.set(name, { value: protection, origin: document.origin(at, where) })
    }
  }

  function note(presence: Map<string, Presence>, name: string, rule: Presence, at: number): void {
    const before = presence.get(name)
    if (before && before.is !== rule.is) {
      problems.push({
        severity: 'error',
        message: `"${name}" is ${before.is} and ${rule.is}; keep one`,
        at,
        path: rule.origin.path,
      })
    }
    presence.set(name, rule)
  }

  function contradict(message: string, origin: RuleOrigin, severity: Problem['severity'] = 'error'): void {
    problems.push({ severity, message, at: origin, path: origin.path })
  }

  function readHmac(
    node: Node | null,
    path: string,
    protect: (name: string, protection: Protection, at: number, where: string) => void,
  ): void {
    const keys = new Map(document.members(node).map((member) => [member.key, member]))
    const member = keys.get('key_env')
    const keyName = document.text(member?.value ?? null)
    if (!member || keyName === null) return
    const key = environment[keyName]
    if (!key && /^[A-Za-z_]\w*$/.test(keyName)) {
      problems.push({
        severity: 'error',
        message: `the environment variable ${keyName}, which holds the key, is not set`,
        at: member.at,
        path: `${path}.key_env`,
      })
    }
    for (const { text, at } of document.texts(keys.get('properties')?.value ?? null)) {
      protect(text, { by: 'hmac', keyName, key: key ?? '' }, at, `${path}.properties`)
    }
  }
}

const UNKNOWN_EVENTS: readonly UnknownEvents[] = ['skip', 'derive', 'fail']

function orDefault(list: readonly string[], otherwise: readonly string[]): readonly string[] {
  return list.length > 0 ? list : otherwise
}
