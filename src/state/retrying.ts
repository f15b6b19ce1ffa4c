import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import { append, NEWLINE } from '../json/bytes.ts'
import { BEGINNING, type RejectReason } from '../model.ts'
import { EMPTY_FINGERPRINT } from '../read/fingerprint.ts'
import { createAppendLog, eachLine } from './append-log.ts'
import {
  type Checkpoint,
  type SavedBooks,
  type SavedInput,
  type SavedTypeCounts,
  writeCheckpoint,
} from './checkpoint.ts'
import type { FileSystem } from './file-system.ts'
import { RETRYING_FILE } from './input-plan.ts'
import type { OrdinalRange } from './settled.ts'
import { DEAD_LETTERS_FILE } from './state-directory.ts'

/**
 * Dead letters that are sent again: `retrying.ndjson`, until each letter is accepted or a dead letter once more (state/README.md §8).
 *
 * Format: that of `dead-letters.ndjson`, which the file was before; one line is one record.
 *
 * Invariants:
 * - In the checkpoint the file is an open input of kind `retry`. Its records are in the books already: `read` stays the same, and the
 *   records move from rejected to pending.
 * - Letters that are left alone are settled in the file from the start, and are lines of the new `dead-letters.ndjson`.
 * - A person may mend letters in place while no run is under way. Then the length of the file counts, not that in the checkpoint.
 *
 * Write order, and what a crash leaves (`claim.ts` puts it right):
 *
 *     (mended by hand) checkpoint with its length  the file as before
 *     cut to the checkpoint's length, sync         no letters behind that length, which could come back otherwise
 *     rename to retrying.ndjson, sync directory    no dead letters, though the checkpoint knows some: renamed back
 *     write the letters that are left alone        fewer dead letters than the checkpoint knows: renamed back over them
 *     checkpoint                                   a retry that goes on
 *     … sent, settled, checkpoint without it       a retrying.ndjson that no checkpoint names, and all dead letters: deleted
 *     delete retrying.ndjson
 */
export interface PreparedRetry {
  /** The checkpoint that the retry goes on from; not on disk yet. */
  readonly checkpoint: Checkpoint
  /** Letters that will be sent again. */
  readonly letters: number
}

/** The fields of a letter that the books count. */
interface LetterHead {
  readonly reason: RejectReason
  /** The event type as the books name it: the empty name stands for none. */
  readonly eventType: string
}

/** True when a retry is under way, which only has to go on. */
export function isRetrying({ open }: Pick<Checkpoint, 'open'>): boolean {
  return open.some(({ kind }) => kind === 'retry')
}

/**
 * Takes the dead letters for a retry: those of `reason`, or all.
 * @throws UsageError when a letter is damaged, or the letters are not those that were counted
 */
export async function prepareRetry(
  fileSystem: FileSystem,
  directory: string,
  saved: Checkpoint,
  reason: RejectReason | null,
): Promise<PreparedRetry> {
  const path = join(directory, DEAD_LETTERS_FILE)
  const known = saved.logs[DEAD_LETTERS_FILE] ?? 0
  // After a clean stop no letter is left over from a crash: the whole file counts.
  const size = (await fileSystem.stat(path))?.size ?? 0
  if (!saved.clean && size < known) {
    throw new UsageError(`${path} has ${size} bytes, but the checkpoint knows ${known} of it`, {
      hint: 'Put the file back. Letters can be mended once the run has ended well: the command that was interrupted goes on.',
    })
  }
  const length = saved.clean ? size : known
  const taken: LetterHead[] = []
  const settled: [number, number][] = []
  let ordinal = 0
  await eachLetter(fileSystem, path, length, (line, at) => {
    const head = headOf(line, path, at)
    if (reason === null || head.reason === reason) taken.push(head)
    else if (settled.at(-1)?.[1] === ordinal) (settled.at(-1) as [number, number])[1] += 1
    else settled.push([ordinal, ordinal + 1])
    ordinal += 1
  })
  // Letters that a person took out stay rejected in the books. When there is none to send, only the length changes.
  if (taken.length === 0)
    return { checkpoint: { ...saved, logs: { ...saved.logs, [DEAD_LETTERS_FILE]: length } }, letters: 0 }

  const books = withPending(saved.counts, taken, path)
  if (length !== known) {
    const logs = { ...saved.logs, [DEAD_LETTERS_FILE]: length }
    await writeCheckpoint(fileSystem, directory, { ...saved, logs })
  }
  const retrying = join(directory, RETRYING_FILE)
  await cutTo(fileSystem, path, length)
  await fileSystem.rename(path, retrying)
  await fileSystem.syncDirectory(directory)
  const left = createAppendLog({ fileSystem, path, length: 0 })
  await copyLetters(fileSystem, retrying, length, settled, left.add)
  await left.close()

  const input: SavedInput = {
    path: RETRYING_FILE,
    kind: 'retry',
    fingerprint: EMPTY_FINGERPRINT,
    from: { ...BEGINNING },
    settled,
    readTo: 0,
    accepted: 0,
  }
  const checkpoint = {
    ...saved,
    open: [...saved.open, input],
    logs: { ...saved.logs, [DEAD_LETTERS_FILE]: left.length() },
    counts: { ...saved.counts, ...books },
  }
  return { checkpoint, letters: taken.length }
}

/** Gives `take` each line of the first `length` bytes, also a last line without its newline. The file is only read. */
async function eachLetter(
  fileSystem: FileSystem,
  path: string,
  length: number,
  take: (line: string, at: number) => void,
): Promise<void> {
  if (length === 0) return
  const file = await fileSystem.open(path, 'read')
  const within = (into: Uint8Array, position: number) =>
    into.subarray(0, Math.max(0, Math.min(into.length, length - position)))
  try {
    const { rest, at } = await eachLine({ read: (into, position) => file.read(within(into, position), position) }, take)
    if (rest !== '') take(rest, at)
  } finally {
    await file.close()
  }
}

/** Cuts the file: letters behind the length in the checkpoint belong to records that are read again. */
async function cutTo(fileSystem: FileSystem, path: string, length: number): Promise<void> {
  const file = await fileSystem.open(path, 'write')
  try {
    await file.truncate(length)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function copyLetters(
  fileSystem: FileSystem,
  from: string,
  length: number,
  ranges: readonly OrdinalRange[],
  add: ReturnType<typeof createAppendLog>['add'],
): Promise<void> {
  if (ranges.length === 0) return
  let ordinal = 0
  let at = 0
  await eachLetter(fileSystem, from, length, (line) => {
    while (at < ranges.length && (ranges[at] as OrdinalRange)[1] <= ordinal) at += 1
    const [start, end] = ranges[at] ?? [0, 0]
    const isLeft = ordinal >= start && ordinal < end
    ordinal += 1
    if (isLeft) add((out) => append(out, Buffer.from(`${line}${String.fromCharCode(NEWLINE)}`)))
  })
}

function headOf(line: string, path: string, at: number): LetterHead {
  try {
    const { reason, event_type: eventType }: { reason: RejectReason; event_type: string | null } = JSON.parse(line)
    return { reason, eventType: eventType ?? '' }
  } catch (cause) {
    throw new UsageError(`${path} is damaged at byte ${at}: ${(cause as Error).message}`, {
      hint: 'Mend the line, or take it out; nothing was changed or sent.',
      cause,
    })
  }
}

/**
 * The books with these rejected records pending again.
 * @throws UsageError when the books have fewer of them
 */
function withPending(
  books: SavedBooks,
  taken: readonly LetterHead[],
  path: string,
): Pick<SavedBooks, 'pending' | 'rejected' | 'byType'> {
  const rejected: Partial<Record<RejectReason, number>> = { ...books.rejected }
  const byType: Record<string, SavedTypeCounts> = { ...books.byType }
  for (const { reason, eventType } of taken) {
    const left = (rejected[reason] ?? 0) - 1
    const figures = byType[eventType]
    if (left < 0 || figures === undefined || figures.rejected === 0) {
      throw new UsageError(
        `${path} holds more letters of ${reason} for ${eventType || 'no event type'} than were rejected`,
        {
          hint: 'Mend what is in "record", and leave the other fields of a letter as they are. Nothing was changed or sent.',
        },
      )
    }
    rejected[reason] = left
    byType[eventType] = { ...figures, rejected: figures.rejected - 1 }
  }
  return { pending: books.pending + taken.length, rejected, byType }
}
