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

export function createRecordColumns(): RecordColumns {
  let starts: number[] = []
  let ends: number[] = []
  let positions: number[] = []
  let lines: number[] = []
  let faults: Fault[] = []

  function add(start: number, end: number, position: number, line: number): void {
    starts.push(start)
    ends.push(end)
    positions.push(position)
    lines.push(line)
  }

  return {
    count: () => starts.length,
    add,
    addFault(start, end, position, line, reason, detail) {
      faults.push({ index: starts.length, reason, detail })
      add(start, end, position, line)
    },
    take() {
      const columns = {
        count: starts.length,
        starts: Int32Array.from(starts),
        ends: Int32Array.from(ends),
        positions: Float64Array.from(positions),
        lines: lines.some((line) => line > 0) ? Float64Array.from(lines) : null,
        faults,
      }
      starts = []
      ends = []
      positions = []
      lines = []
      faults = []
      return columns
    },
  }
}
