import { textView } from '../json/bytes.ts'
import { createTextNumbers } from '../json/text-numbers.ts'
import { EVENT_NAME_AT, eachProperty, endOfText } from '../map/event-properties.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { MappedChunk } from '../model.ts'
import { EVENT, outcomeOf } from '../outcomes.ts'
import type { Heavy } from './heaviest.ts'
import { createHours } from './hours.ts'
import { createIdentityTally } from './identity-tally.ts'
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
/** Of a type whose property names are known beforehand, so many events are looked at for properties. */
const LOOKED_AT = 1000
/** Properties that are told apart: many more than a project of Amplitude can query. */
const MAX_PROPERTIES = 20_000

export function createInspector(mapping: Mapping): Inspector {
  const hours = createHours()
  const users = createIdentityTally()
  const devices = createIdentityTally()
  const ownNames = createNames()
  const properties = createTextNumbers(MAX_PROPERTIES)
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
  /** Of the chunk at hand. */
  let source = textView(new Uint8Array(0))

  function see(chunk: MappedChunk): void {
    const { count, outcomes, times, eventEnds, userStarts, userEnds, deviceStarts, deviceEnds } = chunk
    source = textView(chunk.bytes)
    let start = 0
    for (let i = 0; i < count; i++) {
      const end = eventEnds[i] as number
      if (outcomes[i] === EVENT) {
        const timeMs = times[i] as number
        if (timeMs < firstMs) firstMs = timeMs
        if (timeMs > lastMs) lastMs = timeMs
        hours.add(timeMs)
        const user = seeUser(userStarts[i] as number, userEnds[i] as number)
        seeDevice(deviceStarts[i] as number, deviceEnds[i] as number, user)
        seeNames(chunk, i, start)
        events++
        // The newline is no part of the event, but a comma will be.
        bytes += end - start
      } else if (outcomes[i] === NO_IDENTITY) none++
      start = end
    }
    users.settle(source)
    devices.settle(source)
  }

  /** The user's hash; 0 when the event has none. */
  function seeUser(start: number, end: number): number {
    if (start === end) {
      anonymous++
      return 0
    }
    known++
    return users.add(source, start, end, 0, events)
  }

  function seeDevice(start: number, end: number, user: number): void {
    if (start < end) devices.add(source, start, end, user, events)
  }

  function seeNames(chunk: MappedChunk, index: number, start: number): void {
    const type = chunk.types[index] as number
    if (lookedAt[type] === undefined) {
      const { outline } = mapping.planOf(chunk.typeNames[type] as string)
      lookedAt[type] = 0
      hasOwnKeys[type] = outline.own !== null
      hasOwnName[type] = outline.carriesName
    }
    const nameAt = start + EVENT_NAME_AT
    if (hasOwnName[type]) ownNames.add(source, nameAt + 1, endOfText(source, nameAt) - 1)
    const seen = lookedAt[type] as number
    if (!hasOwnKeys[type] && seen >= LOOKED_AT) return
    lookedAt[type] = seen + 1
    eachProperty(chunk, index, source, seeProperty)
  }

  function seeProperty(keyStart: number, keyEnd: number): void {
    properties.numberOf(source, keyStart, keyEnd)
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
      users: users.met.count(),
      devices: devices.met.count(),
      devicesWithSeveralUsers: devices.met.shared(),
      isExact: users.met.isExact() && devices.met.isExact(),
      hottestUsers: users.hottest.top(),
      hottestDevices: devices.hottest.top(),
      ownNames: ownNames.all(),
      propertyCount: properties.count(),
    }),
  }
}
