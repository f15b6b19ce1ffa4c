import { discover } from '../read/discover.ts'
import { factsText } from '../report/facts.ts'
import { overviewOf } from '../session/overview.ts'
import { runSession } from '../session/run-session.ts'
import { shardName } from '../shard.ts'
import { fingerprintOf, type RunChoices } from '../state/run-identity.ts'
import { createAsk } from './ask.ts'
import { checkWritable, sayLeftOut, titleOf } from './before-run.ts'
import { readApiKey } from './options/api-key.ts'
import { destinationOf, settingsOf } from './options/destination.ts'
import { usableMapping } from './options/load-mapping.ts'
import type { RunOptions, UploadOptions } from './options/replay-options.ts'
import { refuseOwnFiles } from './own-files.ts'

type Options = RunOptions & UploadOptions

/** `replay` without `--dry-run`: maps everything and sends it to Amplitude. */
export async function upload(paths: readonly string[], options: Options, signal: AbortSignal): Promise<number> {
  const tell = options.quiet ? () => {} : (line: string) => process.stderr.write(`${line}\n`)
  const destination = destinationOf(options)
  const settings = settingsOf(options, options.shard)
  const key = await readApiKey(options, paths)
  checkWritable(options.summary)
  const mapping = await usableMapping(options, tell)
  const discovery = await discover(paths, options.state)
  refuseOwnFiles(discovery, options.state)
  sayLeftOut(discovery, tell)
  const overview = overviewOf(discovery, mapping)
  const facts = () =>
    factsText({
      url: destination.url.href,
      api: options.api === 'http' ? 'HTTP V2' : 'Batch',
      keyFingerprint: fingerprintOf(key),
      mapping: `profile ${mapping.options.profile}`,
      files: discovery.count,
      shard: options.shard === undefined ? null : shardName(options.shard),
      bytes: overview.bytes,
      sinceMs: options.since ?? null,
      untilMs: options.until ?? null,
      names: overview.names,
      mayHoldMore: overview.mayHoldMore,
      fields: overview.fields,
    })
  return runSession(
    {
      title: titleOf('Upload', options.shard),
      options,
      destination,
      settings,
      key,
      mapping,
      choices: choicesOf(options),
      format: options.format ?? null,
      shard: options.shard,
      kind: { is: 'replay', paths: () => pathsOf(discovery.sources()), bytes: overview.bytes, facts },
      ask: createAsk(paths.includes('-') || options.apiKeyFile === '-', signal),
    },
    signal,
  )
}

function* pathsOf(sources: Iterable<{ readonly path: string }>): Generator<string> {
  for (const { path } of sources) yield path
}

/** The options that decide which records become which events. */
function choicesOf(options: Options): RunChoices {
  const timeOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())
  return {
    include: options.include,
    exclude: options.exclude,
    since: timeOf(options.since),
    until: timeOf(options.until),
    eventType: options.eventType ?? null,
    format: options.format ?? null,
    shard: options.shard === undefined ? null : shardName(options.shard),
    dedupe: options.dedupe,
    skipUserPropertiesSync: options.skipUserPropertiesSync ?? false,
  }
}
