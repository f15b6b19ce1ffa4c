import type { Clock } from '../clock.ts'
import { type Checkpoint, writeCheckpoint } from './checkpoint.ts'
import { coalesce } from './coalesce.ts'
import type { FileSystem } from './file-system.ts'

/**
 * When checkpoints are taken, and in which order what belongs to one reaches the disk (state/README.md §2; `checkpoint.ts` has what a crash
 * leaves at each step).
 */
export interface Checkpointing {
  /** Something settled: a checkpoint follows within 2 s. */
  changed(): void
  /** Resolves when a snapshot taken after this call is durable: at the start, at a stop, when the reader reached its reservation. */
  save(): Promise<void>
  /** No more of them by itself; resolves when none is under way. A `save` after it still works. */
  close(): Promise<void>
}

interface CheckpointingOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Clock
  /** Where the run stands now. Must not await: everything in it is of one instant. */
  readonly takeSnapshot: () => Checkpoint
  /**
   * Resolves when all that the snapshot names is durable, logs and lane files up to the lengths in it; to the snapshot, with what had to
   * be read for it.
   */
  readonly flush: (snapshot: Checkpoint) => Promise<Checkpoint>
  /** The checkpoint is durable: files that it no longer names are deleted, and the reader may go on to its reservation. */
  readonly saved: (snapshot: Checkpoint) => Promise<void>
  /** A checkpoint that nobody waits for failed. */
  readonly onFailure: (error: unknown) => void
}

/** What settled is in a checkpoint at the latest after so long. */
const EVERY_MS = 2000

export function createCheckpointing(options: CheckpointingOptions): Checkpointing {
  const { fileSystem, directory, clock, takeSnapshot, flush, saved, onFailure } = options
  const closed = new AbortController()
  let isDue = false

  const saving = coalesce(async () => {
    const snapshot = await flush(takeSnapshot())
    await writeCheckpoint(fileSystem, directory, snapshot)
    await saved(snapshot)
  })

  async function saveLater(): Promise<void> {
    await clock.sleep(EVERY_MS, closed.signal)
    isDue = false
    if (closed.signal.aborted) return
    await saving.run().catch(onFailure)
  }

  return {
    changed() {
      if (isDue || closed.signal.aborted) return
      isDue = true
      void saveLater()
    },
    save: saving.run,
    async close() {
      closed.abort()
      await saving.current()?.catch(() => {})
    },
  }
}
