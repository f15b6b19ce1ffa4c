import { eachRejected, placeOf, typeNameOf } from '../chunk.ts'
import type { MappedChunk } from '../model.ts'
import { keptEvent, recordBytes } from '../record-text.ts'
import type { DeadLetters } from '../state/dead-letters.ts'
import type { Ledger } from '../state/ledger.ts'
import type { DeadEvent } from './classify.ts'
import type { UploadEvent } from './upload-event.ts'

/** Where dead letters go: the file in the state directory. */
export type LetterLog = Pick<DeadLetters, 'addEvent' | 'addRecord' | 'flush' | 'pendingBytes'>

/** One event to be rejected. */
export interface Rejection {
  readonly event: UploadEvent
  readonly dead: DeadEvent
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null
}

/** Writes dead letters, and settles their events. */
export interface DeadLetterWriter {
  /** Adds the letters and counts the events as rejected, both in the tick of the call. Resolves when there is room for more. */
  reject(rejections: readonly Rejection[]): Promise<void>
  /**
   * Adds the letters of a chunk's rejected records in the tick of the call. The ledger has counted these records already. Resolves when
   * there is room for more.
   */
  addRecords(chunk: MappedChunk): Promise<void>
}

interface WriterOptions {
  readonly letters: LetterLog
  readonly ledger: Pick<Ledger, 'rejectEvent'>
  readonly typeName: (type: number) => string | null
  readonly wallClock: () => number
}

/** Bytes of letters that may wait in memory to be written. */
const MAX_PENDING_BYTES = 1 << 20

export function createDeadLetterWriter({ letters, ledger, typeName, wallClock }: WriterOptions): DeadLetterWriter {
  async function roomForMore(): Promise<void> {
    if (letters.pendingBytes() >= MAX_PENDING_BYTES) await letters.flush()
  }

  return {
    async reject(rejections) {
      const atMs = wallClock()
      for (const { event, dead, status } of rejections) {
        const { reason, detail } = dead
        letters.addEvent(event, typeName(event.type), { reason, detail, status, atMs })
        ledger.rejectEvent(event, reason)
      }
      await roomForMore()
    },
    async addRecords(chunk) {
      const { raw } = chunk
      const atMs = wallClock()
      eachRejected(chunk, (index, reason, detail) => {
        const why = { reason, detail, status: null, atMs }
        const type = typeNameOf(chunk, index)
        if (reason === 'outcome_unknown') letters.addEvent(keptEvent(chunk, index), type, why)
        else letters.addRecord(placeOf(raw, index), recordBytes(raw, index), type, why)
      })
      await roomForMore()
    },
  }
}
