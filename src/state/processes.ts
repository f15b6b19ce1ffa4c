import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What tells a process from every other one, also in containers of one host name and pid; null: the system does not say. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks between the system's start and its own: a pid alone may be another process's by now. */
  readonly processStart: number | null
  readonly host: string
  /** The id of the system's start: another one after a restart, and on another machine. */
  readonly boot: string | null
  /** The pid namespace, `pid:[4026531836]`: unique within one boot. */
  readonly pidNamespace: string | null
}

/** Processes as this one sees them: a parameter, so that tests can be in two containers. */
export interface Processes {
  self(): ProcessIdentity
  /** What lives at a pid of this process's namespace, also when it is another user's; null when nothing does. */
  at(pid: number): Pick<ProcessIdentity, 'processStart'> | null
  /** False where no two processes of a host ever have the same pid. */
  readonly haveNamespaces: boolean
}

/** The processes of this machine. Linux says everything, unless `/proc` is missing; other systems say no more than pid and host. */
export const systemProcesses: Processes = {
  haveNamespaces: process.platform === 'linux' || process.platform === 'android',
  self: () => ({
    pid: process.pid,
    processStart: statOf('self')?.processStart ?? null,
    host: hostname(),
    boot: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
  }),
  at(pid) {
    if (!takesSignals(pid)) return null
    // A namespace that was entered without a mount of its own shows the pids of the one around it.
    if (orNull(() => readlinkSync('/proc/self')) !== String(process.pid)) return { processStart: null }
    const stat = statOf(pid)
    // It may be hidden from other users.
    if (stat === null) return { processStart: null }
    return stat.hasEnded ? null : stat
  },
}

function takesSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

interface ProcessStat {
  readonly processStart: number
  /** It only waits for its parent to ask how it ended. */
  readonly hasEnded: boolean
}

/** Null when there is none, or none that can be read (proc_pid_stat(5)). */
function statOf(pid: number | 'self'): ProcessStat | null {
  const stat = orNull(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  if (stat === null) return null
  // The second field is the program's name in parentheses, and may hold spaces and parentheses itself.
  const fromThird = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, threads, processStart] = [fromThird[0], Number(fromThird[17]), Number(fromThird[19])]
  if (!Number.isSafeInteger(processStart)) return null
  // The first thread may have ended while another is still in the middle of a write.
  return { processStart, hasEnded: (state === 'Z' || state === 'X') && threads <= 1 }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
