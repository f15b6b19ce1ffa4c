import { ChangedInputError, ReplacedInputError } from '../errors.ts'
import type { OpenSource, RawChunk, Restart, Source } from '../model.ts'
import { type AtPath, compareWithPath } from '../read/compare-with-path.ts'
import { compareInputs, STDIN } from '../read/file-list.ts'
import { createTrailingFingerprint, EMPTY_FINGERPRINT, type Fingerprint, matchBytes } from '../read/fingerprint.ts'
import type { OpenInput, ReadGate } from '../read/open.ts'
import type { Checkpoint, Reservation, SavedInput } from './checkpoint.ts'
import type { DeliveredFile, DeliveredFiles } from './delivered-files.ts'
import { grownFrom, type InputPlan, mustBeSame, RETRYING_FILE, sentAgain } from './input-plan.ts'
import { createReadingOrder, type OrderedInput } from './reading-order.ts'
import { type ChunkTicket, createSettled, NOTHING_SETTLED, type Origin, type Settled } from './settled.ts'
import { createStandardInput } from './standard-input.ts'

/**
 * The inputs of an upload: which inputs are open and how far each is read, how far reading may go, and which records the previous
 * process may have sent already (state/README.md §2, §3).
 *
 * Invariants:
 * - Nothing is read at or beyond `reservedTo` of the last durable checkpoint: the next 32 MB as stored, across files.
 * - An input is in `open` from its first chunk on. Once all its records are settled, the next snapshot has a line of `files.ndjson`
 *   instead.
 * - Fingerprints are of the bytes that were read, never of what a path leads to later. So when a file is replaced while it is read, its
 *   line describes the bytes that were read, and the new file at the path is known as another.
 * - Inputs that were open come first, then the others in the run's order.
 */
export interface Inputs extends InputProgress {
  /** All sources to read, in order. */
  sources(): Iterable<Source>
  /** The inputs' part of a snapshot, with old fingerprints (see `fingerprinted`). */
  snapshot(): Pick<Checkpoint, 'open' | 'reservedTo'>
  /** `open` of the last snapshot, with fingerprints of the files up to where they are read by now. */
  fingerprinted(open: readonly SavedInput[]): SavedInput[]
  /** Notes that the checkpoint with the last snapshot is durable: reading may go on to its reservation. */
  saved(): void
  /** True when every record that the previous process may have sent is read again. False while an input with some is parked. */
  arePastUnknown(): boolean
  /** True when every dead letter that is sent again is settled: `retrying.ndjson` can be deleted. */
  isRetryDone(): boolean
}

/** Which records of the inputs are settled, over all processes of a run. */
export interface InputProgress {
  readonly gate: ReadGate
  /** True for dead letters that are sent again. All of them belong to this shard, whatever their identity. */
  isRetry(source: Source): boolean
  /** Begins an input; resolves to where reading begins. @throws Braze2ampError when the input is not the one that was begun */
  begin(input: Pick<OpenInput, 'source' | 'file'>): Promise<Restart>
  /** A ticket for the chunk's records. To be called once for each chunk, in input order. */
  take(raw: RawChunk): ChunkTicket
  /** Corrects the ticket taken last: only its first `count` records were read. */
  shorten(ticket: ChunkTicket, count: number): void
  /**
   * Notes that every record of the input was taken. The input's file is still open.
   * @throws ReplacedInputError when another file is at its path by now: the records that were read cannot be read again
   */
  ended(input: Pick<OpenInput, 'source' | 'file'>): Promise<void>
  /** The input that `ended` found replaced; null when there is none. */
  replaced(): Origin | null
  /** Notes that the source cannot be read at all. */
  refused(source: Source): void
  /** Notes that there are no more sources. */
  finished(): void
}

interface InputOptions {
  readonly plan: InputPlan
  readonly delivered: DeliveredFiles
  readonly run: { readonly id: string; readonly keyFingerprint: string; readonly mappingHash: string }
  /** How far the previous process may have read; null when it left nothing unknown. */
  readonly unknownTo: Reservation | null
  readonly resend: boolean
  readonly wallClock: () => number
  /** Resolves when a checkpoint taken after the call is durable. */
  readonly save: () => Promise<void>
  readonly onFailure: (error: unknown) => void
  /** When it aborts, nothing more is read. */
  readonly stop: AbortSignal
  /** How much may be read between two checkpoints, in bytes as stored. Tests give a number other than 32 MB. */
  readonly reservedBytes?: number | undefined
}

/** How much may be read between two checkpoints, in bytes as stored (state/README.md §2). */
const RESERVED_BYTES = 32 << 20
/** The share of these bytes after which the next checkpoint begins: early enough that no read waits for it, but not more often. */
const SAVE_AT = 0.75

interface OpenState {
  readonly input: OrderedInput
  readonly kind: SavedInput['kind']
  readonly origin: Origin
  readonly settled: Settled
  readonly savedReadTo: number
  /** True when the checkpoint had the input as open: its records up to `unknownTo` may have been sent. */
  readonly wasOpen: boolean
  /** Records of the delivery, when a delivered input is read again; null otherwise. With no more records than these, nothing is new. */
  readonly deliveredRecords: number | null
  source: OpenSource | null
  fingerprint: Fingerprint
  /** The fingerprint of the whole input; set when the input was read to its end. */
  whole: Fingerprint | null
  /** The time of the file's last change, as of its opening. */
  mtimeMs: number
}

interface Place {
  readonly number: number
  readonly byte: number
}

export function createInputs(options: InputOptions): Inputs {
  const { plan, delivered, run, unknownTo, resend, save, onFailure, stop, reservedBytes = RESERVED_BYTES } = options
  const readingOrder = createReadingOrder([...plan.resumed.map(({ path }) => path)], plan.fresh)
  const open = new Map<string, OpenState>()
  const stdin = createStandardInput(plan.streams.length > 0)
  /** The furthest place that was read. */
  let furthest: Place = { number: 0, byte: 0 }
  /** How far reading may go: `reserved` by the last snapshot, `granted` by the last durable checkpoint. */
  let reserved: Place = { number: -1, byte: 0 }
  let granted = reserved
  let readSinceGrant = 0
  let isSaving = false
  /** The last source that is closed. The next source is being read; any later one is only opened ahead. */
  let lastLeft = -1
  let isPastUnknown = unknownTo === null
  let replaced: Origin | null = null
  /** Reads that wait until they may go on. */
  let waiting: (() => void)[] = []
  stop.addEventListener('abort', wakeReaders, { once: true })

  for (const [number, { path, saved, expected, wasOpen }] of plan.resumed.entries()) {
    const entry = readingOrder.at(number)
    if (entry === null) throw new Error('an input that was begun is not among the sources')
    open.set(path, stateOf(entry, saved, wasOpen))
    if (expected !== null) stdin.expect(expected, saved.from.byte)
    if (number === 0 && wasOpen) furthest = { number, byte: saved.fingerprint.byte }
  }

  function wakeReaders(): void {
    const all = waiting
    waiting = []
    for (const wake of all) wake()
  }

  function stateOf(entry: OrderedInput, saved: SavedInput | null, wasOpen: boolean): OpenState {
    const kind = saved?.kind ?? 'input'
    const origin: Origin = { kind, accepted: saved?.accepted ?? 0 }
    return {
      input: entry,
      kind,
      origin,
      settled: createSettled(saved ?? NOTHING_SETTLED, origin),
      savedReadTo: saved?.readTo ?? 0,
      wasOpen,
      deliveredRecords: saved !== null && !wasOpen && saved.settled.length > 0 ? saved.readTo : null,
      source: null,
      fingerprint: saved?.fingerprint ?? EMPTY_FINGERPRINT,
      whole: null,
      mtimeMs: 0,
    }
  }

  function stateFor(source: Source): OpenState {
    const known = open.get(source.path)
    if (known !== undefined) return known
    const entry = readingOrder.at(source.number)
    if (entry === null) throw new Error(`${source.path} is not among the sources`)
    const begun = stateOf(entry, null, false)
    open.set(source.path, begun)
    return begun
  }

  /** The place that is `reservedBytes` ahead of where reading is. */
  function reserve(): Place {
    let { number, byte } = furthest
    let left = reservedBytes
    for (;;) {
      const here = Math.max(0, (readingOrder.at(number)?.size ?? Number.POSITIVE_INFINITY) - byte)
      if (left <= here || readingOrder.at(number + 1) === null) return { number, byte: byte + left }
      left -= here
      number += 1
      byte = 0
    }
  }

  async function saveNow(): Promise<boolean> {
    isSaving = true
    try {
      await save()
      return true
    } catch (error) {
      onFailure(error)
      return false
    } finally {
      isSaving = false
    }
  }

  function roomOf({ number }: Source, byte: number): number {
    if (number < granted.number) return Number.POSITIVE_INFINITY
    return number > granted.number ? 0 : Math.max(0, granted.byte - byte)
  }

  /** True when the previous process may have read, and so sent, the records of this chunk. */
  function isUnknown(state: OpenState, { restart, source }: RawChunk): boolean {
    if (isPastUnknown || unknownTo === null) return false
    const order = source.path === unknownTo.path ? 0 : state.wasOpen ? -1 : compareInputs(source.path, unknownTo.path)
    if (order !== 0) return order < 0
    // The stored byte at which a record of an encoded file begins is not known: the whole file counts as unknown.
    return source.isEncoded || restart.byte < unknownTo.byte
  }

  function lineOf({ settled, origin, input: { source }, whole, mtimeMs }: OpenState): DeliveredFile {
    const { byte: size, head, tail } = whole ?? EMPTY_FINGERPRINT
    const { id, keyFingerprint, mappingHash } = run
    return {
      path: source.path,
      size,
      mtime: mtimeMs,
      head,
      tail,
      records: settled.readTo(),
      accepted: origin.accepted,
      run: id,
      keyFingerprint,
      mappingHash,
      at: options.wallClock(),
    }
  }

  /** @throws ChangedInputError when the file, while it was read, lost bytes before the place where reading began */
  function wholeOf({ input: { source, trail } }: OpenState): Fingerprint {
    if (source.path === STDIN) return stdin.whole()
    const whole = trail === null ? EMPTY_FINGERPRINT : trail.take()
    if (whole === null) throw fewerRecords(source.path)
    return whole
  }

  /** False while an input is parked: the records of it that the previous process may have sent stay unknown. */
  function arePastUnknown(): boolean {
    return isPastUnknown && (unknownTo === null || plan.parked.length === 0)
  }

  /** The further of two places in the order of reading. */
  function further(place: Place, other: Reservation): Reservation {
    const path = readingOrder.at(place.number)?.source.path ?? STDIN
    const number = open.get(other.path)?.input.source.number ?? null
    const order =
      path === other.path ? 0 : number === null ? compareInputs(path, other.path) : place.number < number ? -1 : 1
    if (order === 0) return { path, byte: Math.max(place.byte, other.byte) }
    return order < 0 ? other : { path, byte: place.byte }
  }

  /** A stream that begins like a delivered one is taken for its continuation. */
  function beginStream(source: OpenSource): void {
    const stream = stdin.begin(source, plan.streams)
    if (stream === null || open.has(STDIN)) return
    if (stream.run !== run.id) {
      if (resend) return
      throw deliveredStream(stream)
    }
    const saved = resend ? sentAgain(STDIN) : grownFrom(STDIN, stream)
    if (!resend) stdin.expect(saved.fingerprint, saved.fingerprint.byte)
    const entry = readingOrder.at(source.number)
    if (entry !== null) open.set(STDIN, stateOf(entry, saved, false))
  }

  return {
    gate: {
      async room(source, byte) {
        while (!stop.aborted) {
          const room = roomOf(source, byte)
          if (room > 0) return room
          // An input that is only opened ahead asks for no checkpoint.
          if (source.number > lastLeft + 1) {
            await new Promise<void>((resolve) => {
              waiting.push(resolve)
            })
          } else if (!(await saveNow())) break
        }
        return 0
      },
      passed(source, bytes, byte) {
        const entry = readingOrder.at(source.number)
        if (source.path === STDIN) stdin.passed(bytes)
        else if (entry !== null) {
          entry.trail ??= createTrailingFingerprint()
          entry.trail.add(bytes, byte)
        }
        if (entry !== null) entry.stored = byte
        if (source.number > furthest.number || (source.number === furthest.number && byte > furthest.byte)) {
          furthest = { number: source.number, byte }
        }
        readSinceGrant += bytes.length
        if (readSinceGrant >= reservedBytes * SAVE_AT && !isSaving) void saveNow()
      },
      holds: (source) => source.path === STDIN && stdin.holds(),
      ended(source) {
        if (source.path === STDIN) stdin.ended()
      },
      left(source) {
        lastLeft = Math.max(lastLeft, source.number)
        const entry = readingOrder.at(source.number)
        if (entry !== null) entry.size = entry.stored
        wakeReaders()
      },
    },
    isRetry: ({ path }) => open.get(path)?.kind === 'retry',
    async begin({ source, file }) {
      if (source.path === STDIN) beginStream(source)
      const state = stateFor(source)
      state.source = source
      // The plan compared the file by its path, which may lead to another file by now.
      if (file !== null && state.fingerprint.byte > 0) {
        mustBeSame(source.path, await matchBytes(file.readAt, state.fingerprint), state.fingerprint)
      }
      return state.settled.save().from
    },
    take(raw) {
      const state = stateFor(raw.source)
      const unknown = isUnknown(state, raw)
      if (!unknown && !state.wasOpen) isPastUnknown = true
      return state.settled.take(raw.count, raw.restart, unknown)
    },
    shorten(ticket, count) {
      for (const { origin, settled } of open.values()) if (origin === ticket.origin) settled.shorten(ticket, count)
    },
    async ended({ source, file }) {
      const state = stateFor(source)
      if (state.settled.readTo() < state.savedReadTo) throw fewerRecords(source.path)
      const whole = wholeOf(state)
      const found = file === null ? 'same' : await compareWithPath(source.path, file, whole)
      state.whole = whole
      state.mtimeMs = file?.facts.mtimeMs ?? 0
      state.input.trail = null
      state.settled.end()
      if (found === 'replaced' || found === 'changed') {
        replaced = state.origin
        throw notWhatWasRead(source.path, found)
      }
    },
    replaced: () => replaced,
    refused(source) {
      const state = open.get(source.path)
      if (state === undefined || state.kind === 'retry') return
      // The records that an earlier process settled stay settled.
      if (!state.wasOpen && state.savedReadTo === 0 && state.settled.readTo() === 0) open.delete(source.path)
    },
    finished() {
      isPastUnknown = true
    },
    sources: () => readingOrder.sources(),
    snapshot() {
      for (const [path, state] of open) {
        if (!state.settled.isComplete()) continue
        open.delete(path)
        if (state.kind !== 'retry' && state.deliveredRecords !== state.settled.readTo()) delivered.add(lineOf(state))
      }
      reserved = reserve()
      readingOrder.forgetBefore(furthest.number - 1)
      const path = readingOrder.at(reserved.number)?.source.path
      const reached = path === undefined ? null : { path, byte: reserved.byte }
      return {
        reservedTo: unknownTo === null || arePastUnknown() ? reached : further(reserved, unknownTo),
        open: [
          ...Array.from(open, ([each, { kind, fingerprint, settled, origin }]) => ({
            path: kind === 'retry' ? RETRYING_FILE : each,
            kind,
            fingerprint,
            ...settled.save(),
            accepted: origin.accepted,
          })),
          ...plan.parked,
        ],
      }
    },
    fingerprinted(saved) {
      const states = [...open.values()]
      return saved.map((input) => {
        const state = states.find(({ kind, input: { source } }) =>
          kind === 'retry' ? input.kind === 'retry' : source.path === input.path,
        )
        if (!state?.source) return input
        const { stored, trail } = state.input
        const found = state.source.path === STDIN ? stdin.before(stored) : (state.whole ?? trail?.take() ?? null)
        // Records are known by their ordinals, so no byte may change that was read, in this process or an earlier one.
        if (found !== null && found.byte >= state.fingerprint.byte) state.fingerprint = found
        return { ...input, fingerprint: state.fingerprint }
      })
    },
    saved() {
      granted = reserved
      readSinceGrant = 0
      wakeReaders()
    },
    arePastUnknown,
    isRetryDone: () => [...open.values(), ...plan.parked].every(({ kind }) => kind !== 'retry'),
  }
}

function fewerRecords(path: string): ChangedInputError {
  return new ChangedInputError(`${path} holds fewer records than were read of it before`, {
    hint: 'Put back the file as it was to go on; --fresh begins anew and moves this state aside.',
  })
}

function notWhatWasRead(path: string, found: AtPath): ReplacedInputError {
  return new ReplacedInputError(`${path} was ${found} while it was read`, {
    hint:
      'What was read of it is sent, or waits in the state, and counts as delivered; what lies there now was not read. If these are ' +
      'other records, give the file another name, and the same command goes on with it; if they are corrected ones, --resend sends ' +
      'all of them.',
  })
}

function deliveredStream({ at, accepted, run }: DeliveredFile): ChangedInputError {
  const when = new Date(at).toISOString()
  return new ChangedInputError(
    `standard input was delivered into this project by another run: ${accepted} events at ${when}, run ${run}`,
    { hint: 'Nothing of it was sent. --resend sends it all the same.' },
  )
}
