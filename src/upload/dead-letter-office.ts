import type { MappedChunk } from '../model.ts'
import { OUTCOMES } from '../outcomes.ts'
import type { DeadLetters } from '../state/dead-letters.ts'
import type { Ledger } from '../state/ledger.ts'
import type { DeadEvent } from './classify.ts'
import type { UploadEvent } from './upload-event.ts'

/** Where dead letters go: the file in the state directory. */
export type LetterBox = Pick<DeadLetters, 'addEvent' | 'addRecord' | 'flush' | 'pendingBytes'>

/** One event to be rejected. */
export interface Rejection {
  readonly event: UploadEvent
  readonly dead: DeadEvent
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null
}

/** Writes dead letters, and settles what is in them once they are durable. */
export interface DeadLetterOffice {
  /** Resolves when all are durable and counted as rejected. */
  reject(rejections: readonly Rejection[]): Promise<void>
  /** Records that became no event; the ledger has counted them. Resolves at once unless much waits to be written. */
  addRecords(chunk: MappedChunk): Promise<void>
}

interface OfficeOptions {
  readonly letters: LetterBox
  readonly ledger: Pick<Ledger, 'rejectEvent'>
  readonly typeName: (type: number) => string | null
  readonly wallClock: () => number
}

/** So much may wait in memory for the disk. */
const MAX_PENDING_BYTES = 1 << 20

export function createDeadLetterOffice({ letters, ledger, typeName, wallClock }: OfficeOptions): DeadLetterOffice {
  return {
    async reject(rejections) {
      if (rejections.length === 0) return
      const atMs = wallClock()
      for (const { event, dead, status } of rejections) {
        const { reason, detail } = dead
        letters.addEvent(event, typeName(event.type), { reason, detail, status, atMs })
      }
      await letters.flush()
      for (const { event, dead } of rejections) ledger.rejectEvent(event.type, dead.reason)
    },
    async addRecords({ raw, count, outcomes, types, details }) {
      const atMs = wallClock()
      for (const [index, detail] of details) {
        const outcome = OUTCOMES[outcomes[index] as number]
        if (index >= count || outcome?.is !== 'rejected') continue
        const place = raw.letters?.[index] ?? {
          path: raw.source.path,
          position: raw.positions[index] as number,
          line: raw.lines?.[index] ?? null,
          values: raw.values,
        }
        const record = raw.bytes.subarray(raw.starts[index], raw.ends[index])
        const why = { reason: outcome.reason, detail, status: null, atMs }
        letters.addRecord(place, record, typeName(types[index] as number), why)
      }
      if (letters.pendingBytes() >= MAX_PENDING_BYTES) await letters.flush()
    },
  }
}
