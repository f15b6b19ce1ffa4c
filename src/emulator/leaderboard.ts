import { shownDevice } from './event-identities.ts'

/** The highest rate that a device or user reached, averaged over the window. */
export interface Peak {
  readonly identity: 'device' | 'user'
  readonly id: string
  readonly events_per_second: number
}

export interface Leaderboard {
  note(identity: Peak['identity'], id: string, eventsPerSecond: number): void
  /** Highest first, rounded to hundredths. */
  list(): readonly Peak[]
}

/** Keeps the `places` identities with the highest rates ever noted, in constant memory. */
export function createLeaderboard(places: number): Leaderboard {
  const best = new Map<string, Peak>()
  let lowest = 0

  return {
    note(identity, id, eventsPerSecond) {
      // What is left out here was never among the best: `lowest` only rises.
      if (eventsPerSecond <= lowest) return
      const key = `${identity} ${id}`
      const known = best.get(key)
      if (known !== undefined && known.events_per_second >= eventsPerSecond) return
      best.set(key, { identity, id, events_per_second: eventsPerSecond })
      if (best.size > places) {
        const [last] = [...best].sort(([, a], [, b]) => a.events_per_second - b.events_per_second)
        if (last !== undefined) best.delete(last[0])
      }
      if (best.size === places) lowest = Math.min(...[...best.values()].map((peak) => peak.events_per_second))
    },
    list: () =>
      [...best.values()]
        .sort((a, b) => b.events_per_second - a.events_per_second)
        .map(({ identity, id, events_per_second }) => ({
          identity,
          id: identity === 'device' ? shownDevice(id) : id,
          events_per_second: Math.round(events_per_second * 100) / 100,
        })),
  }
}
