import { type Clock, systemClock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import type { Limits } from './admission.ts'
import type { FaultOptions } from './faults.ts'

/** What `startEmulator` takes; everything has a default. */
export interface EmulatorOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number | undefined
  /** HTTP V2, per device and per user: 30. */
  readonly httpEventsPerSecond?: number | undefined
  /** Batch, per device and per user: 1000. */
  readonly batchEventsPerSecond?: number | undefined
  /** Span over which every rate is averaged: 30. */
  readonly windowSeconds?: number | undefined
  /** Events per device and per user in 24 h: 500,000. */
  readonly dailyQuota?: number | undefined
  /** Whole project; no limit by default. */
  readonly projectEventsPerSecond?: number | undefined
  /** Whole project; no limit by default. */
  readonly projectRequestsPerSecond?: number | undefined
  /** Whether events refused by a limit count against it all the same (unknown, amplitude/README.md §7): false. */
  readonly countRefused?: boolean | undefined
  /** Devices that Amplitude has silenced. */
  readonly silencedDevices?: readonly string[] | undefined
  /** The one key that is accepted; any non-empty one by default. */
  readonly apiKey?: string | undefined
  /** Answer gzipped bodies with 415, as some proxies do: false. */
  readonly refuseGzip?: boolean | undefined
  /** Share of requests, 0 to 1, answered with a status instead of being read. */
  readonly fail?: FaultOptions['fail'] | undefined
  /** Shortest and longest round trip; half of it passes before the request counts. */
  readonly latencyMs?: readonly [number, number] | undefined
  /** Share of requests whose connection is reset before they count. */
  readonly dropBefore?: number | undefined
  /** Share of requests that count and get no answer. */
  readonly dropAfter?: number | undefined
  /** Share of requests answered with an HTML page and status 200 (one half) or a cut body (the other half, which counts). */
  readonly garbage?: number | undefined
  /** Same seed, same faults in the order of requests: 1. */
  readonly seed?: number | undefined
  /** File to which each unique event is appended as one line of JSON, in the order of arrival. */
  readonly keepEvents?: string | undefined
  readonly clock?: Clock
}

export interface ResolvedOptions {
  readonly port: number
  readonly limits: Limits
  readonly faults: FaultOptions
  readonly silencedDevices: readonly string[]
  readonly apiKey: string | undefined
  readonly refuseGzip: boolean
  readonly keepEvents: string | undefined
  readonly clock: Clock
}

/** Fills in the defaults (amplitude/README.md §1). Throws a UsageError when the rates of faults exceed 1 together. */
export function resolveOptions(options: EmulatorOptions): ResolvedOptions {
  const { fail = [], dropBefore = 0, dropAfter = 0, garbage = 0 } = options
  const share = fail.reduce((sum, { rate }) => sum + rate, dropBefore + dropAfter + garbage)
  if (share > 1 + 1e-9) {
    throw new UsageError(`The rates of all injected faults together are ${share}, above 1.`, {
      hint: 'Each is a share of all requests: lower --fail, --drop-before, --drop-after or --garbage.',
    })
  }
  return {
    port: options.port ?? 0,
    limits: {
      eventsPerSecond: { http: options.httpEventsPerSecond ?? 30, batch: options.batchEventsPerSecond ?? 1000 },
      windowSeconds: options.windowSeconds ?? 30,
      dailyQuota: options.dailyQuota ?? 500_000,
      projectEventsPerSecond: options.projectEventsPerSecond ?? Number.POSITIVE_INFINITY,
      projectRequestsPerSecond: options.projectRequestsPerSecond ?? Number.POSITIVE_INFINITY,
      countRefused: options.countRefused ?? false,
    },
    faults: { fail, dropBefore, dropAfter, garbage, latencyMs: options.latencyMs ?? [0, 0], seed: options.seed ?? 1 },
    silencedDevices: options.silencedDevices ?? [],
    apiKey: options.apiKey,
    refuseGzip: options.refuseGzip ?? false,
    keepEvents: options.keepEvents,
    clock: options.clock ?? systemClock,
  }
}
