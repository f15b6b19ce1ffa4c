/** Work of which one piece is under way at a time. */
export interface Turns {
  /**
   * Resolves when a turn that began after this call is over: the next one, if one is under way. All who ask for it while it waits
   * share it. Also after a turn that failed.
   */
  take(): Promise<void>
  /** The turn under way. */
  current(): Promise<void> | null
}

/** @param act begins in the same tick as its turn */
export function createTurns(act: () => Promise<void>): Turns {
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
    take() {
      // Between the end of a turn and the beginning of the next there is a moment without one.
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
