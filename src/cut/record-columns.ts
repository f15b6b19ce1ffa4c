import { grownInto } from '../json/bytes.ts'
import type { Fault, RawChunk, RejectReason } from '../model.ts'

/** Collects where the records of a chunk are, and where they come from. */
export interface RecordColumns {
  count(): number
  /** Adds the record at `[start, end)` of the chunk's bytes. `line` counts from 1; 0 where the format has no lines. */
  add(start: number, end: number, position: number, line: number): void
  /** Adds one that is broken; `[start, end)` is its raw text. */
  addFault(start: number, end: number, position: number, line: number, reason: RejectReason, detail: string): void
  /** The columns so far; they begin anew. */
  take(): Pick<RawChunk, 'count' | 'starts' | 'ends' | 'positions' | 'lines' | 'faults'>
}

/** Room at first, for small files. */
const FIRST_RECORDS = 1 << 6

export function createRecordColumns(): RecordColumns {
  let starts = new Int32Array(FIRST_RECORDS)
  let ends = new Int32Array(FIRST_RECORDS)
  let positions = new Float64Array(FIRST_RECORDS)
  let lines = new Float64Array(FIRST_RECORDS)
  let count = 0
  let hasLines = false
  let faults: Fault[] = []

  function makeRoom(): void {
    starts = grownInto(new Int32Array(count * 2), starts)
    ends = grownInto(new Int32Array(count * 2), ends)
    positions = grownInto(new Float64Array(count * 2), positions)
    lines = grownInto(new Float64Array(count * 2), lines)
  }

  function add(start: number, end: number, position: number, line: number): void {
    if (count === starts.length) makeRoom()
    starts[count] = start
    ends[count] = end
    positions[count] = position
    lines[count++] = line
    if (line > 0) hasLines = true
  }

  return {
    count: () => count,
    add,
    addFault(start, end, position, line, reason, detail) {
      faults.push({ index: count, reason, detail })
      add(start, end, position, line)
    },
    take() {
      const columns = {
        count,
        starts: starts.slice(0, count),
        ends: ends.slice(0, count),
        positions: positions.slice(0, count),
        lines: hasLines ? lines.slice(0, count) : null,
        faults,
      }
      count = 0
      hasLines = false
      faults = []
      return columns
    },
  }
}
