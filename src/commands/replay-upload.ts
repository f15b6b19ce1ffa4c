import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { systemClock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import { type Discovery, discover } from '../read/discover.ts'
import { endReport } from '../report/end-report.ts'
import { factsText } from '../report/facts.ts'
import { shardName } from '../shard.ts'
import { createDeadLetters } from '../state/dead-letters.ts'
import { createLaneFiles } from '../state/lane-file.ts'
import { fingerprintOf } from '../state/run-identity.ts'
import { openStateDirectory, removeLaneFiles } from '../state/state-directory.ts'
import { createHttpClient } from '../upload/http-client.ts'
import { createUploader, MOST_CONCURRENCY, type Uploader } from '../upload/uploader.ts'
import { readApiKey } from './api-key.ts'
import { type Destination, destinationOf, settingsOf } from './destination.ts'
import { conclude, publish } from './ending.ts'
import { usableMapping } from './load-mapping.ts'
import { type Overview, overviewOf } from './overview.ts'
import { refuseOwnFiles } from './own-files.ts'
import type { RunOptions, UploadOptions } from './replay-options.ts'
import { checkWritable, type OpenSink, runReplay, sayLeftOut, titleOf } from './replay-run.ts'
import { interruptedCode } from './run.ts'

type Options = RunOptions & UploadOptions

/** `replay` without `--dry-run`: maps everything and sends it to Amplitude. */
export async function upload(paths: readonly string[], options: Options, signal: AbortSignal): Promise<number> {
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const tell = options.quiet ? () => {} : say
  const destination = destinationOf(options)
  const settings = settingsOf(options)
  const key = await readApiKey(options, paths)
  checkWritable(options.summary)
  const mapping = await usableMapping(options, tell)
  const discovery = await discover(paths)
  refuseOwnFiles(discovery, options.state)
  sayLeftOut(discovery, tell)
  const overview = overviewOf(discovery, mapping)
  if (!destination.isLocal) {
    tell(factsOf(options, { destination, key, discovery, overview }))
    await confirm(options, paths, signal)
    if (signal.aborted) return interruptedCode(signal)
  }

  const state = openStateDirectory(options.state)
  removeLaneFiles(state)
  const letters = createDeadLetters(state.deadLetters)
  const client = createHttpClient({
    url: destination.url,
    connections: settings.concurrency === 'auto' ? MOST_CONCURRENCY : settings.concurrency,
    gzip: options.gzip ?? false,
    version: version(),
  })
  const ended = await runReplay({
    discovery,
    overview,
    mapping,
    options,
    progress: options.quiet || !options.progress ? 'none' : process.stderr.isTTY ? 'bar' : 'lines',
    signal,
    openSink: (ledger, print) => {
      const uploader = createUploader({
        settings,
        key,
        client,
        ledger,
        letters,
        openLanes: (onRead, onFailure) =>
          createLaneFiles({
            directory: state.lanes,
            typeName: (type) => mapping.typeNames[type] ?? null,
            onRead,
            onFailure,
          }),
        typeNames: mapping.typeNames,
        clock: systemClock,
        random: Math.random,
        signal,
        tell: options.quiet ? () => {} : print,
      })
      return openUploader(uploader)
    },
  }).finally(() => client.close())
  await letters.close()

  const { summary, exitCode, failure } = conclude(ended)
  publish(summary, options, (line) => process.stdout.write(`${line}\n`))
  tell(endReport(summary, titleOf('Upload', options), letters.count() > 0 ? letters.path : null))
  if (failure !== null) throw failure
  return exitCode
}

function openUploader(uploader: Uploader): OpenSink {
  return {
    sink: uploader,
    sent: uploader.figures,
    picture: () => {
      const figures = uploader.figures()
      return {
        eventsPerSecond: figures.eventsPerSecond,
        inFlight: figures.inFlight,
        held: figures.hotIdentities,
        deferred: figures.deferredEvents,
        retries: figures.retries,
        waiting: figures.eventsInMemory + figures.eventsInFiles,
        longestLane: figures.longestLane,
        eventsPerSecondOfIdentity: figures.eventsPerSecondOfIdentity,
      }
    },
  }
}

interface FactSources {
  readonly destination: Destination
  readonly key: string
  readonly discovery: Discovery
  readonly overview: Overview
}

function factsOf(options: Options, { destination, key, discovery, overview }: FactSources): string {
  return factsText({
    url: destination.url.href,
    api: options.api === 'http' ? 'HTTP V2' : 'Batch',
    keyFingerprint: fingerprintOf(key),
    mapping: `profile ${options.profile}`,
    files: discovery.count,
    shard: options.shard === undefined ? null : shardName(options.shard),
    bytes: overview.bytes,
    sinceMs: options.since ?? null,
    untilMs: options.until ?? null,
    names: overview.names,
    mayHoldMore: overview.mayHoldMore,
    fields: overview.fields,
  })
}

/**
 * Asks on a terminal whether to send; elsewhere nobody can answer, and it goes on.
 * @throws UsageError when the answer is no
 */
async function confirm(options: Options, paths: readonly string[], signal: AbortSignal): Promise<void> {
  const isStdinTaken = paths.includes('-') || options.apiKeyFile === '-'
  if (options.yes || isStdinTaken || !process.stdin.isTTY || !process.stderr.isTTY) return
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // While a question is open the terminal hands Ctrl-C to it instead of to the process.
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const answered = terminal.question('Send? [y/N] ', { signal }).catch(() => '')
  const answer = await Promise.race([answered, once(terminal, 'close').then(() => '')])
  terminal.close()
  if (signal.aborted) return
  if (/^y(es)?$/i.test(answer.trim())) return
  throw new UsageError('nothing was sent', { hint: 'Answer y, or give --yes.' })
}

function version(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  return manifest.version
}
