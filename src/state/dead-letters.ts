import { type FileHandle, open } from 'node:fs/promises'
import { createByteWriter } from '../json/bytes.ts'
import type { KeptEvent, Place } from '../model.ts'
import { appendEventLetter, appendRecordLetter, type Reason } from './letter.ts'
import { FILE_MODE } from './state-directory.ts'

/**
 * The file of rejected records, appended in batches and fsynced: a rejection counts as settled only once `flush` has resolved
 * (DESIGN.md §7). It comes into being with its first letter.
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

export function createDeadLetters(path: string): DeadLetters {
  let batch = createByteWriter(1 << 14)
  let count = 0
  let file: FileHandle | null = null
  /** The write under way, and the one that waits for it and will take all that is added by then. */
  let writing: Promise<void> | null = null
  let next: Promise<void> | null = null

  async function writeBatch(): Promise<void> {
    file ??= await open(path, 'a', FILE_MODE)
    const { bytes, length } = batch
    batch = createByteWriter(1 << 14)
    await file.writeFile(bytes.subarray(0, length))
    await file.datasync()
  }

  function startWriting(): Promise<void> {
    const started = writeBatch().finally(() => {
      writing = null
    })
    writing = started
    return started
  }

  function flush(): Promise<void> {
    if (batch.length === 0) return writing ?? Promise.resolve()
    if (writing === null) return startWriting()
    next ??= writing.then(() => {
      next = null
      return startWriting()
    })
    return next
  }

  return {
    path,
    addEvent(event, eventType, why) {
      appendEventLetter(batch, event, eventType, why)
      count += 1
    },
    addRecord(place, record, eventType, why) {
      appendRecordLetter(batch, place, record, eventType, why)
      count += 1
    },
    flush,
    pendingBytes: () => batch.length,
    count: () => count,
    async close() {
      await flush()
      await file?.close()
      file = null
    },
  }
}
