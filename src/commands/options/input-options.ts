import { type Command, Option } from 'commander'
import { systemClock } from '../../clock.ts'
import { UsageError } from '../../errors.ts'
import type { MappingOptions } from '../../mapping/plan.ts'
import { PROFILES, type Profile } from '../../mapping/rule-types.ts'
import type { CsvChoices } from '../../model.ts'
import { FORMATS, type Format } from '../../read/detect.ts'
import { parseCharacterOrNone, parseDelimiter, parseEventType, parseGlobs, parseTime } from './option-values.ts'

/** Options of every command that reads exports. */
export interface InputOptions {
  readonly format?: Format
  readonly csvDelimiter?: string
  /** One character, or `none`. */
  readonly csvQuote?: string
  readonly csvEscape?: string
}

/** Options of every command that maps records. */
export interface MappingFlags {
  readonly eventType?: string | undefined
  readonly profile?: Profile | undefined
  /** False: none, not even the one in the working directory. */
  readonly mapping?: string | false | undefined
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly skipUserPropertiesSync?: boolean
}

/** @param paths `[paths...]` when a command can do without */
export function addInputOptions(command: Command, paths: '<paths...>' | '[paths...]' = '<paths...>'): void {
  command
    .argument(paths, 'files, directories, globs, or - for standard input')
    .addOption(new Option('--format <format>', 'format of the inputs (default: by content)').choices(FORMATS))
    .option('--csv-delimiter <char>', 'what is between the fields of CSV, or tab (default: by content)', parseDelimiter)
    .option('--csv-quote <char>', 'what is around fields of CSV, or none (default: by content)', parseCharacterOrNone)
    .option('--csv-escape <char>', 'what escapes in CSV, or none (default: by content)', parseCharacterOrNone)
    .option('--event-type <type>', 'event type of every record (default: by record, schema or path)', parseEventType)
}

/**
 * What the options say of CSV.
 * @throws UsageError when they ask for what nobody reads
 */
export function csvChoicesOf({ csvDelimiter, csvQuote, csvEscape }: InputOptions): CsvChoices {
  if (csvQuote === 'none' && csvEscape !== undefined && !['none', '\\'].includes(csvEscape)) {
    throw new UsageError(`--csv-escape ${csvEscape} needs quotes`, {
      hint: "Without quotes (--csv-quote none) only a backslash escapes: --csv-escape '\\\\', or none.",
    })
  }
  const orNone = (character: string | undefined) => (character === 'none' ? null : character)
  return { delimiter: csvDelimiter, quote: orNone(csvQuote), escape: orNone(csvEscape) }
}

/** Which mapping; not which records. */
export function addMappingFileOptions(command: Command): void {
  command
    .addOption(new Option('--profile <profile>', 'built-in mapping (default: braze)').choices(PROFILES))
    .option('--mapping <file>', 'mapping file, YAML or JSON (default: braze2amp.yaml, if it is there)')
    .option('--no-mapping', 'no mapping file, even if braze2amp.yaml is there')
}

export function addMappingOptions(command: Command): void {
  addMappingFileOptions(command)
  command
    .option('--include <types>', 'only these event types: globs, separated by commas', parseGlobs, [])
    .option('--exclude <types>', 'not these event types', parseGlobs, [])
    .option('--since <time>', 'only events at or after this time (UTC): date, RFC 3339 or Unix seconds', parseTime)
    .option('--until <time>', 'only events before this time', parseTime)
    .option('--skip-user-properties-sync', "keep past events from touching the live users' properties")
}

export function mappingOptionsOf(flags: MappingFlags): MappingOptions {
  return {
    profile: flags.profile ?? 'braze',
    include: flags.include,
    exclude: flags.exclude,
    sinceMs: flags.since ?? Number.NEGATIVE_INFINITY,
    untilMs: flags.until ?? Number.POSITIVE_INFINITY,
    eventType: flags.eventType ?? null,
    skipUserPropertiesSync: flags.skipUserPropertiesSync ?? false,
    nowMs: systemClock.wallClock(),
  }
}
