import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/clock.ts'

export interface VirtualTime extends Clock {
  /** Runs `work` to its end: time jumps to the next sleeper whenever nothing else can happen. */
  run<T>(work: Promise<T>): Promise<T>
}

/** Turns of the event loop without a file operation after which nothing but time is waited for: `zlib` does not say that it works. */
const QUIET_TURNS = 8

/**
 * Time in which every sleep is over at once, in the right order.
 * @param withFiles the work reads files, and time stands still until it has
 */
export function createVirtualTime({ withFiles = false } = {}): VirtualTime {
  let nowMs = 0
  const quietTurns = withFiles ? QUIET_TURNS : 1
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = []

  return {
    now: () => nowMs,
    wallClock: () => Date.UTC(2026, 0, 1) + nowMs,
    sleep: (forMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const wake = () => {
          sleepers = sleepers.filter((each) => each !== sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { atMs: nowMs + forMs, wake }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', wake)
      }),
    async run(work) {
      let isDone = false
      const done = work.finally(() => {
        isDone = true
      })
      done.catch(() => {})
      while (!isDone) {
        for (let quiet = 0; quiet < quietTurns && !isDone; ) {
          await setImmediate()
          quiet = withFiles && hasFileRequest() ? 0 : quiet + 1
        }
        if (isDone) break
        let next = sleepers[0]
        for (const sleeper of sleepers) if (next === undefined || sleeper.atMs < next.atMs) next = sleeper
        if (next === undefined) throw new Error('nothing will ever happen')
        nowMs = Math.max(nowMs, next.atMs)
        next.wake()
      }
      return done
    },
  }
}

function hasFileRequest(): boolean {
  return process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq') || resource === 'CloseReq')
}
