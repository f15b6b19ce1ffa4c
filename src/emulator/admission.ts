import type { Api } from './documented-limits.ts'
import { deviceOf, shownDevice, userOf } from './event-identities.ts'
import { createLeaderboard, type Peak } from './leaderboard.ts'
import { createRollingCount, type RollingCount } from './rolling-count.ts'
import type { RawEvent } from './validate-event.ts'

const HOUR_MS = 60 * 60 * 1000

/** What a project, a device and a user may send (amplitude/README.md §1). */
export interface Limits {
  /** Per device and per user, averaged over the window. */
  readonly eventsPerSecond: Readonly<Record<Api['name'], number>>
  readonly windowSeconds: number
  /** Events per device and per user in a rolling 24 h. */
  readonly dailyQuota: number
  readonly projectEventsPerSecond: number
  readonly projectRequestsPerSecond: number
  /** Whether events of a request that is refused here count as if they had been accepted. */
  readonly countRefused: boolean
}

/** Device or user → events per second, or events of the last 24 h. */
type Excess = ReadonlyMap<string, number>

export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'project' }
  | {
      readonly kind: 'throttled' | 'silenced'
      readonly eventsPerSecond: number
      readonly silencedDevices: readonly string[]
      readonly silencedEvents: readonly number[]
      readonly throttledDevices: Excess
      readonly throttledUsers: Excess
      /** Indexes of all events of an identity that is over a rate or its quota; of devices only when silenced. */
      readonly throttledEvents: readonly number[]
      readonly quotaDevices: Excess
      readonly quotaUsers: Excess
    }

export interface Gate {
  /** Decides over a whole request and counts it. `nowMs` is monotonic. */
  admit(api: Api, events: readonly RawEvent[], nowMs: number): Admission
  /** Highest rates that were asked for, refused requests included; the ten highest, highest first. */
  peaks(): readonly Peak[]
  /** Identities held in memory. */
  size(): number
}

/**
 * The gate in front of ingestion: rates per device and per user, daily quotas, project-wide limits, silenced devices
 * (amplitude/README.md §1, §3). Where §7 says "unknown" it does this: the window slides exactly and ends before what is `windowSeconds`
 * old; exactly the limit still passes; each API has its windows, the daily quota is shared; an hour counts until all of it is 24 h old;
 * project-wide limits use the same window as identities.
 */
export function createGate(limits: Limits, silenced: ReadonlySet<string>): Gate {
  const windowMs = limits.windowSeconds * 1000
  const rates = {
    http: { devices: createRollingCount(windowMs), users: createRollingCount(windowMs) },
    batch: { devices: createRollingCount(windowMs), users: createRollingCount(windowMs) },
  }
  const quota = {
    devices: createRollingCount(24 * HOUR_MS, HOUR_MS),
    users: createRollingCount(24 * HOUR_MS, HOUR_MS),
  }
  const project = createRollingCount(windowMs)
  const all = [project, ...Object.values(quota), ...Object.values(rates.http), ...Object.values(rates.batch)]
  const peaks = createLeaderboard(10)

  function projectIsOver(events: number): boolean {
    return (
      project.of('events') + events > limits.projectEventsPerSecond * limits.windowSeconds ||
      project.of('requests') + 1 > limits.projectRequestsPerSecond * limits.windowSeconds
    )
  }

  function notePeak(identity: Peak['identity']): (id: string, total: number) => void {
    return (id, total) => peaks.note(identity, id, total / limits.windowSeconds)
  }

  function judge(api: Api, events: readonly RawEvent[], demand: Demand): Admission {
    const eventsPerSecond = limits.eventsPerSecond[api.name]
    const maxInWindow = eventsPerSecond * limits.windowSeconds
    const over = {
      devices: excess(demand.devices, rates[api.name].devices, maxInWindow, notePeak('device')),
      users: excess(demand.users, rates[api.name].users, maxInWindow, notePeak('user')),
      quotaDevices: excess(demand.devices, quota.devices, limits.dailyQuota),
      quotaUsers: excess(demand.users, quota.users, limits.dailyQuota),
    }
    if (projectIsOver(events.length)) return { kind: 'project' }
    const silencedDevices =
      silenced.size === 0 ? [] : [...demand.devices.keys()].filter((device) => silenced.has(device))
    const kind = silencedDevices.length > 0 ? 'silenced' : 'throttled'
    if (kind === 'throttled' && Object.values(over).every((ids) => ids.size === 0)) return { kind: 'admitted' }

    const perSecond = (totals: Excess) =>
      new Map([...totals].map(([id, total]) => [id, Math.ceil(total / limits.windowSeconds)]))
    return {
      kind,
      eventsPerSecond,
      silencedDevices,
      silencedEvents: indexes(events, (event) => silenced.has(deviceOf(event))),
      throttledDevices: shown(perSecond(over.devices)),
      throttledUsers: perSecond(over.users),
      throttledEvents: indexes(events, (event) => {
        const device = deviceOf(event)
        if (over.devices.has(device) || over.quotaDevices.has(device)) return true
        // The answer about silenced devices has no map of users (§3), so it could not say why.
        if (kind === 'silenced') return false
        const user = userOf(event)
        return user !== undefined && (over.users.has(user) || over.quotaUsers.has(user))
      }),
      quotaDevices: shown(over.quotaDevices),
      quotaUsers: over.quotaUsers,
    }
  }

  function count(api: Api, events: number, { devices, users }: Demand): void {
    rates[api.name].devices.add(devices)
    rates[api.name].users.add(users)
    quota.devices.add(devices)
    quota.users.add(users)
    project.add(
      new Map([
        ['events', events],
        ['requests', 1],
      ]),
    )
  }

  return {
    admit(api, events, nowMs) {
      for (const counts of all) counts.advance(nowMs)
      const demand = demandOf(events)
      const admission = judge(api, events, demand)
      if (admission.kind === 'admitted' || limits.countRefused) count(api, events.length, demand)
      return admission
    },
    peaks: peaks.list,
    size: () => all.reduce((sum, counts) => sum + counts.size(), 0),
  }
}

interface Demand {
  readonly devices: ReadonlyMap<string, number>
  readonly users: ReadonlyMap<string, number>
}

function demandOf(events: readonly RawEvent[]): Demand {
  const devices = new Map<string, number>()
  const users = new Map<string, number>()
  for (const event of events) {
    const device = deviceOf(event)
    devices.set(device, (devices.get(device) ?? 0) + 1)
    const user = userOf(event)
    if (user !== undefined) users.set(user, (users.get(user) ?? 0) + 1)
  }
  return { devices, users }
}

function excess(
  demand: ReadonlyMap<string, number>,
  counted: RollingCount,
  max: number,
  onTotal?: (id: string, total: number) => void,
): Excess {
  const over = new Map<string, number>()
  for (const [id, n] of demand) {
    const total = counted.of(id) + n
    onTotal?.(id, total)
    if (total > max) over.set(id, total)
  }
  return over
}

function shown(devices: Excess): Excess {
  return new Map([...devices].map(([device, total]) => [shownDevice(device), total]))
}

function indexes(events: readonly RawEvent[], matches: (event: RawEvent) => boolean): number[] {
  const found: number[] = []
  for (const [index, event] of events.entries()) if (matches(event)) found.push(index)
  return found
}
