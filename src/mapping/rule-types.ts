/** What a mapping file asks for, checked: data that the compiler turns into plans (src/README.md §3). */

/** The built-in mappings (src/README.md §3). */
export const PROFILES = ['braze', 'documented', 'enriched'] as const
export type Profile = (typeof PROFILES)[number]

/** Where in a mapping file something is asked for. */
export interface RuleOrigin {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  /** Keys from the top, with dots: `events.users.messages.email.Open.name`. */
  readonly path: string
}

export interface Ruled<Value> {
  readonly value: Value
  readonly origin: RuleOrigin
}

/** What takes a value's place, so that it does not reach Amplitude. */
export type Protection =
  | { readonly by: 'redact' }
  | { readonly by: 'sha256' }
  | { readonly by: 'hmac'; readonly keyName: string; readonly key: string }

/** Whether a property is there. */
export type Presence =
  | { readonly is: 'added'; readonly origin: RuleOrigin }
  | { readonly is: 'dropped'; readonly origin: RuleOrigin }
  | { readonly is: 'set'; readonly json: string; readonly origin: RuleOrigin }

/** What a field of a record must be for the record to become an event: there, not there, or one of these values. */
export type Condition =
  | { readonly is: 'present'; readonly origin: RuleOrigin }
  | { readonly is: 'absent'; readonly origin: RuleOrigin }
  | { readonly is: 'one_of'; readonly values: readonly ConditionValue[]; readonly origin: RuleOrigin }

export type ConditionValue = string | number | boolean

/** Conditions by field of the record, in lower case. A record must meet all of them. */
export type Conditions = ReadonlyMap<string, Condition>

/** Rules by property, named as it is before renaming. */
export interface PropertyRules {
  readonly only: ReadonlyMap<string, RuleOrigin> | null
  readonly presence: ReadonlyMap<string, Presence>
  readonly renamed: ReadonlyMap<string, Ruled<string>>
  readonly protected: ReadonlyMap<string, Ruled<Protection>>
}

/** One entry of a mapping file: what it says of the types it matches. */
export interface RuleLayer {
  /** Event type or glob; null for `defaults`. */
  readonly pattern: string | null
  readonly isExact: boolean
  readonly isDropped: boolean
  readonly origin: RuleOrigin
  readonly name: Ruled<string> | null
  readonly when: Conditions
  readonly properties: PropertyRules
}

/** What holds for one event type once its entries are laid over one another. */
export interface EventRules {
  readonly dropped: RuleOrigin | null
  /** The type has an entry of its own, so it is sent even if the live connector does not send it. */
  readonly named: RuleOrigin | null
  readonly name: Ruled<string> | null
  readonly when: Conditions
  readonly properties: PropertyRules
}

export interface Prefixes {
  readonly event: string
  readonly customEvent: string
  readonly customProperty: string
  readonly purchaseProperty: string
}

export type UnknownEvents = 'skip' | 'derive' | 'fail'

interface IdentityRules {
  /** Fields in the order in which they are tried. */
  readonly userId: readonly string[]
  readonly deviceId: readonly string[]
  /** Characters that an id must have. */
  readonly minIdLength: number
}

/** An entry of `files`: the event type of files that say none. */
export interface FileRule {
  /** Glob on paths. */
  readonly pattern: string
  readonly type: string
  readonly origin: RuleOrigin
}

export interface MappingRules {
  /** The file; null for none. */
  readonly file: string | null
  readonly extends: Profile | null
  /** Where the top level's keys, and those of `identity`, are: `prefix`, `identity.user_id`. */
  readonly origins: ReadonlyMap<string, RuleOrigin>
  readonly prefixes: Prefixes
  readonly names: 'reference' | 'page'
  readonly unknownEvents: UnknownEvents
  readonly identity: IdentityRules
  readonly files: readonly FileRule[]
  /** The entries in the order of the file, `defaults` first. */
  readonly layers: readonly RuleLayer[]
}
