import { join } from 'node:path'
import { CHECKPOINT_FILE } from './checkpoint.ts'
import { DELIVERED_FILE } from './delivered-files.ts'
import type { FileSystem } from './file-system.ts'
import { isOwnName } from './ownership.ts'

/**
 * Moves a run's state into `old-<UTC>/` within the directory, all but `files.ndjson` and the lock; returns that name (DESIGN.md §6).
 * What is not ours stays where it is.
 *
 * The checkpoint goes last: a crash before leaves it naming files that are gone, which is an error that says so, never a run that
 * goes on with half of its state.
 */
export async function moveAside(fileSystem: FileSystem, directory: string, nowMs: number): Promise<string> {
  const names = (await fileSystem.readdir(directory)).filter((name) => isOwnName(name) && name !== DELIVERED_FILE)
  const utc = new Date(nowMs).toISOString().replaceAll(':', '-')
  const target = `old-${utc}`
  await fileSystem.mkdir(join(directory, target))
  for (const last of [false, true]) {
    for (const name of names) {
      if ((name === CHECKPOINT_FILE) === last)
        await fileSystem.rename(join(directory, name), join(directory, target, name))
    }
    // Durable before the checkpoint goes, and then with it.
    await fileSystem.syncDirectory(join(directory, target))
    await fileSystem.syncDirectory(directory)
  }
  return target
}
