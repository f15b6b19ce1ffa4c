import type { KeptEvent, Place } from '../model.ts'
import { createAppendLog } from './append-log.ts'
import { diskFileSystem, type FileSystem } from './file-system.ts'
import { appendEventLetter, appendRecordLetter, type Reason } from './letter.ts'

/**
 * The file of rejected records, `dead-letters.ndjson`, in the format of `letter.ts`: an append log (`append-log.ts` has the write
 * order). A rejection counts as settled only once `flush` has resolved (DESIGN.md §7). It comes into being with its first letter.
 */
export interface DeadLetters {
  readonly path: string
  /** Adds an event that was sent and will never be accepted. */
  addEvent(event: KeptEvent, eventType: string | null, why: Reason): void
  /** Adds a record that became no event, by its raw text. */
  addRecord(place: Place, record: Uint8Array, eventType: string | null, why: Reason): void
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
    path,
    addEvent(event, eventType, why) {
      log.add((out) => appendEventLetter(out, event, eventType, why))
      count += 1
    },
    addRecord(place, record, eventType, why) {
      log.add((out) => appendRecordLetter(out, place, record, eventType, why))
      count += 1
    },
    flush: log.flush,
    pendingBytes: log.pendingBytes,
    count: () => count,
    close: log.close,
  }
}
