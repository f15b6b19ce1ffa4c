import { API_LIMITS, GIVE_UP_AFTER_MS, HOSTS, PLAN_LIMITS } from '../../amplitude/limits.ts'
import { UsageError } from '../../errors.ts'
import type { Destination } from '../../session/session.ts'
import type { Shard } from '../../shard.ts'
import { isLoopback } from '../../upload/loopback.ts'
import { proxyFor } from '../../upload/proxy.ts'
import type { UploadSettings } from '../../upload/upload-settings.ts'
import type { UploadOptions } from './replay-options.ts'

type RateOptions = Pick<UploadOptions, 'batchSize' | 'deviceEps' | 'deviceBurst' | 'maxEps' | 'maxRps' | 'plan'>
type RateSettings = Pick<
  UploadSettings,
  'batchSize' | 'deviceEventsPerSecond' | 'deviceBurst' | 'maxEventsPerSecond' | 'maxRequestsPerSecond'
>

/**
 * Where `--api`, `--region` and `--endpoint` point to, and the way there.
 * @throws UsageError for what is no URL, for plain http to another machine, and for a proxy that cannot be used
 */
export function destinationOf(
  { api, region, endpoint }: UploadOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Destination {
  const base = endpoint ?? HOSTS[region]
  const url = parsedUrl(base)
  const isLocal = isLoopback(url.hostname)
  if (url.protocol === 'http:' && !isLocal) {
    throw new UsageError(`--endpoint ${url.origin} would send the key and the events in the clear`, {
      hint: 'Give an https URL; plain http is for this machine only (http://127.0.0.1:8787).',
    })
  }
  const { path } = API_LIMITS[api]
  const prefix = url.pathname.replace(/\/+$/, '')
  url.pathname = prefix.endsWith(path) ? prefix : prefix + path
  return { url, base, isLocal, proxy: proxyFor(url, environment) }
}

function parsedUrl(text: string): URL {
  const hint = 'Give a base URL such as https://api2.amplitude.com; the path of the API is appended.'
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new UsageError('--endpoint is no URL', { hint, cause })
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new UsageError('--endpoint must be an https URL', { hint })
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--endpoint must hold no user or password', { hint })
  url.hash = ''
  return url
}

/**
 * The settings of an upload: what was asked for, else what the plan allows.
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

/**
 * What bounds how fast an upload goes: what was asked for, else what the plan allows. All shards together keep what is meant for the
 * whole project (src/README.md §6).
 */
export function rateSettingsOf(options: RateOptions, shard?: Shard): RateSettings {
  const share = (cap: number | undefined) => (cap === undefined ? null : cap / (shard?.count ?? 1))
  const plan = options.plan === undefined ? null : PLAN_LIMITS[options.plan]
  return {
    batchSize: options.batchSize ?? plan?.maxEvents ?? null,
    deviceEventsPerSecond: options.deviceEps ?? null,
    deviceBurst: options.deviceBurst ?? null,
    maxEventsPerSecond: share(options.maxEps ?? plan?.eventsPerSecond),
    maxRequestsPerSecond: share(options.maxRps ?? plan?.requestsPerSecond),
  }
}
