import { type Command, Option } from 'commander'
import { APIS, type ApiName, PLANS, type Plan, REGIONS, type Region } from '../../amplitude/limits.ts'
import { type Invocation, type StateChoices, UNKNOWN_ACTS } from '../../session/session.ts'
import type { Shard } from '../../shard.ts'
import { DEFAULT_STATE } from '../../state/state-directory.ts'
import { addInputOptions, addMappingOptions, type InputOptions, type MappingFlags } from './input-options.ts'
import {
  parseConcurrency,
  parseCount,
  parseDuration,
  parseMaxErrors,
  parsePositive,
  parseRate,
} from './option-values.ts'
import { parseShard } from './shard-option.ts'

/** What every run needs, whether it sends or not. */
export interface RunOptions extends Invocation, InputOptions, MappingFlags {
  readonly shard?: Shard
}

/** What an upload needs beside. */
export interface UploadOptions extends StateChoices {
  readonly api: ApiName
  readonly region: Region
  readonly endpoint?: string
  /** Never taken: the key would stand in the list of processes and in the shell's history. */
  readonly apiKey?: string | true
  readonly apiKeyFile?: string
  readonly concurrency: number | 'auto'
  readonly batchSize?: number
  readonly deviceEps?: number
  readonly deviceBurst?: number
  readonly maxEps?: number
  readonly maxRps?: number
  readonly plan?: Plan
  readonly onQuota: 'wait' | 'stop'
  readonly gzip?: true
  readonly giveUpAfter?: number
}

export type ReplayOptions = RunOptions & UploadOptions & { readonly dryRun?: true }

/** Declares the options of `replay` on its command. */
export function declareReplayOptions(command: Command): Command {
  command.option('--dry-run', 'write the events to standard output as NDJSON instead of sending them')
  addInputOptions(command)
  addMappingOptions(command)
  command
    .option('--limit <n>', 'end after this many records', parseCount)
    .option(
      '--shard <i/n|auto>',
      'as worker I of N: only its users, and its part of --max-eps and --max-rps; auto: as the scheduler says',
      (text: string) => parseShard(text, process.env),
    )
    .option('--no-dedupe', 'send records again that are there twice')
    .option('--max-errors <n|p%>', 'stop when more records than this are rejected', parseMaxErrors)
    .addOption(apiOption().default('http' satisfies ApiName))
    .addOption(regionOption().default('us' satisfies Region))
  declareUploadOptions(command)
  return command
    .option('--fresh', 'begin anew: moves the state of the run before aside')
    .option('--resend', 'send files again that were delivered already')
    .option('--yes', 'send without asking')
}

export function apiOption(): Option {
  return new Option('--api <api>', 'HTTP V2, or Batch for large backfills').choices(APIS)
}

export function regionOption(): Option {
  return new Option('--region <region>', 'where the project lives').choices(REGIONS)
}

/** Declares the options of everything that sends. */
export function declareUploadOptions(command: Command): Command {
  return command
    .option('--endpoint <url>', "base URL to send to instead, the API's path is appended")
    .option('--api-key-file <file|->', 'file with the API key, - for standard input (default: $AMPLITUDE_API_KEY)')
    .addOption(new Option('--api-key [key]', 'refused: a key does not belong on a command line').hideHelp())
    .option('--state <dir>', 'directory of the run: its checkpoint, dead letters and waiting events', DEFAULT_STATE)
    .addOption(
      new Option(
        '--unknown <act>',
        'when a run was killed more than 6 days ago: what to do with events that may have been accepted',
      ).choices(UNKNOWN_ACTS),
    )
    .option('--accept-changes', 'go on with a run although options, mapping or destination have changed')
    .option('--concurrency <n|auto>', 'requests in flight at most', parseConcurrency, 'auto')
    .option('--batch-size <n>', 'events in a request at most (default: 1999 on http, 2000 on batch)', parsePositive)
    .option(
      '--device-eps <n>',
      'events a second of each device and user (default: 30 on http, 300 on batch)',
      parseRate,
    )
    .option('--device-burst <n>', "events that an idle device may send at once (default: a second's worth)", parseRate)
    .option('--max-eps <n>', 'events a second of the whole run', parseRate)
    .option('--max-rps <n>', 'requests a second of the whole run', parseRate)
    .addOption(new Option('--plan <plan>', "limits of an Amplitude plan's projects").choices(PLANS))
    .addOption(
      new Option('--on-quota <act>', 'when all that is left waits for a daily quota')
        .choices(['wait', 'stop'])
        .default('wait'),
    )
    .option('--gzip', 'compress what is sent')
    .option(
      '--give-up-after <duration>',
      'end the run when Amplitude was unreachable for so long (default: 30m)',
      parseDuration,
    )
    .option('--summary <file>', 'write the summary to this file, as JSON')
    .option('--json', 'print the summary as JSON, in a dry run on standard error')
    .option('--quiet', 'no progress and no report, only errors')
    .option('--no-progress', 'no progress')
}
