import type { ByteWriter } from '../json/bytes.ts'
import { createAppendLog } from './append-log.ts'
import { diskFileSystem, type FileSystem } from './file-system.ts'

/**
 * The file of rejected records, `dead-letters.ndjson`, in the format of `letter.ts`: an append log (`append-log.ts` has the write
 * order). A rejection counts as settled only once `flush` has resolved (DESIGN.md §7). It comes into being with its first letter.
 */
export interface DeadLetters {
  readonly path: string
  /** Adds one letter, which `write` appends to the batch under way. */
  add(write: (out: ByteWriter) => void): void
  /** Resolves when everything added so far is on disk; rejects with the system's error when it cannot be. */
  flush(): Promise<void>
  /** Bytes added that are not on disk. */
  pendingBytes(): number
  /** Letters added. */
  count(): number
  /** Flushes and closes. */
  close(): Promise<void>
}

/** @param length bytes that the checkpoint knows; null keeps whatever is there */
export function createDeadLetters(
  path: string,
  { fileSystem = diskFileSystem, length = null }: { fileSystem?: FileSystem; length?: number | null } = {},
): DeadLetters {
  const log = createAppendLog({ fileSystem, path, length })
  let count = 0
  return {
    ...log,
    add(write) {
      log.add(write)
      count += 1
    },
    count: () => count,
  }
}
