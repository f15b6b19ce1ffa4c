import type { Clock } from '../clock.ts'

/** One timer, set to the earliest time that was asked for. */
export interface WakeUp {
  /** Asks for a call back at `atMs` at the latest; Infinity asks for none. */
  by(atMs: number): void
  cancel(): void
}

/** A longer span might not fit a timer, and an early call does no harm. */
const LONGEST_MS = 60_000

export function createWakeUp(clock: Clock, callBack: () => void): WakeUp {
  let dueMs = Number.POSITIVE_INFINITY
  let timer: AbortController | null = null

  function cancel(): void {
    timer?.abort()
    timer = null
    dueMs = Number.POSITIVE_INFINITY
  }

  return {
    by(atMs) {
      if (atMs >= dueMs) return
      cancel()
      const nowMs = clock.now()
      const controller = new AbortController()
      timer = controller
      dueMs = Math.min(atMs, nowMs + LONGEST_MS)
      void clock.sleep(Math.max(0, dueMs - nowMs), controller.signal).then(() => {
        if (controller.signal.aborted) return
        timer = null
        dueMs = Number.POSITIVE_INFINITY
        callBack()
      })
    },
    cancel,
  }
}
