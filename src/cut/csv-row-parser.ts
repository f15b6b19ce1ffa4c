import { Parser } from 'csv-parse'

/** Parses rows out of bytes given piece by piece. Nothing is awaited per row. */
export interface RowParser {
  /** Resolves with what is wrong in the row under way: the parser cannot go on; null when all is well. */
  feed(bytes: Uint8Array): Promise<RowFailure | null>
  /** The same for the end of the input, which completes the last row. */
  end(): Promise<RowFailure | null>
}

export interface RowFailure {
  /** The input ended within quotes. */
  readonly isUnclosed: boolean
}

/** Thrown by `onRow` to stop at a row that is broken. */
export class BrokenRow extends Error {
  override readonly name = 'BrokenRow'
}

/**
 * @param onRow told of each row: its fields, and the bytes given so far up to and including its end
 */
export function createRowParser(
  delimiter: string,
  onRow: (fields: readonly string[], endByte: number) => void,
): RowParser {
  const parser = new Parser({
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
    // Nothing is handed on to the stream's readers: a row costs no event.
    on_record: (fields: readonly string[], { bytes }) => {
      onRow(fields, bytes)
      return null
    },
  })
  // Every failure is told through the callbacks.
  parser.on('error', () => {})

  return {
    feed: (bytes) => new Promise((resolve) => parser.write(bytes, (error) => resolve(failureOf(error)))),
    end: () => new Promise((resolve) => parser.end((error?: Error | null) => resolve(failureOf(error)))),
  }
}

function failureOf(error: Error | null | undefined): RowFailure | null {
  if (!error) return null
  const { code } = error as { code?: string }
  if (code === undefined && !(error instanceof BrokenRow)) throw error
  return { isUnclosed: code === 'CSV_QUOTE_NOT_CLOSED' }
}
