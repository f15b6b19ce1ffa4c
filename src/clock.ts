/** Time as a parameter, so that tests can run in virtual time. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin; never goes back. */
  now(): number
  /** Wall-clock milliseconds since 1970, UTC. */
  wallClock(): number
  /** Resolves after `forMs`, or earlier when `signal` aborts; never rejects. */
  sleep(forMs: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  wallClock: () => Date.now(),
  sleep: (forMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, forMs)
      signal?.addEventListener('abort', done)
    }),
}
