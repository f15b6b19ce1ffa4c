/** What is known of each record of a chunk, in columns as `MappedChunk` has them; zero until it is set. */
export type Columns = ReturnType<typeof createColumns>

export function createColumns(count: number) {
  return {
    outcomes: new Uint8Array(count),
    types: new Int16Array(count),
    warnings: new Uint8Array(count),
    times: new Float64Array(count),
    idLow: new Uint32Array(count),
    idHigh: new Uint32Array(count),
    userStarts: new Int32Array(count),
    userEnds: new Int32Array(count),
    deviceStarts: new Int32Array(count),
    deviceEnds: new Int32Array(count),
    eventEnds: new Int32Array(count),
    details: new Map<number, string>(),
  }
}
