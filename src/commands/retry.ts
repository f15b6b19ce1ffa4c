import { type Command, Option } from 'commander'
import { type ApiName, HOSTS, type Region } from '../amplitude/limits.ts'
import { EXIT, UsageError } from '../errors.ts'
import type { RejectReason } from '../model.ts'
import { OUTCOMES } from '../outcomes.ts'
import { sayUnless } from '../report/printer.ts'
import { runSession } from '../session/run-session.ts'
import { type Checkpoint, readCheckpoint } from '../state/checkpoint.ts'
import { diskFileSystem } from '../state/file-system.ts'
import { isRetrying } from '../state/retrying.ts'
import { createAsk } from './ask.ts'
import { checkWritable } from './before-run.ts'
import { readApiKey, refuseKeyOption } from './options/api-key.ts'
import { destinationOf } from './options/destination.ts'
import { addMappingFileOptions, type MappingFlags } from './options/input-options.ts'
import { usableMapping } from './options/load-mapping.ts'
import type { RunOptions } from './options/replay-options.ts'
import { parseShard } from './options/shard-option.ts'
import { addUploadOptions, apiOption, regionOption, settingsOf, type UploadOptions } from './options/upload-options.ts'
import type { Run } from './with-signals.ts'

interface RetryOptions
  extends Omit<UploadOptions, 'api' | 'region' | 'fresh' | 'resend' | 'yes'>,
    Pick<RunOptions, 'summary' | 'json' | 'quiet' | 'progress'>,
    Pick<MappingFlags, 'profile' | 'mapping'> {
  readonly api?: ApiName
  readonly region?: Region
  readonly reason?: RejectReason
}

const REASONS = OUTCOMES.flatMap((outcome) => (outcome.is === 'rejected' ? [outcome.reason] : []))

const EXAMPLES = `
Examples:
  braze2amp retry                               send all dead letters of .braze2amp again
  braze2amp retry --reason silenced_device      those of one reason; the others stay
  braze2amp retry --mapping mended.yaml --accept-changes
`

/** `retry`: sends the dead letters of a run again, once their cause is mended. */
export function declareRetry(command: Command, run: Run): void {
  command
    .description(
      'Sends the dead letters of a run again: to where the run went, mapped as it was. What is refused once more is a dead letter ' +
        'again; what is accepted is counted as if it had been at first.',
    )
    .addOption(new Option('--reason <reason>', 'only those of this reason; the others stay').choices(REASONS))
  addMappingFileOptions(command)
  command.addOption(apiOption()).addOption(regionOption())
  addUploadOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((options: RetryOptions) =>
      run((signal) => {
        refuseKeyOption(options)
        return retry(options, signal)
      }),
    )
}

async function retry(options: RetryOptions, signal: AbortSignal): Promise<number> {
  const tell = sayUnless(options.quiet)
  const saved = await readCheckpoint(diskFileSystem, options.state)
  if (saved === null) {
    throw new UsageError(`there is no run in ${options.state}`, { hint: 'Name its directory with --state DIR.' })
  }
  const upload = uploadOptionsOf(options, saved)
  const destination = destinationOf(upload)
  const shard = saved.run.options.shard === null ? undefined : parseShard(saved.run.options.shard, {})
  const settings = settingsOf(upload, shard)
  const key = await readApiKey(upload, [])
  checkWritable(options.summary)
  const mapping = await usableMapping(mappingFlagsOf(options, saved), tell)
  if (!isRetrying(saved) && (saved.logs['dead-letters.ndjson'] ?? 0) === 0) {
    tell('there are no dead letters')
    return EXIT.done
  }
  return runSession(
    {
      title: 'Retry',
      options: { ...upload, ...options, api: upload.api, dedupe: saved.run.options.dedupe },
      destination,
      settings,
      key,
      mapping,
      choices: saved.run.options,
      format: null,
      csv: {},
      shard: undefined,
      kind: { is: 'retry', reason: options.reason ?? null },
      ask: createAsk(options.apiKeyFile === '-', signal),
    },
    signal,
  )
}

/** Where the run went, unless the options say otherwise. */
function uploadOptionsOf(options: RetryOptions, { run }: Checkpoint): UploadOptions {
  const { endpoint, region } = options
  return {
    ...options,
    api: options.api ?? run.api,
    region: region ?? 'us',
    endpoint: endpoint ?? (region === undefined ? run.endpoint : HOSTS[region]),
  }
}

/** The run's own filters; the records passed them. */
function mappingFlagsOf({ profile, mapping }: RetryOptions, { run }: Checkpoint): MappingFlags {
  const { since, until, eventType, include, exclude, skipUserPropertiesSync } = run.options
  const timeOf = (text: string | null) => (text === null ? undefined : Date.parse(text))
  return {
    profile,
    mapping,
    include,
    exclude,
    since: timeOf(since),
    until: timeOf(until),
    eventType: eventType ?? undefined,
    skipUserPropertiesSync,
  }
}
