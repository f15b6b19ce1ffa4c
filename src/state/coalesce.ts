/** Work that has at most one run under way at a time. */
export interface Coalesced {
  /**
   * Resolves when a run that began after this call is over. While a run is under way, that is the next run, and all callers share it.
   * The next run also begins after a run that failed.
   */
  run(): Promise<void>
  /** The run under way; null when there is none. */
  current(): Promise<void> | null
}

/** @param act called in the tick in which a run begins */
export function coalesce(act: () => Promise<void>): Coalesced {
  let current: Promise<void> | null = null
  let next: Promise<void> | null = null

  function begin(): Promise<void> {
    const begun = act().finally(() => {
      current = null
    })
    current = begun
    return begun
  }

  return {
    run() {
      // `next` is checked first: between the end of a run and the beginning of the next, `current` is null for a moment.
      if (next !== null) return next
      if (current === null) return begin()
      next = current
        .catch(() => {})
        .then(() => {
          next = null
          return begin()
        })
      return next
    },
    current: () => current,
  }
}
