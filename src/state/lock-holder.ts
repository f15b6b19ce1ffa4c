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

/** `alive` is respected, `dead` is certain; of a doubtful one nobody here can see whether it lives. */
export type Condition = 'alive' | 'dead' | Doubtful

interface Doubtful {
  /** It is dead when its lock stays untouched for so long. */
  readonly freeAfterMs: number
}

/** Six touches missed. */
export const DOUBTFUL_AFTER_MS = 60_000
const MINUTE: Doubtful = { freeAfterMs: DOUBTFUL_AFTER_MS }
/** Three: most often it is this container, started again. */
const HALF_A_MINUTE: Doubtful = { freeAfterMs: 30_000 }
/** Dead, most likely: whoever watches a lock at all watches it for long enough. */
const ONCE_WATCHED: Doubtful = { freeAfterMs: 0 }

/**
 * How the holder of a lock fares (state/README.md §6), where `lock.ts` has the table.
 * @param holder null: nobody knows who it is
 * @param untouchedMs since the lock was touched, by the wall clock; below 0 when it was by a clock that is ahead
 */
export function conditionOf(holder: Holder | null, processes: Processes, untouchedMs: number): Condition {
  if (holder === null) return MINUTE
  const self = processes.self()
  const isOurHost = holder.host === self.host
  const hasOurName = isOurHost && holder.pid === self.pid
  switch (sharesPids(holder, self, processes)) {
    case 'yes': {
      const living = processes.at(holder.pid)
      const isIt = living === null ? false : areSame(living.processStart, holder.processStart)
      if (isIt === true) return 'alive'
      // Machines that were cloned while they ran have one boot and namespace, and their own processes.
      if (!isOurHost) return MINUTE
      if (isIt === false) return 'dead'
      return untouchedMs >= 0 && untouchedMs <= MINUTE.freeAfterMs ? 'alive' : MINUTE
    }
    case 'no':
      return hasOurName ? HALF_A_MINUTE : MINUTE
    case 'unknown':
      if (hasOurName) return HALF_A_MINUTE
      return isOurHost && processes.at(holder.pid) === null ? ONCE_WATCHED : MINUTE
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
function areSame<T extends string | number>(one: T | null, other: T | null): boolean | null {
  return one === null || other === null ? null : one === other
}
