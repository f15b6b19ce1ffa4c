/** Events by the hour of their time, UTC. */
export interface Hours {
  add(timeMs: number): void
  /** Start of each hour that has events, in ms since 1970, with their number; in order of time. */
  all(): readonly (readonly [number, number])[]
}

const HOUR_MS = 3_600_000
/** Hours that are told apart: more than twenty years. Events of more hours are left out. */
const MAX_HOURS = 200_000

export function createHours(): Hours {
  const counts = new Map<number, number>()
  // Events come in runs of one hour. The map is asked once a run.
  let hour = Number.NaN
  let run = 0

  function endRun(): void {
    if (run > 0 && (counts.has(hour) || counts.size < MAX_HOURS)) counts.set(hour, (counts.get(hour) ?? 0) + run)
    run = 0
  }

  return {
    add(timeMs) {
      const its = Math.floor(timeMs / HOUR_MS)
      if (its !== hour) {
        endRun()
        hour = its
      }
      run++
    },
    all() {
      endRun()
      return Array.from(counts, ([start, count]) => [start * HOUR_MS, count] as const).toSorted((a, b) => a[0] - b[0])
    },
  }
}
