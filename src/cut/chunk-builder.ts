import { appendByte, type ByteWriter, createByteWriter, NEWLINE, writeInto } from '../json/bytes.ts'
import type { FieldColumns, OpenSource, RawChunk, RejectReason, Restart } from '../model.ts'
import { createRecordColumns } from './record-columns.ts'

/** A chunk is handed on when its records take this many bytes. */
const CHUNK_BYTES = 1 << 19
/** Memory of a chunk that is used again: all that a chunk takes, unless its last record is a giant. */
const KEPT_BYTES = 2 * CHUNK_BYTES
/** Room at first: most files of an hourly export are small, and there are very many of them. */
const FIRST_BYTES = 1 << 14

/** Collects records whose JSON text a cutter writes, until they make a chunk. */
export interface ChunkBuilder {
  /** The record under way is written here. */
  readonly out: ByteWriter
  readonly count: () => number
  /** Bytes written of the record under way. */
  recordLength(): number
  /** Ends the record under way. `line` counts from 1; 0 where the format has no lines. */
  add(position: number, line: number): void
  /** Ends the record under way as one that is broken; what was written is its raw text. */
  addFault(position: number, line: number, reason: RejectReason, detail: string): void
  /** Forgets what was written of the record under way. */
  drop(): void
  isFull(): boolean
  /** The chunk so far, whose records are met again from `restart` on; the builder starts a new one, in the same memory. */
  take(restart: Restart, fields?: FieldColumns): RawChunk
}

export function createChunkBuilder(source: OpenSource): ChunkBuilder {
  const out = createByteWriter(FIRST_BYTES)
  const columns = createRecordColumns()
  let recordStart = 0

  function endRecord(): void {
    appendByte(out, NEWLINE)
    recordStart = out.length
  }

  return {
    out,
    count: columns.count,
    recordLength: () => out.length - recordStart,
    add(position, line) {
      columns.add(recordStart, out.length, position, line)
      endRecord()
    },
    addFault(position, line, reason, detail) {
      columns.addFault(recordStart, out.length, position, line, reason, detail)
      endRecord()
    },
    drop() {
      out.length = recordStart
    },
    isFull: () => out.length >= CHUNK_BYTES,
    take(restart, fields) {
      const chunk: RawChunk = {
        source,
        bytes: out.bytes.subarray(0, recordStart),
        restart,
        ...columns.take(),
        ...(fields && { fields }),
      }
      if (out.bytes.length > KEPT_BYTES) writeInto(out, Buffer.allocUnsafeSlow(FIRST_BYTES))
      out.length = 0
      recordStart = 0
      return chunk
    },
  }
}
