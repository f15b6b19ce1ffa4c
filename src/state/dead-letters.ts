import type { KeptEvent, Place } from '../model.ts'
import { type AppendLog, createAppendLog } from './append-log.ts'
import { diskFileSystem, type FileSystem } from './file-system.ts'
import { appendEventLetter, appendRecordLetter, type Reason } from './letter.ts'

/**
 * The file of rejected records, `dead-letters.ndjson`, in the format of `letter.ts`. It is an append log (`append-log.ts` has the write
 * order). A rejection is settled in the tick that adds its letter, and the checkpoint with it comes after the letter is durable. The
 * first letter creates the file.
 */
export interface DeadLetters extends Pick<AppendLog, 'path' | 'open' | 'flush' | 'pendingBytes' | 'length' | 'close'> {
  /** Adds an event that was sent and will never be accepted. */
  addEvent(event: KeptEvent, eventType: string | null, why: Reason): void
  /** Adds the raw text of a record that became no event. */
  addRecord(place: Place, record: Uint8Array, eventType: string | null, why: Reason): void
}

/** @param length bytes that the checkpoint knows; null keeps the whole file */
export function createDeadLetters(
  path: string,
  { fileSystem = diskFileSystem, length = null }: { fileSystem?: FileSystem; length?: number | null } = {},
): DeadLetters {
  const log = createAppendLog({ fileSystem, path, length })
  return {
    ...log,
    addEvent(event, eventType, why) {
      log.add((out) => appendEventLetter(out, event, eventType, why))
    },
    addRecord(place, record, eventType, why) {
      log.add((out) => appendRecordLetter(out, place, record, eventType, why))
    },
  }
}
