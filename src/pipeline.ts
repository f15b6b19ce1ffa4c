import { CUTTERS } from './cut/cut.ts'
import {
  Braze2ampError,
  ChangedInputError,
  interruptedCode,
  ReplacedInputError,
  type StopCause,
  StoppedError,
  UsageError,
} from './errors.ts'
import { createChunkMapper, NO_EVENT_TYPE } from './map/map-chunk.ts'
import { failOnUnknownEvents, UnknownEventError } from './map/unknown-events.ts'
import type { Mapping } from './mapping/plan.ts'
import { BEGINNING, type CsvChoices, type MappedChunk, type OpenSource, type RawChunk, type Source } from './model.ts'
import { chooseFormat } from './read/choose-format.ts'
import type { Format } from './read/detect.ts'
import { NotReadError } from './read/not-read-error.ts'
import { type Opened, openAhead } from './read/open-ahead.ts'
import type { OpenStoredFile } from './read/stored-bytes.ts'
import { createShardFilter, type Shard } from './shard.ts'
import type { Sink } from './sink.ts'
import type { InputProgress } from './state/inputs.ts'
import type { Ledger } from './state/ledger.ts'
import type { Origin } from './state/settled.ts'

/** What a run reads. */
export interface Inputs {
  readonly sources: Iterable<Source>
  /** The format of every input, whatever its content; null to find out. */
  readonly format: Format | null
  /** What is known of how CSV is written; undefined to find out. */
  readonly csv?: CsvChoices | undefined
  /** The paths as they were given, for advice that repeats the command. */
  readonly paths: readonly string[]
  /** The only records to take, when several workers share the inputs. */
  readonly shard?: Shard | undefined
  /** What is known of them from before; null in a run that cannot be resumed. */
  readonly progress?: InputProgress | null
  /** Opens the files; another one is for tests. */
  readonly openFile?: OpenStoredFile | undefined
}

/** Told of what happens on the way; none of it changes the run. */
export interface Observer {
  /** A file's format is known. */
  opened?(source: Source, format: Format): void
  /** A CSV file's dialect is known, in words for people. */
  dialect?(source: Source, name: string): void
  /** A file was read to its end. */
  finished(source: Source): void
  /** A file cannot be read at all; the others go on. */
  refused(source: Source, error: Braze2ampError): void
  /** So much of a file, in bytes as stored, was read. */
  read?(source: Source, bytes: number): void
  /** A chunk was booked. */
  booked(chunk: MappedChunk): void
}

export interface Replay {
  readonly inputs: Inputs
  readonly mapping: Mapping
  readonly ledger: Ledger
  readonly sink: Sink
  readonly observer: Observer
  /** The user's wish to stop. */
  readonly signal: AbortSignal
}

/** Why a run ended before its input did. `sink`: its `failed` says why. */
export type Stop = Extract<StopCause, 'limit' | 'max_errors' | 'signal'> | 'sink'

/**
 * Reads every input once; each record ends in exactly one of accepted, rejected, skipped, pending. Resolves to why it ended early; null
 * when it did not.
 */
export async function replay({ inputs, mapping, ledger, sink, observer, signal }: Replay): Promise<Stop | null> {
  const { progress = null } = inputs
  const stop = AbortSignal.any([signal, sink.failed])
  let isAtLimit = false
  try {
    for await (const chunk of mappedChunks(inputs, mapping, observer, stop)) {
      // From here until `put` has begun nothing is awaited: a snapshot has a chunk with all that became of it, or nothing of it.
      const ticket = progress?.take(chunk.raw) ?? null
      ledger.book(chunk, ticket)
      if (ticket !== null && chunk.count < ticket.count) progress?.shorten(ticket, chunk.count)
      observer.booked(chunk)
      await sink.put(chunk, ticket)
      isAtLimit = ledger.remaining() <= 0
      if (isAtLimit || ledger.hasTooManyErrors()) break
    }
  } catch (error) {
    if (!(error instanceof ReplacedInputError)) {
      // What is under way must not go on behind the error.
      await sink.end(AbortSignal.abort())
      throw error
    }
    // What was read of a file that is gone can be sent only now.
    await sink.end(stop)
    const isStopped = stop.aborted || ledger.hasTooManyErrors()
    throw isStopped
      ? await stoppedAfter(error, stopOf(ledger, sink, signal), progress?.replaced() ?? null, sink)
      : error
  }
  await sink.end(stop)
  // Amplitude may have rejected the one that is too many only now.
  if (ledger.hasTooManyErrors()) return 'max_errors'
  if (sink.failed.aborted) return 'sink'
  if (signal.aborted) return 'signal'
  return isAtLimit ? 'limit' : null
}

/** What ended a run before all was sent. */
function stopOf(ledger: Ledger, sink: Sink, signal: AbortSignal): Error {
  if (ledger.hasTooManyErrors()) return new StoppedError('stopped by --max-errors', { stopped: 'max_errors' })
  if (sink.failed.aborted) return sink.failed.reason
  return new StoppedError('interrupted', { stopped: 'signal', exitCode: interruptedCode(signal) })
}

/**
 * The error of a run that was stopped while it sent what it had read of a replaced file. What is not sent of it becomes dead letters:
 * nothing else can bring it back.
 */
async function stoppedAfter(error: ReplacedInputError, stop: Error, origin: Origin | null, sink: Sink): Promise<Error> {
  if (!(stop instanceof StoppedError)) return stop
  const { stopped, exitCode } = stop
  const both = `${stop.message}; and ${error.message}`
  // A state that cannot be written takes no letters.
  if (stopped === 'state') {
    return new StoppedError(`${both}: not all that was read of it is sent`, {
      stopped,
      hint: 'Put back the file as it was to go on; --fresh begins anew and moves this state aside.',
    })
  }
  const left = origin === null ? 0 : ((await sink.giveUp?.(origin, `${both}; no answer said that it arrived`)) ?? 0)
  if (left === 0)
    return new StoppedError(both, { stopped, exitCode, ...(error.hint !== undefined && { hint: error.hint }) })
  return new StoppedError(`${both}: ${left} of its records are not sent, and are dead letters`, {
    stopped,
    exitCode,
    hint:
      'retry sends them. What lies there now was not read: if these are other records, give the file another name, and the same ' +
      'command goes on with it; if they are corrected ones, --resend sends all of them.',
  })
}

/** discover → open → cut → map. Shared by replay, validate, inspect, explain; ends early when `stop` aborts. */
export async function* mappedChunks(
  inputs: Inputs,
  mapping: Mapping,
  observer: Pick<Observer, 'finished' | 'refused' | 'read' | 'opened' | 'dialect'>,
  stop: AbortSignal,
): AsyncGenerator<MappedChunk> {
  const mapChunk = createChunkMapper(mapping)
  const keepOwn = inputs.shard === undefined ? null : createShardFilter(inputs.shard)
  const { progress = null, openFile } = inputs
  for await (const opened of openAhead(inputs.sources, { stop, gate: progress?.gate ?? null, openFile })) {
    const { source } = opened
    let hasType = false
    try {
      for await (const raw of rawChunks(opened, inputs, observer, stop)) {
        const chunk = mapChunk(raw)
        if (!progress?.isRetry(source)) keepOwn?.(chunk)
        if (mapping.rules.unknownEvents === 'fail') failOnUnknownEvents(chunk)
        if (!hasType) hasType = raw.source.fileType !== null || raw.letters !== undefined || namesEventType(chunk)
        yield chunk
        if (stop.aborted) return
      }
      if (stop.aborted) return
      observer.finished(source)
    } catch (error) {
      const endsRun =
        error instanceof StoppedError ||
        error instanceof UnknownEventError ||
        error instanceof ChangedInputError ||
        progress?.isRetry(source)
      if (!(error instanceof Braze2ampError) || endsRun) throw error
      progress?.refused(source)
      observer.refused(source, error)
    }
    if (stop.aborted) return
  }
  progress?.finished()
}

async function* rawChunks(
  opened: Opened,
  { format, paths, csv, progress = null }: Inputs,
  observer: Pick<Observer, 'read' | 'opened' | 'dialect'>,
  stop: AbortSignal,
): AsyncGenerator<RawChunk> {
  if ('error' in opened) throw opened.error
  const { input, source } = opened
  try {
    const chosen = await chooseFormat(input, progress?.isRetry(source) ? 'letters' : format)
    if (chosen.format !== null) {
      observer.opened?.(source, chosen.format)
      const from = (await progress?.begin(input)) ?? BEGINNING
      const options = { ...(csv && { csv }), dialect: (name: string) => observer.dialect?.(source, name) }
      for await (const raw of CUTTERS[chosen.format](chosen.input, from, options)) {
        if (stop.aborted) return
        observer.read?.(source, input.storedBytes())
        yield raw
      }
    }
    // While it is open: its path may lead elsewhere by now.
    if (!stop.aborted) await progress?.ended(input)
  } catch (error) {
    throw error instanceof NotReadError ? error.of(paths) : error
  } finally {
    await input.close()
  }
}

/** Event types that an error names. */
const MAX_CANDIDATES = 12

/**
 * True when a record of the chunk has an event type.
 * @throws UsageError when none has, though some could: then no record of its file can be expected to
 */
function namesEventType({ raw, count, types, details }: MappedChunk): boolean {
  let lacksType = false
  for (let i = 0; i < count; i++) {
    if ((types[i] as number) >= 0) return true
    lacksType ||= details.get(i) === NO_EVENT_TYPE
  }
  if (lacksType) throw noEventType(raw.source)
  return false
}

function noEventType({ path, candidates }: OpenSource): UsageError {
  const [first, ...others] = candidates
  const shown = others.length > MAX_CANDIDATES ? [...others.slice(0, MAX_CANDIDATES), '…'] : others
  const which = first === undefined ? '' : `: by its name it could be ${[first, ...shown].join(', ')}`
  return new UsageError(`${path} does not say which event type it holds${which}`, {
    hint:
      'Give it in one of four ways: --event-type users.messages.email.Open, a folder event_type=users.messages.email.Open ' +
      'in its path, an entry of files: in the mapping file, or a field event_type in each record.',
  })
}
