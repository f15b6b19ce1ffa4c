import type { KeptEvent, Place } from '../model.ts'
import { createAppendLog } from './append-log.ts'
import { diskFileSystem, type FileSystem } from './file-system.ts'
import { appendEventLetter, appendRecordLetter, type Reason } from './letter.ts'

/**
 * The file of rejected records, `dead-letters.ndjson`, in the format of `letter.ts`: an append log (`append-log.ts` has the write
 * order). A rejection is settled in the tick that adds its letter; the checkpoint that says so comes after the letter is durable. It
 * comes into being with its first letter.
 */
export interface DeadLetters {
  readonly path: string
  /** Cuts the file back to what the checkpoint knows. @throws UsageError when it is shorter */
  open(): Promise<void>
  /** Adds an event that was sent and will never be accepted. */
  addEvent(event: KeptEvent, eventType: string | null, why: Reason): void
  /** Adds a record that became no event, by its raw text. */
  addRecord(place: Place, record: Uint8Array, eventType: string | null, why: Reason): void
  /** Resolves when everything added so far is on disk; rejects with the system's error when it cannot be. */
  flush(): Promise<void>
  /** Bytes added that are not on disk. */
  pendingBytes(): number
  /** Bytes with all letters added: for the snapshot. */
  length(): number
  /** Flushes and closes. */
  close(): Promise<void>
}

/** @param length bytes that the checkpoint knows; null keeps whatever is there */
export function createDeadLetters(
  path: string,
  { fileSystem = diskFileSystem, length = null }: { fileSystem?: FileSystem; length?: number | null } = {},
): DeadLetters {
  const log = createAppendLog({ fileSystem, path, length })
  return {
    path,
    addEvent(event, eventType, why) {
      log.add((out) => appendEventLetter(out, event, eventType, why))
    },
    addRecord(place, record, eventType, why) {
      log.add((out) => appendRecordLetter(out, place, record, eventType, why))
    },
    open: log.open,
    flush: log.flush,
    pendingBytes: log.pendingBytes,
    length: log.length,
    close: log.close,
  }
}
