import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What tells a process from every other, even when containers share a host name and a pid. Null: the system does not say. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks from the system's start to the process's start. A pid alone is not enough: the system gives it out again. */
  readonly processStart: number | null
  readonly host: string
  /** The id of the system's start. It differs after each restart, and on each machine. */
  readonly boot: string | null
  /** The pid namespace, `pid:[4026531836]`: unique within one boot. */
  readonly pidNamespace: string | null
}

/** The processes that this one can see. A parameter everywhere, so that tests can act as two containers. */
export interface Processes {
  self(): ProcessIdentity
  /** The living process with this pid in our own namespace, whichever user it belongs to; null when there is none. */
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
    // When a pid namespace has no mount of its own, `/proc` shows the pids of the namespace around it: its answer is of no use.
    if (orNull(() => readlinkSync('/proc/self')) !== String(process.pid)) return { processStart: null }
    const stat = statOf(pid)
    // The process takes signals, so it lives. Its `/proc` entry may be hidden from other users.
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
  /** The process has ended, and only waits for its parent to ask how (a zombie). */
  readonly hasEnded: boolean
}

/** Null when the process has no entry that can be read (proc_pid_stat(5)). */
function statOf(pid: number | 'self'): ProcessStat | null {
  const stat = orNull(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  if (stat === null) return null
  // The second field is the program's name in parentheses, and may hold spaces and parentheses itself.
  const fromThird = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, threads, processStart] = [fromThird[0], Number(fromThird[17]), Number(fromThird[19])]
  if (!Number.isSafeInteger(processStart)) return null
  // A process whose first thread is a zombie has not ended while another thread may still be in the middle of a write.
  return { processStart, hasEnded: (state === 'Z' || state === 'X') && threads <= 1 }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
