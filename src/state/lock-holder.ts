import type { Processes, ProcessIdentity } from './processes.ts'
import { count, objectOf, orAbsent, type Shape, text, time } from './shape.ts'

/** Older versions wrote pid, host and time alone. Null means unknown. */
const holderShape = objectOf({
  pid: count,
  processStart: orAbsent(count),
  host: text,
  boot: orAbsent(text),
  pidNamespace: orAbsent(text),
  /** Wall clock, ms since 1970. */
  startedAt: time,
})

/** The content of a lock: the `ProcessIdentity` of its holder, and since when it holds the lock. */
export type Holder = Shape<typeof holderShape>

/** The holder that a lock names; null when its content is not as we write it. */
export function holderOf(content: Uint8Array): Holder | null {
  try {
    return holderShape(JSON.parse(Buffer.from(content).toString('utf8')), '')
  } catch {
    return null
  }
}

export function nameOf({ pid, host }: Holder): string {
  return `process ${pid} on host ${host}`
}

/** How the holder fares: `alive` keeps the lock, `dead` is certain. Nobody here can see whether a doubtful holder lives. */
export type Condition = 'alive' | 'dead' | Doubtful

interface Doubtful {
  /** The holder counts as dead once its lock was untouched for this long. */
  readonly freeAfterMs: number
}

/** The holder has missed six touches. */
export const DOUBTFUL_AFTER_MS = 60_000
const MINUTE: Doubtful = { freeAfterMs: DOUBTFUL_AFTER_MS }
/** Three missed touches are enough: most often the holder was this container, before it was started again. */
const HALF_A_MINUTE: Doubtful = { freeAfterMs: 30_000 }
/** The holder is dead, most likely: the shortest watch there is (`lock.ts`) is long enough. */
const ONCE_WATCHED: Doubtful = { freeAfterMs: 0 }

/**
 * How the holder of a lock fares (state/README.md §6); `lock.ts` has the table.
 * @param holder null when nobody knows who holds the lock
 * @param untouchedMs since the lock was last touched, by the wall clock; below 0 when the clock that touched it is ahead of ours
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
      // Machines that were cloned while they ran share boot and namespace, but each has its own processes.
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

/** Whether a pid means the same process to the holder and to this process. */
function sharesPids(holder: Holder, self: ProcessIdentity, { haveNamespaces }: Processes): 'yes' | 'no' | 'unknown' {
  const boot = areSame(holder.boot, self.boot)
  const pidNamespace = areSame(holder.pidNamespace, self.pidNamespace)
  if (boot === false || pidNamespace === false) return 'no'
  if (boot === true && pidNamespace === true) return 'yes'
  if (haveNamespaces || holder.boot !== null || holder.pidNamespace !== null) return 'unknown'
  if (holder.host !== self.host) return 'no'
  return holder.pid === self.pid ? 'unknown' : 'yes'
}

/** Null when one of the two is unknown. */
function areSame<T extends string | number>(one: T | null, other: T | null): boolean | null {
  return one === null || other === null ? null : one === other
}
