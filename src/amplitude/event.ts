/** What an Amplitude event may hold, and its traps (amplitude/README.md §2). */

/** Ids that Amplitude refuses, in any case. An empty id counts as one. */
const REFUSED_IDS = new Set([
  'anonymous',
  'nil',
  'none',
  'null',
  'n/a',
  'na',
  'undefined',
  'unknown',
  '',
  '00000000-0000-0000-0000-000000000000',
  '{}',
  'lmy47d',
  '0',
  '-1',
])

/** The bytes, in either case, with which a refused id can begin that has so many characters; NaN stands for none. */
const REFUSED_BEGINNINGS: readonly (ReadonlySet<number> | undefined)[] = beginningsByLength()

function beginningsByLength(): Set<number>[] {
  const byLength: Set<number>[] = []
  for (const id of REFUSED_IDS) {
    byLength[id.length] ??= new Set()
    for (const cased of [id, id.toUpperCase()]) byLength[id.length]?.add(cased.charCodeAt(0))
  }
  return byLength
}

/** False when no id of so many ASCII characters that begins with this one is refused: nearly always, without a look at its text. */
export function mayBeRefused(first: number, length: number): boolean {
  return length === 0 || REFUSED_BEGINNINGS[length]?.has(first) === true
}

/** True when Amplitude refuses `id` as a user or device id. */
export function isRefusedId(id: string): boolean {
  return REFUSED_IDS.has(id.toLowerCase())
}

/** Event names that Amplitude keeps for itself, and the beginning of all others that it does. */
const RESERVED_NAMES = ['$identify', '$groupidentify'] as const
const RESERVED_BEGINNING = '[Amplitude]'

/** True when Amplitude keeps an event name for itself. */
export function isReservedName(name: string): boolean {
  const text = name.trimStart().toLowerCase()
  return (
    text.startsWith(RESERVED_BEGINNING.toLowerCase()) || RESERVED_NAMES.some((reserved) => text.trimEnd() === reserved)
  )
}

/** True when a name that begins with `prefix` can be one that Amplitude keeps for itself. */
export function canBeginReservedName(prefix: string): boolean {
  const text = prefix.trimStart().toLowerCase()
  return (
    isReservedName(prefix) ||
    [RESERVED_BEGINNING.toLowerCase(), ...RESERVED_NAMES].some((reserved) => reserved.startsWith(text))
  )
}

/** Longest string that Amplitude keeps whole, in characters. */
export const MAX_STRING_LENGTH = 1024
/** Deepest nesting of objects that it takes. */
export const MAX_DEPTH = 40
/** Event types of a project, and event properties, that can be queried; what is beyond is stored and counted. */
export const MAX_NAMES = 2000

/** What Amplitude takes in the top-level fields that are not always there. */
export const FIELD_KINDS: Readonly<Record<string, 'string' | 'number' | 'integer'>> = {
  adid: 'string',
  carrier: 'string',
  city: 'string',
  country: 'string',
  currency: 'string',
  device_brand: 'string',
  device_model: 'string',
  idfa: 'string',
  ip: 'string',
  language: 'string',
  location_lat: 'number',
  location_lng: 'number',
  os_name: 'string',
  os_version: 'string',
  platform: 'string',
  price: 'number',
  productId: 'string',
  quantity: 'integer',
  region: 'string',
  revenue: 'number',
}
