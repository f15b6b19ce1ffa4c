import { BlockList, isIP } from 'node:net'
import { UsageError } from '../errors.ts'
import { isLoopback } from './loopback.ts'

/** The HTTP proxy that requests go through. */
export interface HttpProxy {
  /** The environment variable that names it. */
  readonly variable: string
  /** Its address, without user and password. */
  readonly url: string
  /** Value of `proxy-authorization`; null when the variable names no user. Never shown. */
  readonly authorization: string | null
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * As curl has them: names in lower case first, the one for the scheme before the one for all. `HTTP_PROXY` in capitals is not read,
 * since a CGI server makes it out of a header of whoever asks.
 */
const PROXY_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'https:': ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
  'http:': ['http_proxy', 'all_proxy', 'ALL_PROXY'],
}
const EXCEPTION_VARIABLES = ['no_proxy', 'NO_PROXY']

/**
 * The proxy that the environment names for a URL; null for none, for the hosts of `NO_PROXY`, and for this machine itself. A value
 * without scheme is an `http://` one.
 * @throws UsageError that names the variable, and does not show its value, which may hold a password
 */
export function proxyFor(url: URL, environment: Environment): HttpProxy | null {
  const variable = firstSet(PROXY_VARIABLES[url.protocol] ?? [], environment)
  if (variable === null || isLoopback(url.hostname)) return null
  const exceptions = firstSet(EXCEPTION_VARIABLES, environment)
  if (exceptions !== null && isException(url, environment[exceptions] ?? '')) return null
  return proxyOf(variable, (environment[variable] ?? '').trim())
}

/** An empty variable counts as none. */
function firstSet(names: readonly string[], environment: Environment): string | null {
  return names.find((name) => (environment[name] ?? '').trim() !== '') ?? null
}

function proxyOf(variable: string, value: string): HttpProxy {
  const hint = `Give it as http://host:port, or http://user:password@host:port with what is special in them URL-encoded.`
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase() ?? 'http'
  if (scheme !== 'http' && scheme !== 'https') {
    throw new UsageError(`${variable} names a ${scheme} proxy; only http and https proxies can be used`, { hint })
  }
  try {
    const { protocol, host, username, password } = new URL(value.includes('://') ? value : `http://${value}`)
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    const authorization = user === ':' ? null : `Basic ${Buffer.from(user).toString('base64')}`
    return { variable, url: `${protocol}//${host}`, authorization }
  } catch {
    // The cause would show the value.
    throw new UsageError(`${variable} is no address of a proxy`, { hint })
  }
}

/**
 * Whether `NO_PROXY` takes a host out: a list, divided by commas or spaces, of names (with all below them, with a dot or `*.` in front
 * or without), addresses and blocks of addresses, each for one port or for all; `*` is every host.
 */
function isException({ protocol, hostname, port }: URL, list: string): boolean {
  const host = plainHost(hostname)
  const ownPort = port || (protocol === 'https:' ? '443' : '80')
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true
    const [, name = entry, forPort = ownPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? []
    const excepted = plainHost(name.replace(/^\*?\./, ''))
    if (excepted === '' || Number(forPort) !== Number(ownPort)) return false
    return excepted === host || isInBlock(host, excepted) || (isIP(host) === 0 && host.endsWith(`.${excepted}`))
  })
}

function plainHost(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

function isInBlock(host: string, block: string): boolean {
  const [, network = '', bits] = /^(.+)\/(\d{1,3})$/.exec(block) ?? []
  const version = isIP(network)
  if (version === 0 || isIP(host) !== version || Number(bits) > (version === 4 ? 32 : 128)) return false
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const addresses = new BlockList()
  addresses.addSubnet(network, Number(bits), family)
  return addresses.check(host, family)
}
