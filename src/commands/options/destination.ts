import { API_LIMITS, HOSTS } from '../../amplitude/limits.ts'
import { UsageError } from '../../errors.ts'
import type { Destination } from '../../session/session.ts'
import { isLoopback } from '../../upload/loopback.ts'
import { proxyFor } from '../../upload/proxy.ts'
import type { UploadOptions } from './upload-options.ts'

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
