import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ChangedInputError, UsageError } from '../errors.ts'
import { BEGINNING } from '../model.ts'
import { STDIN } from '../read/file-list.ts'
import { EMPTY_FINGERPRINT, type Fingerprint, fingerprintOfFile, type Match, matchFile } from '../read/fingerprint.ts'
import { isReadFailure, readFailure } from '../read/read-failure.ts'
import type { SavedInput } from './checkpoint.ts'
import type { DeliveredFile, DeliveredFiles } from './delivered-files.ts'
import { NOTHING_SETTLED } from './settled.ts'

/** What becomes of each input, decided before anything is read or sent (state/README.md §4). */
export interface InputPlan {
  /** Inputs that were begun and go on, in their order. */
  readonly resumed: readonly PlannedInput[]
  /** Parked: inputs that were begun and are not among the paths now. They stay as they are. */
  readonly parked: readonly SavedInput[]
  /** Inputs to be read from their start; those that are delivered are not among them. */
  readonly fresh: Iterable<string>
  /** Bytes of the inputs that are not read, because they are delivered. */
  readonly deliveredBytes: number
  /** Streams of standard input that were delivered into the same project. */
  readonly streams: readonly DeliveredFile[]
}

interface PlannedInput {
  readonly path: string
  readonly saved: SavedInput
  /** What standard input must match before any of its records is taken; null for a file, which is compared already. */
  readonly expected: Fingerprint | null
  /** True when the checkpoint has the input as open. Otherwise it was delivered, and has grown or is sent again. */
  readonly wasOpen: boolean
}

interface PlanOptions {
  /** The state directory, which holds the dead letters that are sent again. */
  readonly directory: string
  /** In the run's order. */
  readonly paths: () => Iterable<string>
  /** Only dead letters are sent again. Files that were begun stay as they are, and need not even exist. */
  readonly isRetry: boolean
  /** The open inputs of the checkpoint. */
  readonly open: readonly SavedInput[]
  readonly delivered: DeliveredFiles
  readonly run: string
  /** Sends delivered inputs again. */
  readonly resend: boolean
}

/** The dead letters that `retry` sends again, in the state directory. */
export const RETRYING_FILE = 'retrying.ndjson'

/** The path of an input of the checkpoint. */
function pathOf({ kind, path }: Pick<SavedInput, 'kind' | 'path'>, directory: string): string {
  return kind === 'retry' ? join(directory, RETRYING_FILE) : path
}

const NAMED = 5

/**
 * @throws ChangedInputError when an input that was begun is gone or has changed
 * @throws UsageError when inputs were delivered by another run into the same project
 */
export async function planInputs(options: PlanOptions): Promise<InputPlan> {
  const { directory, paths, isRetry, open, delivered, run, resend } = options
  const begun = new Map(open.map((input) => [keyOf(pathOf(input, directory)), input]))
  const asked = new Set(open.filter(({ kind }) => kind === 'retry').map((input) => keyOf(pathOf(input, directory))))
  if (begun.size > 0) for (const path of paths()) if (begun.has(keyOf(path))) asked.add(keyOf(path))

  const resumed: PlannedInput[] = []
  const parked: SavedInput[] = []
  for (const [key, saved] of begun) {
    const path = pathOf(saved, directory)
    const isLeftAlone = isRetry && !asked.has(key)
    if (path !== STDIN && !isLeftAlone) await mustMatch(path, saved.fingerprint)
    if (asked.has(key))
      resumed.push({
        path,
        saved,
        expected: path === STDIN ? saved.fingerprint : null,
        wasOpen: saved.kind !== 'retry' || saved.readTo > 0,
      })
    else parked.push(saved)
  }

  /** True for paths that are not fresh. Indexed by the path's place, since a set of a million paths would take too much memory. */
  const taken: boolean[] = []
  const refused: DeliveredFile[] = []
  let deliveredBytes = 0
  if (delivered.count() > 0) {
    for (const path of paths()) {
      const place = taken.push(false) - 1
      if (path === STDIN || begun.has(keyOf(path))) continue
      const found = await deliveryOf(path, delivered)
      if (found === null) continue
      const { line, is } = found
      taken[place] = line.run === run
      if (resend) {
        if (line.run === run) resumed.push(planned(sentAgain(path)))
      } else if (line.run !== run) {
        // An empty file was delivered without an event, so no event could be sent twice.
        if (is !== 'other' && line.records > 0) refused.push({ ...line, path })
      } else if (is === 'grown') {
        resumed.push(planned(grownFrom(path, line)))
      } else if (is === 'other') {
        throw changedSinceDelivery(path, line)
      } else {
        deliveredBytes += line.size
      }
    }
  }
  if (refused.length > 0) throw deliveredByOthers(refused)

  return {
    resumed,
    parked,
    fresh: {
      *[Symbol.iterator]() {
        let place = 0
        for (const path of paths()) if (!taken[place++] && !begun.has(keyOf(path))) yield path
      },
    },
    deliveredBytes,
    streams: await Promise.all(delivered.streams().map((stream) => delivered.line(stream))),
  }
}

/** The key of an input: paths that name the same file are one input. */
function keyOf(path: string): string {
  return path === STDIN ? STDIN : resolve(path)
}

/** Plans a file that was delivered as an input that was begun. */
function planned(saved: SavedInput): PlannedInput {
  return { path: saved.path, saved, expected: null, wasOpen: false }
}

/** An input that was delivered and has grown: it is read from its start as a begun input, without its settled records. */
export function grownFrom(path: string, { records, accepted, size, head, tail }: DeliveredFile): SavedInput {
  return {
    path,
    kind: 'input',
    fingerprint: { byte: size, head, tail },
    from: BEGINNING,
    settled: records === 0 ? [] : [[0, records]],
    readTo: records,
    accepted,
  }
}

/** An input that was delivered and is sent again, whatever its content is now. */
export function sentAgain(path: string): SavedInput {
  return { path, kind: 'resend', fingerprint: EMPTY_FINGERPRINT, ...NOTHING_SETTLED, accepted: 0 }
}

async function mustMatch(path: string, fingerprint: Fingerprint): Promise<void> {
  const match = await matchFile(path, fingerprint).catch((cause: unknown) => {
    if (isReadFailure(cause)) throw readFailure(path, cause)
    throw new ChangedInputError(`${path} was being read and cannot be read now: ${(cause as Error).message}`, {
      hint: `Put it back to go on. ${WAYS_OUT}`,
      cause,
    })
  })
  mustBeSame(path, match, fingerprint)
}

/** @throws ChangedInputError when an input that was begun has changed */
export function mustBeSame(path: string, match: Match, fingerprint: Fingerprint): void {
  if (match === 'same') return
  const what = match === 'shrank' ? 'is shorter than it was' : 'has changed'
  throw new ChangedInputError(`${path} ${what}: some of its first ${fingerprint.byte} bytes were sent already`, {
    hint: `Put back the file as it was to go on. ${WAYS_OUT}`,
  })
}

const WAYS_OUT = '--fresh begins anew and moves this state aside; --state DIR names another for a run of its own.'

interface FoundDelivery {
  readonly line: DeliveredFile
  /** `other`: another file is now at the path. */
  readonly is: 'same' | 'grown' | 'other'
}

async function deliveryOf(path: string, delivered: DeliveredFiles): Promise<FoundDelivery | null> {
  const stats = statSync(path, { throwIfNoEntry: false })
  // A path that cannot be looked at is refused when it is opened. A pipe cannot be read a second time, so it is never known as delivered.
  if (stats === undefined || !stats.isFile()) return null
  const { size, mtimeMs } = stats
  const byPath = delivered.byPath({ path, size, mtimeMs })
  if (byPath?.isUntouched) return { line: await delivered.line(byPath), is: 'same' }
  if (delivered.hasSize(size)) {
    const content = await fingerprintOfFile(path, null).catch((cause: unknown) => {
      // A file that cannot be read may have been delivered: the run must not go on without knowing.
      if (isReadFailure(cause)) throw readFailure(path, cause)
      return null
    })
    const byContent = content && delivered.byContent({ size, head: content.head, tail: content.tail })
    if (byContent) return { line: await delivered.line(byContent), is: 'same' }
  }
  if (byPath === null) return null
  const line = await delivered.line(byPath)
  const match = await matchFile(path, { byte: line.size, head: line.head, tail: line.tail }).catch((cause: Error) => {
    if (isReadFailure(cause)) throw readFailure(path, cause)
    throw unreadable(path, line, cause)
  })
  return { line, is: match === 'same' ? 'grown' : 'other' }
}

function unreadable(path: string, { at }: DeliveredFile, cause: Error): ChangedInputError {
  const when = new Date(at).toISOString()
  return new ChangedInputError(
    `${path} was delivered at ${when}, is not as it was then, and cannot be read now: ${cause.message}`,
    { hint: 'Make it readable, or leave it out; then what is new in it can be told from what was sent.', cause },
  )
}

function changedSinceDelivery(path: string, { at, size }: DeliveredFile): ChangedInputError {
  const when = new Date(at).toISOString()
  return new ChangedInputError(`${path} has changed since it was delivered at ${when}, then ${size} bytes long`, {
    hint:
      'What was sent cannot be taken back. If these are other records, give the file another name; --resend sends all of it ' +
      'as it is now.',
  })
}

function deliveredByOthers(files: readonly DeliveredFile[]): UsageError {
  const shown = files
    .slice(0, NAMED)
    .map(
      ({ path, at, accepted, run }) => `\n  ${path}: ${accepted} events at ${new Date(at).toISOString()}, run ${run}`,
    )
  const more = files.length > NAMED ? `\n  and ${files.length - NAMED} more` : ''
  return new UsageError(
    `${files.length} of the inputs were delivered into this project by another run:${shown.join('')}${more}`,
    {
      hint:
        'Sent again within 7 days Amplitude drops them, corrected ones too; later it keeps them twice. Leave them out, or give ' +
        '--resend to send them all the same.',
    },
  )
}
