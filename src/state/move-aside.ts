import { join } from 'node:path'
import { CHECKPOINT_FILE } from './checkpoint.ts'
import { DELIVERED_FILE } from './delivered-files.ts'
import type { FileSystem } from './file-system.ts'
import { LOCK_FILE } from './lock.ts'

const MOVED = /^old-/

/**
 * Moves a run's state into `old-<UTC>/` within the directory, all but `files.ndjson` and the lock; returns that name (DESIGN.md §6).
 *
 * The checkpoint goes last: a crash before leaves it naming files that are gone, which is an error that says so, never a run that
 * goes on with half of its state.
 */
export async function moveAside(fileSystem: FileSystem, directory: string, nowMs: number): Promise<string> {
  const names = await fileSystem.readdir(directory)
  const utc = new Date(nowMs).toISOString().replaceAll(':', '-')
  const target = `old-${utc}`
  await fileSystem.mkdir(join(directory, target))
  const stays = new Set<string>([DELIVERED_FILE, LOCK_FILE, CHECKPOINT_FILE])
  const moved = names.filter((name) => !stays.has(name) && !name.startsWith(LOCK_FILE) && !MOVED.test(name))
  for (const name of [...moved, ...names.filter((name) => name === CHECKPOINT_FILE)]) {
    await fileSystem.rename(join(directory, name), join(directory, target, name))
  }
  await fileSystem.syncDirectory(join(directory, target))
  await fileSystem.syncDirectory(directory)
  return target
}
