import { type Command, Option } from 'commander'
import { API_LIMITS, APIS, type ApiName, GIVE_UP_AFTER_MS, REGIONS, type Region } from '../../amplitude/limits.ts'
import { UsageError } from '../../errors.ts'
import { type StateChoices, UNKNOWN_ACTS } from '../../session/session.ts'
import type { Shard } from '../../shard.ts'
import { DEFAULT_STATE } from '../../state/state-directory.ts'
import type { UploadSettings } from '../../upload/upload-settings.ts'
import { parseConcurrency, parseDuration } from './option-values.ts'
import { addRateOptions, type RateOptions, rateSettingsOf } from './rate-options.ts'

/** Options of everything that sends. */
export interface UploadOptions extends StateChoices, RateOptions {
  readonly api: ApiName
  readonly region: Region
  readonly endpoint?: string
  /** Never taken: the key would stand in the list of processes and in the shell's history. */
  readonly apiKey?: string | true
  readonly apiKeyFile?: string
  readonly concurrency: number | 'auto'
  readonly onQuota: 'wait' | 'stop'
  readonly gzip?: true
  readonly giveUpAfter?: number
}

export function apiOption(): Option {
  return new Option('--api <api>', 'HTTP V2, or Batch for large backfills').choices(APIS)
}

export function regionOption(): Option {
  return new Option('--region <region>', 'where the project lives').choices(REGIONS)
}

/** Declares all of them but `--api` and `--region`, whose defaults the command knows, and what an invocation shows of itself. */
export function addUploadOptions(command: Command): Command {
  command
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
  return addRateOptions(command)
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

/**
 * The settings of an upload: as was asked for, else as the plan allows.
 * @throws UsageError when a request would hold more events than Amplitude takes
 */
export function settingsOf(options: Omit<UploadOptions, 'region'>, shard: Shard | undefined): UploadSettings {
  const { api, batchSize } = options
  const { maxEvents } = API_LIMITS[api]
  if (batchSize !== undefined && batchSize > maxEvents) {
    throw new UsageError(`--batch-size ${batchSize} is more than Amplitude takes in one request`, {
      hint: `At most ${maxEvents} with --api ${api}.`,
    })
  }
  return {
    api,
    concurrency: options.concurrency,
    ...rateSettingsOf(options, shard),
    onQuota: options.onQuota,
    giveUpAfterMs: options.giveUpAfter ?? GIVE_UP_AFTER_MS,
  }
}
