import { deviceSpan, eachEvent, userSpan } from '../chunk.ts'
import { createHasher } from '../hash.ts'
import { COMMA, QUOTE } from '../json/bytes.ts'
import { endOfString, endOfValue } from '../json/values.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { MappedChunk } from '../model.ts'
import { outcomeOf } from '../outcomes.ts'
import { createHeaviest, type Heavy } from './heaviest.ts'
import { createHours } from './hours.ts'
import { createIdentitySet } from './identity-set.ts'
import { createNames } from './names.ts'

/** Sees what is in the events of a run: in one pass, in memory that does not grow with the input. */
export interface Inspector {
  /** Looks at the events of a booked chunk. */
  see(chunk: MappedChunk): void
  inspection(): Inspection
}

export interface Inspection {
  readonly events: number
  readonly bytes: number
  /** Null without events. */
  readonly firstMs: number | null
  readonly lastMs: number | null
  readonly hours: readonly (readonly [number, number])[]
  /** Events of a known user, events of a device alone, and records with neither. */
  readonly identities: { readonly known: number; readonly anonymous: number; readonly none: number }
  readonly users: number
  readonly devices: number
  readonly devicesWithSeveralUsers: number
  /** False when the three figures above are estimates. */
  readonly isExact: boolean
  readonly hottestUsers: readonly Heavy[]
  readonly hottestDevices: readonly Heavy[]
  /** Names of events that carry their own. */
  readonly ownNames: readonly (readonly [string, number])[]
  readonly propertyCount: number
}

const NO_IDENTITY = outcomeOf('no_identity')
/** Bytes of an event before the quote that opens its name. */
const NAME_AT = '{"event_type":'.length
const PROPERTIES_KEY = Buffer.from('"event_properties":')
/** Of a type whose property names are known beforehand, so many events are looked at for properties. */
const LOOKED_AT = 1000

export function createInspector(mapping: Mapping): Inspector {
  const hashUser = createHasher()
  const hashDevice = createHasher()
  const hashName = createHasher()
  const hours = createHours()
  const users = createIdentitySet()
  const devices = createIdentitySet()
  const hottestUsers = createHeaviest()
  const hottestDevices = createHeaviest()
  const ownNames = createNames()
  const properties = createNames()
  /** By type: only its records know the names of its properties, or of its events. */
  const hasOwnKeys: boolean[] = []
  const hasOwnName: boolean[] = []
  const lookedAt: number[] = []
  let events = 0
  let bytes = 0
  let known = 0
  let anonymous = 0
  let none = 0
  let firstMs = Number.POSITIVE_INFINITY
  let lastMs = Number.NEGATIVE_INFINITY

  function see(chunk: MappedChunk): void {
    const { count, outcomes, types, times } = chunk
    for (let i = 0; i < count; i++) if (outcomes[i] === NO_IDENTITY) none++
    eachEvent(chunk, (i, start, end) => {
      events++
      // The newline is no part of the event, but a comma will be.
      bytes += end - start
      const timeMs = times[i] as number
      if (timeMs < firstMs) firstMs = timeMs
      if (timeMs > lastMs) lastMs = timeMs
      hours.add(timeMs)
      seeIdentities(chunk, i)
      seeNames(chunk, types[i] as number, start, end)
    })
  }

  function seeIdentities(chunk: MappedChunk, i: number): void {
    const userAt = userSpan(chunk, i)
    const deviceAt = deviceSpan(chunk, i)
    let user = 0
    if (userAt.end > userAt.start) {
      known++
      const hash = hashUser(chunk.bytes, userAt.start, userAt.end)
      users.add(hash, 0)
      hottestUsers.add(hash, chunk.bytes, userAt.start, userAt.end, events - 1)
      user = hash.low || 1
    } else anonymous++
    if (deviceAt.end > deviceAt.start) {
      const hash = hashDevice(chunk.bytes, deviceAt.start, deviceAt.end)
      devices.add(hash, user)
      hottestDevices.add(hash, chunk.bytes, deviceAt.start, deviceAt.end, events - 1)
    }
  }

  function seeNames({ bytes: source, typeNames }: MappedChunk, type: number, start: number, end: number): void {
    if (lookedAt[type] === undefined) {
      const { outline } = mapping.planOf(typeNames[type] as string)
      lookedAt[type] = 0
      hasOwnKeys[type] = outline.own !== null
      hasOwnName[type] = outline.carriesName
    }
    if (hasOwnName[type]) {
      const nameEnd = endOfString(source, start + NAME_AT)
      const nameStart = start + NAME_AT + 1
      ownNames.add(hashName(source, nameStart, nameEnd - 1), source, nameStart, nameEnd - 1)
    }
    const seen = lookedAt[type] as number
    if (!hasOwnKeys[type] && seen >= LOOKED_AT) return
    lookedAt[type] = seen + 1
    seeProperties(source, start, end)
  }

  /** Counts the keys of the event's properties. The mapper wrote the event, so there is no white space. */
  function seeProperties(source: Uint8Array, start: number, end: number): void {
    let p = start + 1
    while (p < end && !isPropertiesKey(source, p)) {
      p = endOfValue(source, endOfString(source, p) + 1)
      if (source[p] !== COMMA) return
      p++
    }
    p += PROPERTIES_KEY.length + 1
    while (source[p] === QUOTE) {
      const keyEnd = endOfString(source, p)
      properties.add(hashName(source, p + 1, keyEnd - 1), source, p + 1, keyEnd - 1)
      p = endOfValue(source, keyEnd + 1)
      if (source[p] !== COMMA) return
      p++
    }
  }

  return {
    see,
    inspection: () => ({
      events,
      bytes,
      firstMs: events > 0 ? firstMs : null,
      lastMs: events > 0 ? lastMs : null,
      hours: hours.all(),
      identities: { known, anonymous, none },
      users: users.count(),
      devices: devices.count(),
      devicesWithSeveralUsers: devices.shared(),
      isExact: users.isExact() && devices.isExact(),
      hottestUsers: hottestUsers.top(),
      hottestDevices: hottestDevices.top(),
      ownNames: ownNames.all(),
      propertyCount: properties.all().length,
    }),
  }
}

function isPropertiesKey(source: Uint8Array, at: number): boolean {
  for (let i = 0; i < PROPERTIES_KEY.length; i++) if (source[at + i] !== PROPERTIES_KEY[i]) return false
  return true
}
