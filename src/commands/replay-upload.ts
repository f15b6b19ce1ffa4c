import { dirname, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { type Discovery, discover } from '../read/discover.ts'
import { refuseRemotePaths } from '../read/remote-path.ts'
import { factsText } from '../report/facts-before-send.ts'
import { sayUnless } from '../report/printer.ts'
import { overviewOf } from '../session/overview.ts'
import { runSession } from '../session/run-session.ts'
import { shardName } from '../shard.ts'
import { fingerprintOf, type RunChoices } from '../state/run-identity.ts'
import { createAsk } from './ask.ts'
import { checkWritable, sayFound, titleOf } from './before-run.ts'
import { readApiKey } from './options/api-key.ts'
import { destinationOf } from './options/destination.ts'
import { csvChoicesOf } from './options/input-options.ts'
import { usableMapping } from './options/load-mapping.ts'
import type { RunOptions } from './options/replay-options.ts'
import { settingsOf, type UploadOptions } from './options/upload-options.ts'

type Options = RunOptions & UploadOptions

/** What a run keeps (state/README.md §1). */
const STATE_FILE = /(^|\/)((dead-letters|retrying|files|\d+)\.ndjson|checkpoint\.json)$/

/** `replay` without `--dry-run`: maps everything and sends it to Amplitude. */
export async function upload(paths: readonly string[], options: Options, signal: AbortSignal): Promise<number> {
  const tell = sayUnless(options.quiet)
  // Nobody should look for a key first.
  refuseRemotePaths(paths)
  const destination = destinationOf(options)
  const settings = settingsOf(options, options.shard)
  const key = await readApiKey(options, paths)
  checkWritable(options.summary)
  const mapping = await usableMapping(options, tell)
  const discovery = await discover(paths, options.state)
  refuseOwnFiles(discovery, options.state)
  sayFound(discovery, mapping, tell)
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
      csv: csvChoicesOf(options),
      shard: options.shard,
      kind: { is: 'replay', given: paths, paths: () => pathsOf(discovery.sources()), bytes: overview.bytes, facts },
      ask: createAsk(paths.includes('-') || options.apiKeyFile === '-', signal),
    },
    signal,
  )
}

/**
 * An upload must not read what it writes: it would go on for ever.
 * @throws UsageError when an input is a file of the state directory
 */
function refuseOwnFiles(discovery: Discovery, state: string): void {
  const directories = new Set([resolve(state), resolve(state, 'lanes')])
  for (const { path } of discovery.sources()) {
    // There may be 900,000, and resolving takes long.
    if (!STATE_FILE.test(path) || !directories.has(dirname(resolve(path)))) continue
    throw new UsageError(`${path} belongs to the state directory ${state}, into which this upload writes`, {
      hint: 'braze2amp retry sends dead letters again; otherwise move the file elsewhere, or give another --state.',
    })
  }
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
    csvDelimiter: options.csvDelimiter ?? null,
    csvQuote: options.csvQuote ?? null,
    csvEscape: options.csvEscape ?? null,
    shard: options.shard === undefined ? null : shardName(options.shard),
    dedupe: options.dedupe,
    skipUserPropertiesSync: options.skipUserPropertiesSync ?? false,
  }
}
