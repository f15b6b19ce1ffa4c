import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import type { EventTypes } from '../model.ts'
import type { SavedQuota } from '../schedule/contract.ts'
import { joinTraffic, NO_TRAFFIC, NOTHING_BOOKED } from './books.ts'
import type { Checkpoint, SavedCounts, TrafficFigures } from './checkpoint.ts'
import { createCheckpointing } from './checkpointing.ts'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import { DELIVERED_FILE, type DeliveredFiles } from './delivered-files.ts'
import { type FileSystem, stoppedByDisk } from './file-system.ts'
import { type InputPlan, RETRYING_FILE } from './input-plan.ts'
import { createInputs, type Inputs } from './inputs.ts'
import { createLaneFiles, type LaneFiles, prepareLaneFiles } from './lane-file.ts'
import { createLedger, type Ledger, type LedgerOptions } from './ledger.ts'
import type { RunIdentity } from './run-identity.ts'
import { openSeenLogs, type SeenLogs } from './seen-logs.ts'
import { DEAD_LETTERS_FILE, LANES_DIRECTORY } from './state-directory.ts'

/**
 * The open state of an upload: the books, the logs, the inputs, the lane files, and the checkpoints that keep all of these in step
 * (state/README.md §2). The caller must hold the lock.
 *
 * Only this file puts together a checkpoint, and says in which order its parts become durable. `checkpoint.ts` has what a crash leaves.
 */
export interface RunState {
  readonly ledger: Ledger
  readonly letters: DeadLetters
  readonly inputs: Inputs
  readonly lanes: LaneFiles
  /** Notes that a record was settled: a checkpoint follows within 2 s. */
  changed(): void
  /** What all processes of the run have sent. */
  traffic(): TrafficFigures
  /** Takes the last checkpoint. `isClean`: every answer came. `isComplete`: nothing is left to read or send. */
  end(ending: { readonly isClean: boolean; readonly isComplete: boolean }): Promise<void>
  /** Closes all files, without another checkpoint. */
  close(): Promise<void>
}

/** The counts of this process for the checkpoints, which other parts of the program keep. */
export interface Work {
  readonly traffic: { figures(): TrafficFigures }
  readonly quota: { save(nowMs: number): SavedQuota[] }
  readonly files: SavedCounts['files']
}

export interface RunStateOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly clock: Clock
  readonly run: RunIdentity
  /** The checkpoint to go on from; null at the beginning of a run. */
  readonly saved: Checkpoint | null
  /** Since when outcomes are unknown; null when no outcome is. */
  readonly unknownSince: number | null
  readonly delivered: DeliveredFiles
  readonly plan: InputPlan
  readonly resend: boolean
  readonly dedupe: boolean
  /** A retry reads no export, so `complete` stays as it was. */
  readonly isRetry: boolean
  readonly books: Omit<LedgerOptions, 'seen' | 'saved' | 'types'>
  readonly types: EventTypes
  /** Events that one device or user may send in a second. */
  readonly eventsPerSecond: number
  readonly work: Work
  readonly stop: AbortSignal
  /** Called when the disk fails, or another part cannot go on. */
  readonly onFailure: (error: unknown) => void
  /** Bytes that may be read between two checkpoints, and events in a file of seen events. Only tests set them. */
  readonly sizes?: { readonly reservedBytes: number; readonly generation: number } | undefined
}

/**
 * Opens everything, and takes the first checkpoint. From then on a crash leaves a run that can be resumed, and the state no longer says
 * that nothing is unknown. So no event may be sent before this resolves.
 * @throws UsageError when a file is not as the checkpoint says; StoppedError when the disk fails
 */
export async function openRunState(options: RunStateOptions): Promise<RunState> {
  const { fileSystem, directory, clock, run, saved, delivered, plan, types, work, onFailure } = options
  const logs = saved?.logs ?? {}
  const letters = createDeadLetters(join(directory, DEAD_LETTERS_FILE), {
    fileSystem,
    length: logs[DEAD_LETTERS_FILE] ?? 0,
  })
  if (saved?.clean) await mustBeAsLeft(fileSystem, letters.path, logs[DEAD_LETTERS_FILE] ?? 0)
  await letters.open()
  const seen: SeenLogs | null = options.dedupe
    ? await openSeenLogs({ fileSystem, directory, lengths: logs, generation: options.sizes?.generation })
    : null
  await prepareLaneFiles(fileSystem, join(directory, LANES_DIRECTORY), saved?.lanes ?? [])
  await fileSystem.syncDirectory(directory)

  /** Aborts when the run has ended: from then on no input is read, and no reader asks for a checkpoint. */
  const over = new AbortController()
  const ledger = createLedger({ ...options.books, types, seen, saved: saved?.counts ?? NOTHING_BOOKED })
  const inputs = createInputs({
    plan,
    delivered,
    run,
    unknownTo: options.unknownSince === null ? null : (saved?.reservedTo ?? null),
    resend: options.resend,
    wallClock: clock.wallClock,
    save: () => checkpointing.save(),
    onFailure,
    stop: AbortSignal.any([options.stop, over.signal]),
    reservedBytes: options.sizes?.reservedBytes,
  })
  const lanes = createLaneFiles({
    fileSystem,
    directory: join(directory, LANES_DIRECTORY),
    saved: saved?.lanes ?? [],
    isClean: options.unknownSince === null,
    ledger,
    eventsPerSecond: options.eventsPerSecond,
    typeName: (type) => types.typeNames[type] ?? null,
    save: () => checkpointing.save(),
    onFailure,
  })
  let ending = { isClean: false, isComplete: false }
  let { unknownSince } = options
  /** True while `retrying.ndjson` is in the directory. */
  let hasRetry = saved?.open.some(({ kind }) => kind === 'retry') ?? false

  function trafficSoFar(): TrafficFigures {
    return joinTraffic(saved?.counts.sent ?? NO_TRAFFIC, work.traffic.figures())
  }

  function takeSnapshot(): Checkpoint {
    const { open, reservedTo } = inputs.snapshot()
    if (inputs.arePastUnknown() && lanes.arePastUnknown() && ledger.unknownLeft() === 0) unknownSince = null
    return {
      version: 1,
      run,
      savedAt: clock.wallClock(),
      clean: ending.isClean && unknownSince === null,
      unknownSince,
      complete: options.isRetry ? (saved?.complete ?? false) : ending.isComplete && open.length === 0,
      reservedTo,
      open,
      lanes: lanes.snapshot(),
      logs: {
        [DEAD_LETTERS_FILE]: letters.length(),
        [DELIVERED_FILE]: delivered.length(),
        ...seen?.snapshot(),
      },
      counts: { ...ledger.save(), files: { ...work.files }, sent: trafficSoFar() },
      quota: work.quota.save(clock.now()),
    }
  }

  const checkpointing = createCheckpointing({
    fileSystem,
    directory,
    clock,
    takeSnapshot,
    async flush(snapshot) {
      await Promise.all([letters.flush(), delivered.flush(), seen?.flush(), lanes.flush()])
      return { ...snapshot, open: inputs.fingerprinted(snapshot.open) }
    },
    async saved(snapshot) {
      seen?.saved(snapshot.logs)
      await lanes.saved(snapshot.lanes)
      inputs.saved()
      if (hasRetry && inputs.isRetryDone()) {
        hasRetry = false
        await fileSystem.unlink(join(directory, RETRYING_FILE))
      }
    },
    onFailure,
  })

  async function close(): Promise<void> {
    over.abort()
    await checkpointing.close()
    await Promise.all([letters.close(), delivered.close(), seen?.close()])
  }

  try {
    await checkpointing.save()
  } catch (error) {
    await close().catch(() => {})
    throw stoppedByDisk(error)
  }
  return {
    ledger,
    letters,
    inputs,
    lanes,
    changed: checkpointing.changed,
    traffic: trafficSoFar,
    async end(how) {
      over.abort()
      await checkpointing.close()
      ending = how
      await checkpointing.save()
    },
    close,
  }
}

/** Refuses letters that a person has mended, which only `retry` takes: `replay` would cut them to the length in the checkpoint. */
async function mustBeAsLeft(fileSystem: FileSystem, path: string, length: number): Promise<void> {
  const facts = await fileSystem.stat(path)
  const size = facts?.size ?? 0
  // Opening a directory or a link gives a better error.
  if (size === length || facts?.isFile === false) return
  throw new UsageError(`${path} was changed since the run was stopped: it has ${size} bytes instead of ${length}`, {
    hint: 'braze2amp retry takes letters that were mended; otherwise put the file back.',
  })
}
