import { CUTTERS } from './cut/cut.ts'
import { Braze2ampError, UsageError } from './errors.ts'
import { createChunkMapper, NO_EVENT_TYPE } from './map/map-chunk.ts'
import type { Mapping } from './map/plan.ts'
import { failOnUnknownEvents, UnknownEventError } from './map/unknown-events.ts'
import type { MappedChunk, RawChunk, Source } from './model.ts'
import { chooseFormat } from './read/choose-format.ts'
import type { Format } from './read/detect.ts'
import { type Opened, openAhead } from './read/open-ahead.ts'
import type { Sink } from './sink.ts'
import type { Ledger } from './state/ledger.ts'

/** What a run reads. */
export interface Inputs {
  readonly sources: Iterable<Source>
  /** The format of every input, whatever its content; null to find out. */
  readonly format: Format | null
}

/** Told of what happens on the way; none of it changes the run. */
export interface Observer {
  /** A file's format is known. */
  opened?(source: Source, format: Format): void
  /** A file was read to its end. */
  finished(source: Source): void
  /** A file cannot be read at all; the others go on. */
  refused(source: Source, error: Braze2ampError): void
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

/** Why a run ended before its input did; null when it did not. */
export type Stop = 'limit' | 'max_errors' | 'signal' | 'output' | null

/** Reads every input once; each record ends in exactly one of accepted, rejected, skipped, pending. */
export async function replay({ inputs, mapping, ledger, sink, observer, signal }: Replay): Promise<Stop> {
  const stop = AbortSignal.any([signal, sink.failed])
  let reached: 'limit' | 'max_errors' | null = null
  for await (const chunk of mappedChunks(inputs, mapping, observer, stop, ledger.remaining)) {
    ledger.book(chunk)
    observer.booked(chunk)
    await sink.put(chunk)
    if (ledger.hasTooManyErrors()) reached = 'max_errors'
    else if (ledger.remaining() <= 0) reached = 'limit'
    if (reached !== null) break
  }
  await sink.end()
  if (sink.failed.aborted) return 'output'
  return reached ?? (signal.aborted ? 'signal' : null)
}

/** discover → open → cut → map. Shared by replay, validate, inspect, explain; ends early when `stop` aborts. */
export async function* mappedChunks(
  inputs: Inputs,
  mapping: Mapping,
  observer: Pick<Observer, 'finished' | 'refused' | 'opened'>,
  stop: AbortSignal,
  remaining: () => number,
): AsyncGenerator<MappedChunk> {
  const mapChunk = createChunkMapper(mapping)
  for await (const opened of openAhead(inputs.sources)) {
    const { source } = opened
    let hasType = false
    try {
      for await (const raw of rawChunks(opened, inputs.format, stop, observer)) {
        const chunk = mapChunk(raw.count > remaining() ? { ...raw, count: remaining() } : raw)
        if (mapping.rules.unknownEvents === 'fail') failOnUnknownEvents(chunk)
        if (!hasType) hasType = raw.source.fileType !== null || namesEventType(chunk, source)
        yield chunk
        if (stop.aborted) return
      }
      observer.finished(source)
    } catch (error) {
      if (!(error instanceof Braze2ampError) || error instanceof UnknownEventError) throw error
      observer.refused(source, error)
    }
    if (stop.aborted || remaining() <= 0) return
  }
}

async function* rawChunks(
  opened: Opened,
  format: Format | null,
  stop: AbortSignal,
  observer: Pick<Observer, 'opened'>,
): AsyncGenerator<RawChunk> {
  if ('error' in opened) throw opened.error
  const { input, source } = opened
  // A read that waits for a pipe must not outlast the wish to stop.
  const close = () => void input.close()
  stop.addEventListener('abort', close, { once: true })
  try {
    const chosen = await chooseFormat(input, format)
    if (chosen.format === null) return
    observer.opened?.(source, chosen.format)
    const cut = CUTTERS[chosen.format]
    if (cut === undefined) throw new UsageError(`${source.path} is ${chosen.format}, which is not read yet`)
    for await (const raw of cut(chosen.input)) {
      if (stop.aborted) return
      yield raw
    }
  } finally {
    stop.removeEventListener('abort', close)
    await input.close()
  }
}

/**
 * True when a record of the chunk has an event type.
 * @throws UsageError when the first record that could have one has none: then no record of its file can be expected to
 */
function namesEventType({ count, types, details }: MappedChunk, source: Source): boolean {
  for (let i = 0; i < count; i++) {
    if ((types[i] as number) >= 0) return true
    if (details.get(i) === NO_EVENT_TYPE) throw noEventType(source)
  }
  return false
}

function noEventType(source: Source): UsageError {
  return new UsageError(`${source.path} does not say which event type it holds`, {
    hint:
      'Give it in one of three ways: --event-type users.messages.email.Open, a folder event_type=users.messages.email.Open ' +
      'in its path, or a field event_type in each record.',
  })
}
