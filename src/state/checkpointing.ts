import type { Clock } from '../clock.ts'
import { type Checkpoint, writeCheckpoint } from './checkpoint.ts'
import { coalesce } from './coalesce.ts'
import type { FileSystem } from './file-system.ts'

/**
 * Says when checkpoints are taken, and in which order the parts of a checkpoint reach the disk (state/README.md §2). `checkpoint.ts` has
 * what a crash leaves at each step.
 */
export interface Checkpointing {
  /** Notes that a record settled: a checkpoint follows within 2 s. */
  changed(): void
  /** Resolves when a snapshot taken after this call is durable: at the start, at a stop, when the reader reached its reservation. */
  save(): Promise<void>
  /** Ends the checkpoints that `changed` asks for; resolves when none is under way. A later `save` still works. */
  close(): Promise<void>
}

interface CheckpointingOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Clock
  /** Where the run stands now. Must not await: all parts of a snapshot are of one instant. */
  readonly takeSnapshot: () => Checkpoint
  /**
   * Makes the logs and lane files durable up to the lengths in the snapshot. Resolves to the snapshot, completed with the fingerprints
   * of its inputs.
   */
  readonly flush: (snapshot: Checkpoint) => Promise<Checkpoint>
  /** Called when the checkpoint is durable: deletes files that it no longer names, and lets the reader go on to its reservation. */
  readonly saved: (snapshot: Checkpoint) => Promise<void>
  /** Called when a checkpoint fails that nobody waits for. */
  readonly onFailure: (error: unknown) => void
}

/** A record that settled is in a checkpoint after this time at the latest. */
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
