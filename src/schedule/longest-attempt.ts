const REMEMBERED_SECONDS = 60

/** The longest request attempt of the last 60 s. With bounds, this is J of schedule/README.md §1. */
export interface LongestAttempt {
  record(durationMs: number, nowMs: number): void
  /** 0 when nothing was recorded in the last 60 s. */
  longestMs(nowMs: number): number
}

/** Keeps the longest attempt of each second in a ring, so that the cost does not depend on the number of requests. */
export function createLongestAttempt(): LongestAttempt {
  const longestOf = new Float64Array(REMEMBERED_SECONDS)
  let second = 0
  let longest = 0

  function turnTo(nowMs: number): void {
    const current = Math.floor(nowMs / 1000)
    if (current <= second) return
    const passed = Math.min(current - second, REMEMBERED_SECONDS)
    for (let back = 0; back < passed; back += 1) longestOf[(current - back) % REMEMBERED_SECONDS] = 0
    second = current
    longest = longestOf.reduce((most, each) => Math.max(most, each), 0)
  }

  return {
    record(durationMs, nowMs) {
      turnTo(nowMs)
      const place = second % REMEMBERED_SECONDS
      longestOf[place] = Math.max(longestOf[place] ?? 0, durationMs)
      longest = Math.max(longest, durationMs)
    },
    longestMs(nowMs) {
      turnTo(nowMs)
      return longest
    },
  }
}
