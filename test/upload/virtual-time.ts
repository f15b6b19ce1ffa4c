import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/clock.ts'

export interface VirtualTime extends Clock {
  /** Runs `work` to its end: time jumps to the next sleeper whenever nothing else can happen. */
  run<T>(work: Promise<T>): Promise<T>
}

/** Time in which every sleep is over at once, in the right order. For work without I/O. */
export function createVirtualTime(): VirtualTime {
  let nowMs = 0
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = []

  return {
    now: () => nowMs,
    wallClock: () => Date.UTC(2026, 0, 1) + nowMs,
    sleep: (forMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const sleeper = { atMs: nowMs + forMs, wake: resolve }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((each) => each !== sleeper)
          resolve()
        })
      }),
    async run(work) {
      let isDone = false
      const done = work.finally(() => {
        isDone = true
      })
      done.catch(() => {})
      while (!isDone) {
        await setImmediate()
        if (isDone) break
        let next = sleepers[0]
        for (const sleeper of sleepers) if (next === undefined || sleeper.atMs < next.atMs) next = sleeper
        if (next === undefined) throw new Error('nothing will ever happen')
        sleepers = sleepers.filter((each) => each !== next)
        nowMs = Math.max(nowMs, next.atMs)
        next.wake()
      }
      return done
    },
  }
}
