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
 * The order is curl's: lower case before capitals, and the variable of the scheme before that of all schemes. `HTTP_PROXY` in capitals
 * is not read, since a CGI server makes it from a request header that any client can set.
 */
const PROXY_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'https:': ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
  'http:': ['http_proxy', 'all_proxy', 'ALL_PROXY'],
}
const EXCEPTION_VARIABLES = ['no_proxy', 'NO_PROXY']

/**
 * The proxy that the environment names for a URL. Null when it names none, for hosts in `NO_PROXY`, and for this machine itself. A
 * value without a scheme means `http://`.
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
    // The error has no cause, since the cause would show the value.
    throw new UsageError(`${variable} is no address of a proxy`, { hint })
  }
}

/**
 * Whether `NO_PROXY` excepts a host. Its list is separated by commas or spaces. An entry is `*` for every host, an address, a block of
 * addresses, or a name, which also covers the names below it (a leading dot or `*.` changes nothing). A port limits an entry to it.
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
