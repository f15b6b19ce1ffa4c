import type { Processes, ProcessIdentity } from './processes.ts'
import { count, objectOf, orAbsent, type Shape, text, time } from './shape.ts'

/** Older versions wrote pid, host and time alone; null is unknown. */
const holderShape = objectOf({
  pid: count,
  processStart: orAbsent(count),
  host: text,
  boot: orAbsent(text),
  pidNamespace: orAbsent(text),
  /** Wall clock, ms since 1970. */
  startedAt: time,
})

/** The content of a lock: a `ProcessIdentity`, and since when. */
export type Holder = Shape<typeof holderShape>

/** Null when it is not a lock as we write it. */
export function holderOf(content: Uint8Array): Holder | null {
  try {
    return holderShape(JSON.parse(Buffer.from(content).toString('utf8')), '')
  } catch {
    return null
  }
}

/** In words. */
export function nameOf({ pid, host }: Holder): string {
  return `process ${pid} on host ${host}`
}

/** `alive` is respected, `dead` is certain; what is `doubtful` seems dead, and is so when no sign of life comes. */
export type Condition = 'alive' | 'dead' | 'doubtful'

/** Six touches missed. */
export const DOUBTFUL_AFTER_MS = 60_000
/** Three: most often it is this container, started again. */
const DOUBTFUL_AFTER_MS_AS_SELF = 30_000

/**
 * How the holder of a lock fares (state/README.md §6), where `lock.ts` has the table.
 * @param holder null: nobody knows who it is
 * @param untouchedMs since the lock was touched; below 0 when it was by a clock that is ahead
 */
export function conditionOf(holder: Holder | null, processes: Processes, untouchedMs: number): Condition {
  const self = processes.self()
  const doubtfulAfter = (ms: number) => (untouchedMs > ms ? 'doubtful' : 'alive')
  if (holder === null) return doubtfulAfter(DOUBTFUL_AFTER_MS)
  switch (sharesPids(holder, self, processes)) {
    case 'yes': {
      const living = processes.at(holder.pid)
      if (living === null) return 'dead'
      if (living.processStart === null || holder.processStart === null) return doubtfulAfter(DOUBTFUL_AFTER_MS)
      return living.processStart === holder.processStart ? 'alive' : 'dead'
    }
    case 'no':
      return doubtfulAfter(DOUBTFUL_AFTER_MS)
    case 'unknown': {
      if (holder.host !== self.host) return doubtfulAfter(DOUBTFUL_AFTER_MS)
      if (holder.pid === self.pid) return doubtfulAfter(DOUBTFUL_AFTER_MS_AS_SELF)
      return processes.at(holder.pid) === null ? 'doubtful' : doubtfulAfter(DOUBTFUL_AFTER_MS)
    }
  }
}

/** Whether a pid means the same process to both. */
function sharesPids(holder: Holder, self: ProcessIdentity, { haveNamespaces }: Processes): 'yes' | 'no' | 'unknown' {
  const boot = areSame(holder.boot, self.boot)
  const pidNamespace = areSame(holder.pidNamespace, self.pidNamespace)
  if (boot === false || pidNamespace === false) return 'no'
  if (boot === true && pidNamespace === true) return 'yes'
  if (haveNamespaces || holder.boot !== null || holder.pidNamespace !== null) return 'unknown'
  if (holder.host !== self.host) return 'no'
  return holder.pid === self.pid ? 'unknown' : 'yes'
}

/** Null when nobody knows. */
function areSame(one: string | null, other: string | null): boolean | null {
  return one === null || other === null ? null : one === other
}
