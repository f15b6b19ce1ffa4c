import type { MappedChunk } from './model.ts'
import type { ChunkTicket, Origin } from './state/settled.ts'

/** Where booked events go: standard output in a dry run, Amplitude otherwise. Nothing else differs between the two. */
export interface Sink {
  /** Takes a chunk's events, whose records `ticket` settles; resolves when there is room for more, which is the backpressure on the reader. */
  put(chunk: MappedChunk, ticket: ChunkTicket | null): Promise<void>
  /** Resolves when everything taken is settled; once `stop` aborts, when that is so of what is under way. */
  end(stop: AbortSignal): Promise<void>
  /**
   * After the end: makes dead letters of what is not settled of an input that cannot be read again, and says of how many. Absent where
   * all is settled at the end.
   */
  giveUp?(origin: Origin, detail: string): Promise<number>
  /** Aborts when the sink can take nothing more; its reason says why. */
  readonly failed: AbortSignal
}
