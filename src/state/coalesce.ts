/** Work of which one run is under way at a time. */
export interface Coalesced {
  /**
   * Resolves when a run that began after this call is over: the next one, if one is under way. All who ask for it while it waits
   * share it. Also after a run that failed.
   */
  run(): Promise<void>
  /** The run under way. */
  current(): Promise<void> | null
}

/** @param act begins in the same tick as its run */
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
      // Between the end of a run and the beginning of the next there is a moment without one.
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
