import { createHash, randomUUID } from 'node:crypto'
import { APIS } from '../amplitude/limits.ts'
import { UsageError } from '../errors.ts'
import { flag, listOf, objectOf, oneOf, orAbsent, orNull, type Shape, text, time } from './shape.ts'

const runChoices = objectOf({
  include: listOf(text),
  exclude: listOf(text),
  /** `since` and `until` are RFC 3339 in UTC. */
  since: orNull(text),
  until: orNull(text),
  eventType: orNull(text),
  format: orNull(text),
  /** Version 0.1.0 did not have them. */
  csvDelimiter: orAbsent(text),
  csvQuote: orAbsent(text),
  csvEscape: orAbsent(text),
  /** `I/N` */
  shard: orNull(text),
  dedupe: flag,
  skipUserPropertiesSync: flag,
})

/** The options that decide which records become which events. */
export type RunChoices = Shape<typeof runChoices>

export const runIdentity = objectOf({
  id: text,
  /** Name and version of the program that began the run. */
  tool: text,
  /** Wall clock, ms. */
  createdAt: time,
  /** Scheme, host and port of the destination. */
  origin: text,
  /** URL and API of the last upload, which `retry` uses by default. They may change freely. */
  endpoint: text,
  api: oneOf(...APIS),
  /** See `fingerprintOf`; the key itself is never written. */
  keyFingerprint: text,
  /** What the mapping does to every event type of the catalogue (`mapping/mapping-hash.ts`). */
  mappingHash: text,
  /** What the user asks of the mapping, without the catalogue. Version 0.1.0 did not write it: null then. */
  rulesHash: orAbsent(text),
  options: runChoices,
  /** The question before the first upload was answered with yes, or not asked. */
  confirmed: flag,
})

/**
 * An invocation goes on with a run only when its identity is the same (state/README.md §5): where the events go, and everything that
 * decides which records become which events. All else may change freely: API, rates, `--limit`, output.
 */
export type RunIdentity = Shape<typeof runIdentity>

/**
 * The `rulesHash` of runs that version 0.1.0 began without a mapping file, by their `mappingHash`. That version did not write a
 * `rulesHash`, and had another catalogue.
 */
const RULES_OF_0_1_0: Readonly<Record<string, string>> = {
  // braze, and with --skip-user-properties-sync
  '52a9a332cf6d96f015c472e9797e4d2e': 'ce8ce2ab7f4fc204907d84d9053aca71',
  ea7531cf9049313b1c3131b8601f1ba3: '0479248bd09bbf21845750d3bee2f41b',
  // documented
  '06fbc355b2699d8951f1d02c880cdc1f': '6a868c77fab94e22d50c3ef7205ef51c',
  '8a90d3f7082c39b9e216dcec0eec48f2': 'aa2625011b7b69edc507582b42866062',
  // enriched
  c471384bb7148df6022df8c17e8de68a: '1442df70e40a27b4165142ee1924b620',
}

/** A new run. Its `id` is random, so that two runs of the same command differ. */
export function newRun(rest: Omit<RunIdentity, 'id'>): RunIdentity {
  return { ...rest, id: randomUUID() }
}

/** The part of a key's hash that may be shown and kept: enough to tell two projects apart, not enough to use the key. */
export function fingerprintOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 12)
}

const MAPPING = 'the mapping (hash)'

/** A part of the run's identity that is not as it was when the run began. */
export interface Difference {
  /** The part's name as the user knows it: `--since`, `the API key`. */
  readonly what: string
  readonly before: string
  readonly now: string
}

/** True when the mappings do the same, or when the user's rules are the same and only the catalogue differs. */
function isSameMapping(saved: RunIdentity, current: Omit<RunIdentity, 'id'>): boolean {
  if (saved.mappingHash === current.mappingHash) return true
  const rules = saved.rulesHash ?? RULES_OF_0_1_0[saved.mappingHash]
  return rules !== undefined && rules === current.rulesHash
}

/** True when the same run goes on with another catalogue, which makes other events than before. */
export function hasOtherCatalogue(saved: RunIdentity, current: Omit<RunIdentity, 'id'>): boolean {
  return saved.mappingHash !== current.mappingHash && isSameMapping(saved, current)
}

/** What the invocation would change in the run's identity; empty when it goes on with the same run. */
export function differencesOf(saved: RunIdentity, current: Omit<RunIdentity, 'id'>): readonly Difference[] {
  const shown = (value: string | null) => value ?? 'not given'
  const list = (values: readonly string[]) => (values.length === 0 ? 'not given' : values.join(','))
  const facts = ({ origin, keyFingerprint, mappingHash, options }: Omit<RunIdentity, 'id'>) => [
    ['the destination', origin],
    ['the API key (fingerprint)', keyFingerprint],
    [MAPPING, mappingHash],
    ['--include', list(options.include)],
    ['--exclude', list(options.exclude)],
    ['--since', shown(options.since)],
    ['--until', shown(options.until)],
    ['--event-type', shown(options.eventType)],
    ['--format', shown(options.format)],
    ['--csv-delimiter', shown(options.csvDelimiter)],
    ['--csv-quote', shown(options.csvQuote)],
    ['--csv-escape', shown(options.csvEscape)],
    ['--shard', shown(options.shard)],
    ['--no-dedupe', options.dedupe ? 'not given' : 'given'],
    ['--skip-user-properties-sync', options.skipUserPropertiesSync ? 'given' : 'not given'],
  ]
  const now = new Map(facts(current) as [string, string][])
  return (facts(saved) as [string, string][])
    .map(([what, before]) => ({ what, before, now: now.get(what) as string }))
    .filter(({ what, before, now }) => before !== now && !(what === MAPPING && isSameMapping(saved, current)))
}

/** The error when the run in the state directory is another one than the command asks for. */
export function changedRun(directory: string, differences: readonly Difference[]): UsageError {
  const lines = differences.map(({ what, before, now }) => `  ${what}: was ${before}, now ${now}`)
  return new UsageError(`the run in ${directory} was begun differently:\n${lines.join('\n')}`, {
    hint:
      'Give the command as before to go on. Otherwise: --state DIR for a run of its own, --fresh to begin anew, or ' +
      '--accept-changes to go on with the new options for all that is not settled.',
  })
}
