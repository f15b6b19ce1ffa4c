import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../errors.ts'

/** Where a run keeps what must outlive it, unless `--state` says otherwise. */
export const DEFAULT_STATE = '.braze2amp'

/** The run's own directory: readable by its owner only, since it holds people's events (DESIGN.md §6). */
export interface StateDirectory {
  readonly path: string
  readonly deadLetters: string
  /** Made by the first lane file. */
  readonly lanes: string
}

/** Mode of every directory and file in it. */
export const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600

/**
 * Makes the directory unless it is there.
 * @throws UsageError when it cannot be made
 */
export function openStateDirectory(path: string): StateDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE })
  } catch (cause) {
    throw new UsageError(`cannot make the state directory ${path}: ${(cause as Error).message}`, {
      hint: 'Name another with --state DIR.',
      cause,
    })
  }
  return { path, deadLetters: join(path, 'dead-letters.ndjson'), lanes: join(path, 'lanes') }
}

/** Removes lane files that no checkpoint names: their events are read again (DESIGN.md §6). */
export function removeLaneFiles({ lanes }: StateDirectory): void {
  rmSync(lanes, { recursive: true, force: true })
}
