import { grownInto } from '../json/bytes.ts'

/** Spans of fields, row after row, while a cutter writes them; see `FieldColumns`. */
export interface GrowingColumns {
  kinds: Uint8Array
  starts: Int32Array
  ends: Int32Array
  /** Entries written. */
  length: number
}

export function createColumns(capacity: number): GrowingColumns {
  return {
    kinds: new Uint8Array(capacity),
    starts: new Int32Array(capacity),
    ends: new Int32Array(capacity),
    length: 0,
  }
}

/** Makes room for `count` more entries; the arrays may be others then. */
export function makeRoom(columns: GrowingColumns, count: number): void {
  if (columns.length + count <= columns.kinds.length) return
  const capacity = (columns.length + count) * 2
  columns.kinds = grownInto(new Uint8Array(capacity), columns.kinds)
  columns.starts = grownInto(new Int32Array(capacity), columns.starts)
  columns.ends = grownInto(new Int32Array(capacity), columns.ends)
}
