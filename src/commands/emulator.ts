import { type Command, InvalidArgumentError } from 'commander'
import type { EmulatorOptions } from '../emulator/emulator-options.ts'
import { startEmulator } from '../emulator/server.ts'
import type { EmulatorStats } from '../emulator/stats.ts'
import { interruptedCode } from '../errors.ts'
import { decimalOf, parseCount, parsePort, parsePositive, parseRate, parseShare } from './options/option-values.ts'
import type { Run } from './with-signals.ts'

const DEFAULT_PORT = 8787

const EXAMPLES = `
Examples:
  $ braze2amp emulator
  $ braze2amp emulator --port 9000 --http-eps 10 --keep-events arrived.ndjson
  $ braze2amp emulator --fail 503:0.02,500:0.01 --drop-after 0.01 --latency 50-300 --seed 7

In a second terminal:
  $ AMPLITUDE_API_KEY=any braze2amp replay ./exports --endpoint http://127.0.0.1:${DEFAULT_PORT}
  $ curl http://127.0.0.1:${DEFAULT_PORT}/stats
`

/** What commander yields for the options of `declareEmulator`. */
interface Flags
  extends Pick<
    EmulatorOptions,
    'port' | 'dailyQuota' | 'apiKey' | 'fail' | 'dropBefore' | 'dropAfter' | 'garbage' | 'seed'
  > {
  readonly httpEps?: number
  readonly batchEps?: number
  readonly window?: number
  readonly projectEps?: number
  readonly projectRps?: number
  readonly latency?: readonly [number, number]
  readonly keepEvents?: string
}

/** `emulator`: runs until the user stops it. */
export function declareEmulator(command: Command, run: Run): void {
  command
    .description(
      'Takes events as Amplitude does, until it is stopped: both APIs, the documented limits, and faults on demand.',
    )
    .option('--port <n>', 'port on 127.0.0.1; 0 takes any free one', parsePort, DEFAULT_PORT)
    .option('--http-eps <n>', 'events per second and device or user on HTTP V2 (default: 30)', parseRate)
    .option('--batch-eps <n>', 'events per second and device or user on Batch (default: 1000)', parseRate)
    .option('--window <seconds>', 'span over which rates are averaged (default: 30)', parseRate)
    .option('--daily-quota <n>', 'events per device or user in 24 h (default: 500000)', parsePositive)
    .option('--project-eps <n>', 'events per second of the whole project (default: no limit)', parseRate)
    .option('--project-rps <n>', 'requests per second of the whole project (default: no limit)', parseRate)
    .option('--api-key <key>', 'the only key to accept (default: any)', parseText)
    .option('--fail <status:rate,…>', 'answer a share of requests with these statuses', parseFailures)
    .option('--latency <ms[-ms]>', 'round trip, or its shortest and longest', parseLatency)
    .option('--drop-before <rate>', 'reset a share of connections before the events count', parseShare)
    .option('--drop-after <rate>', 'take the events of a share of requests and never answer', parseShare)
    .option('--garbage <rate>', 'answer a share of requests with an HTML page or half a body', parseShare)
    .option('--seed <n>', 'the same seed gives the same faults (default: 1)', parseCount)
    .option('--keep-events <file>', 'append every unique event to this file as NDJSON', parseText)
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) =>
      run(async (signal) => {
        await runEmulator(optionsOf(flags), signal)
        return interruptedCode(signal)
      }),
    )
}

/** Runs an emulator until `signal` aborts. Says on standard error how to use it, and at the end what arrived. */
async function runEmulator(options: EmulatorOptions, signal: AbortSignal): Promise<void> {
  const emulator = await startEmulator(options)
  const { url } = emulator
  process.stderr.write(
    `Amplitude emulator on ${url}: braze2amp replay ./exports --endpoint ${url} (${keyHint(options)})\n`,
  )
  await aborted(signal)
  await emulator.close()
  process.stderr.write(summaryOf(emulator.stats()))
}

function keyHint({ apiKey }: EmulatorOptions): string {
  return apiKey === undefined ? 'AMPLITUDE_API_KEY: any' : 'AMPLITUDE_API_KEY: the one given with --api-key'
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function summaryOf(stats: EmulatorStats): string {
  const { requests, refused, peaks } = stats
  const lines = [
    `events: ${stats.unique} unique, ${stats.duplicates} repeats dropped, ${stats.out_of_order} out of order, ${stats.unacknowledged} taken without an answer`,
    `requests: ${requests.total}${listOf(requests.by_status)}, ${requests.dropped} without an answer`,
  ]
  if (Object.keys(refused).length > 0) lines.push(`refused requests:${listOf(refused)}`)
  const [peak] = peaks
  if (peak !== undefined) lines.push(`busiest: ${peak.identity} ${peak.id} at ${peak.events_per_second} events/s`)
  return `${lines.join('\n')}\n`
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts)
  return entries.length === 0 ? '' : ` (${entries.map(([name, count]) => `${name}: ${count}`).join(', ')})`
}

function optionsOf({ httpEps, batchEps, window, latency, projectEps, projectRps, ...same }: Flags): EmulatorOptions {
  return {
    ...same,
    httpEventsPerSecond: httpEps,
    batchEventsPerSecond: batchEps,
    windowSeconds: window,
    latencyMs: latency,
    projectEventsPerSecond: projectEps,
    projectRequestsPerSecond: projectRps,
  }
}

function parseFailures(text: string): NonNullable<EmulatorOptions['fail']> {
  return text.split(',').map((part) => {
    const [status = '', share = '', ...rest] = part.split(':')
    const value = { status: decimalOf(status), rate: decimalOf(share) }
    const isStatus = Number.isInteger(value.status) && value.status >= 300 && value.status <= 599
    if (!isStatus || !(value.rate >= 0 && value.rate <= 1) || rest.length > 0) {
      throw new InvalidArgumentError(
        'Give a list of statuses from 300 to 599 with a share from 0 to 1 each, such as 503:0.05,429:0.01.',
      )
    }
    return value
  })
}

function parseLatency(text: string): readonly [number, number] {
  const [first = '', second = first, ...rest] = text.split('-')
  const [min, max] = [decimalOf(first), decimalOf(second)]
  if (!(min >= 0 && max >= min) || rest.length > 0) {
    throw new InvalidArgumentError('Give milliseconds, or a range from low to high, such as 50 or 50-300.')
  }
  return [min, max]
}

function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.')
  return text
}
