import type { FileSystem, OpenFile } from '../../src/state/file-system.ts'
import { systemError } from './memory-disk.ts'

/** One call of the file layer. */
export interface Call {
  /** From 1. */
  readonly number: number
  readonly operation: keyof FileSystem | keyof OpenFile
  readonly path: string
}

type FaultCode = 'EACCES' | 'ENOSPC' | 'EDQUOT' | 'EIO'

/**
 * What becomes of a call. `fail`: the system's error; a write has put half of its bytes there. `crash`: the process is gone before
 * the call, after it, or with half of what it writes.
 */
export type Fate =
  | { readonly do: 'pass' }
  | { readonly do: 'fail'; readonly code: FaultCode }
  | { readonly do: 'crash'; readonly when: 'before' | 'after' | 'torn' }

export const PASS: Fate = { do: 'pass' }

/** The process is gone: nothing after this has any effect. */
export class Crashed extends Error {
  override readonly name = 'Crashed'
}

export interface FaultyFileSystem {
  readonly fileSystem: FileSystem
  /** All calls so far. */
  readonly calls: readonly Call[]
  hasCrashed(): boolean
}

/**
 * A file system whose calls pass, fail or crash the process, as `fateOf` says.
 *
 * @param crash ends the process; in a test in one process every later call throws `Crashed`
 */
export function withFaults(
  inner: FileSystem,
  fateOf: (call: Call) => Fate,
  crash: () => void = () => {},
): FaultyFileSystem {
  const calls: Call[] = []
  let crashed = false

  function die(): never {
    if (!crashed) crash()
    crashed = true
    throw new Crashed('the process is gone')
  }

  async function call<T>(
    operation: Call['operation'],
    path: string,
    act: () => Promise<T>,
    half: () => Promise<unknown> = async () => {},
  ): Promise<T> {
    if (crashed) die()
    const made = { number: calls.length + 1, operation, path }
    calls.push(made)
    const fate = fateOf(made)
    if (fate.do === 'crash') {
      if (fate.when === 'after') await act()
      if (fate.when === 'torn') await half()
      die()
    }
    if (fate.do === 'fail') {
      await half()
      throw systemError(fate.code, path)
    }
    const result = await act()
    if (crashed) die()
    return result
  }

  function wrap(path: string, file: OpenFile): OpenFile {
    return {
      read: (into, position) => call('read', path, () => file.read(into, position)),
      write: (bytes, position) =>
        call(
          'write',
          path,
          () => file.write(bytes, position),
          () => file.write(bytes.subarray(0, bytes.length >> 1), position),
        ),
      truncate: (length) => call('truncate', path, () => file.truncate(length)),
      sync: () => call('sync', path, () => file.sync()),
      size: () => call('size', path, () => file.size()),
      close: () => call('close', path, () => file.close()),
    }
  }

  const fileSystem: FileSystem = {
    open: async (path, how) => wrap(path, await call('open', path, () => inner.open(path, how))),
    rename: (from, to) => call('rename', to, () => inner.rename(from, to)),
    unlink: (path) => call('unlink', path, () => inner.unlink(path)),
    readdir: (path) => call('readdir', path, () => inner.readdir(path)),
    mkdir: (path) => call('mkdir', path, () => inner.mkdir(path)),
    stat: (path) => call('stat', path, () => inner.stat(path)),
    touch: (path, mtimeMs) => call('touch', path, () => inner.touch(path, mtimeMs)),
    syncDirectory: (path) => call('syncDirectory', path, () => inner.syncDirectory(path)),
  }
  return { fileSystem, calls, hasCrashed: () => crashed }
}

/** Crashes at call `number`. */
export function crashAt(number: number, when: 'before' | 'after' | 'torn'): (call: Call) => Fate {
  return (call) => (call.number === number ? { do: 'crash', when } : PASS)
}

/** Fails call `number` alone. */
export function failAt(number: number, code: FaultCode): (call: Call) => Fate {
  return (call) => (call.number === number ? { do: 'fail', code } : PASS)
}

/** Moments that have lost data in other programs; each is met `times` times before the crash. */
export const KILL_POINTS = {
  'with half of a log append': { operation: 'write', path: /\.(ndjson|bin)$/, when: 'torn' },
  'after a log append': { operation: 'write', path: /\.(ndjson|bin)$/, when: 'after' },
  'before the sync of a log': { operation: 'sync', path: /\.(ndjson|bin)$/, when: 'before' },
  'with half of a checkpoint': { operation: 'write', path: /checkpoint\.json\.new$/, when: 'torn' },
  'before the sync of a checkpoint': { operation: 'sync', path: /checkpoint\.json\.new$/, when: 'before' },
  'before the rename of a checkpoint': { operation: 'rename', path: /checkpoint\.json$/, when: 'before' },
  'after the rename of a checkpoint': { operation: 'rename', path: /checkpoint\.json$/, when: 'after' },
  'after the sync of the directory': { operation: 'syncDirectory', path: /./, when: 'after' },
  'after the rename of the dead letters': { operation: 'rename', path: /retrying\.ndjson$/, when: 'after' },
  'with half of the dead letters that are left alone': {
    operation: 'write',
    path: /dead-letters\.ndjson$/,
    when: 'torn',
  },
  'before the deletion of the letters that were sent again': {
    operation: 'unlink',
    path: /retrying\.ndjson$/,
    when: 'before',
  },
  'before the deletion of a lane file': { operation: 'unlink', path: /lanes\/\d+\.ndjson$/, when: 'before' },
} as const satisfies Record<string, { operation: Call['operation']; path: RegExp; when: 'before' | 'after' | 'torn' }>

export type KillPoint = keyof typeof KILL_POINTS

/** Crashes when a named point is met for the `times`-th time. */
export function killAt(point: KillPoint, times = 1): (call: Call) => Fate {
  const { operation, path, when } = KILL_POINTS[point]
  let left = times
  return (call) => {
    if (call.operation !== operation || !path.test(call.path)) return PASS
    left -= 1
    return left === 0 ? { do: 'crash', when } : PASS
  }
}
