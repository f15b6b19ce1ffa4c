import type { Clock } from '../clock.ts'
import { StoppedError } from '../errors.ts'

/** Acts when all events left wait for a daily quota (schedule/README.md §4): tells the user once, or ends the run. */
export interface QuotaWatch {
  /** @param untilMs when the first of these events can go on; null when other events are left */
  look(untilMs: number | null, nowMs: number): void
}

interface QuotaWatchOptions {
  readonly onQuota: 'wait' | 'stop'
  readonly clock: Clock
  readonly stop: (error: StoppedError) => void
  readonly tell: (line: string) => void
}

export function createQuotaWatch({ onQuota, clock, stop, tell }: QuotaWatchOptions): QuotaWatch {
  let toldMs: number | null = null

  return {
    look(untilMs, nowMs) {
      if (untilMs === null || untilMs === toldMs) return
      toldMs = untilMs
      const at = new Date(clock.wallClock() + untilMs - nowMs).toISOString()
      const what = `all that is left waits for a daily quota; the first goes on at ${at}`
      switch (onQuota) {
        case 'wait':
          tell(`${what} (--on-quota stop ends the run instead)`)
          return
        case 'stop':
          stop(
            new StoppedError(what, {
              stopped: 'quota',
              hint: 'Run the same command again then; --on-quota wait waits for it.',
            }),
          )
      }
    },
  }
}
