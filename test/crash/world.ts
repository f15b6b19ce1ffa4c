import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { destinationOf } from '../../src/commands/options/destination.ts'
import { Braze2ampError } from '../../src/errors.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import { NO_RULES } from '../../src/mapping/profiles.ts'
import type { RejectReason } from '../../src/model.ts'
import type { OpenStoredFile } from '../../src/read/stored-bytes.ts'
import { runSession } from '../../src/session/run-session.ts'
import type { Session } from '../../src/session/session.ts'
import type { Checkpoint, SavedInput } from '../../src/state/checkpoint.ts'
import type { FileSystem } from '../../src/state/file-system.ts'
import { RETRYING_FILE } from '../../src/state/input-plan.ts'
import type { Processes } from '../../src/state/processes.ts'
import { randomOf } from '../bench/generate.ts'
import { PLAIN } from '../harness.ts'
import { SETTINGS } from '../upload/harness.ts'
import { createVirtualTime } from '../upload/virtual-time.ts'
import { type Amplitude, createAmplitude, type SentEvent, type Trouble } from './amplitude.ts'
import type { Exports } from './exports.ts'
import { type Call, type Fate, PASS, withFaults } from './faults.ts'
import { type Choose, createMemoryDisk, type MemoryDisk } from './memory-disk.ts'

/** All that outlives a process: the disk, Amplitude, time, and the exports. */
export interface World {
  readonly disk: MemoryDisk
  readonly amplitude: Amplitude
  readonly state: string
  readonly paths: readonly string[]
  /** One process, from its start to its end, however that comes. */
  live(life: Life): Promise<Ended>
  /** The checkpoint that is there now; null when there is none. */
  checkpoint(): Checkpoint | null
  /** Lines of a log, so far as the checkpoint knows them. */
  lines(name: string): readonly string[]
}

export interface Life {
  /** Of each call of the file layer. */
  readonly fate?: (call: Call) => Fate
  readonly trouble?: readonly Trouble[]
  /** Its inputs, when they are not the exports. */
  readonly paths?: readonly string[]
  /** Opens them. */
  readonly openFile?: OpenStoredFile
  /** So long the disk takes to rename a file. */
  readonly renameMs?: number
  /** A person stops it after so many ms. */
  readonly stopAfterMs?: number
  /** A process of another host takes its lock after so many ms. */
  readonly isRobbedAfterMs?: number
  readonly limit?: number
  /** It begins so much later. */
  readonly afterMs?: number
  readonly unknown?: 'resend' | 'dead-letter'
  /** Sends the dead letters again instead of the exports. */
  readonly isRetry?: boolean
  /** Of a retry: only those letters. */
  readonly reason?: RejectReason | undefined
  /** The power fails at its end: what was not synced may be lost. */
  readonly losesPower?: Choose | null
}

interface Ended {
  /** Null when the process crashed, or ended in an error. */
  readonly exitCode: number | null
  readonly error: Error | null
  readonly calls: readonly Call[]
}

/** Low enough that a few events make an identity hot. */
const EVENTS_PER_SECOND = 1
/** So many of an identity wait in memory, with the same limit: more make it hot. */
const HELD_EVENTS = 8
/** Less than the longer exports have. */
const SIZES = { reservedBytes: 50_000, generation: 64 }
/** A lock that was not written, and the time of day, are old by then. */
const BETWEEN_LIVES_MS = 61_000

const OTHER_HOLDER = JSON.stringify({ pid: 1, host: 'elsewhere', startedAt: 1_767_225_600_000 })
const LONGEST_LIFE_MS = 3 * 3_600_000

const MAPPING_RULES = { ...NO_RULES, unknownEvents: 'derive' } as const

/** @param left files that are on the disk already */
export function createWorld(exports: Exports, left: ReadonlyMap<string, Buffer> = new Map()): World {
  const time = createVirtualTime({ withFiles: true })
  const disk = createMemoryDisk(time.wallClock)
  const amplitude = createAmplitude(time)
  const state = join(exports.root, 'state')
  const retrying = join(state, RETRYING_FILE)
  let mirroredLetters: Buffer | null = null
  const sentTooEarly: string[] = []
  mkdirSync(state, { recursive: true })
  let lives = 0
  for (const [path, content] of left) disk.plant(path, content)

  function checkpoint(): Checkpoint | null {
    const bytes = disk.files().get(`${state}/checkpoint.json`)
    return bytes === undefined ? null : JSON.parse(bytes.toString())
  }

  function lines(name: string): readonly string[] {
    const length = checkpoint()?.logs[name] ?? 0
    return linesOf(disk.files().get(`${state}/${name}`)?.subarray(0, length))
  }

  /** Ids of the events whose outcome the checkpoint has; dead letters that are about to be sent again do not count. */
  function known(isRetry: boolean): ReadonlySet<string> {
    const saved = checkpoint()
    const found = new Set<string>()
    if (saved === null) return found
    const whole = new Set(lines('files.ndjson').map((line) => JSON.parse(line).path))
    for (const [path, ids] of exports.ids) {
      const open = saved.open.find((input) => input.path === path)
      for (const [ordinal, id] of ids.entries()) {
        if (id !== null && (whole.has(path) || (open && isSettledIn(open, ordinal)))) found.add(id)
      }
    }
    for (const event of waitingIn(saved, disk, state)) found.delete(event.insert_id)
    const retried = saved.open.find(({ kind }) => kind === 'retry')
    if (retried === undefined && !isRetry) return found
    // Also when the process before was killed while it took the letters, or copied those that it leaves alone.
    const letters = retried === undefined ? lines('dead-letters.ndjson') : []
    for (const [ordinal, line] of [...linesOf(disk.files().get(retrying)), ...letters].entries()) {
      const isDone = retried !== undefined && isSettledIn(retried, ordinal)
      if (!isDone) found.delete(JSON.parse(line).event?.insert_id)
    }
    return found
  }

  /** Whatever befalls a process that has sent something, the next one must know that it may have. */
  function mustNotSayClean(): void {
    const bytes = disk.durable(`${state}/checkpoint.json`)
    if (bytes === null) sentTooEarly.push('something was sent before a checkpoint was durable')
    else if (JSON.parse(bytes.toString()).clean) sentTooEarly.push('something was sent while the state says clean')
  }

  /** Dead letters that are sent again are an input: they are read from the real disk, which has them as the simulated one does. */
  function mirror(): void {
    const letters = disk.files().get(retrying)
    if (letters === undefined) rmSync(retrying, { force: true })
    // Nobody may find it short while it is read.
    else if (mirroredLetters?.equals(letters) !== true) writeFileSync(retrying, letters)
    mirroredLetters = letters ?? null
  }

  function mirrored(fileSystem: FileSystem, renameMs: number): FileSystem {
    // Other worlds have the same directory.
    mirroredLetters = null
    mirror()
    return {
      ...fileSystem,
      async rename(from, to) {
        await time.sleep(renameMs)
        await fileSystem.rename(from, to)
        mirror()
      },
    }
  }

  return {
    disk,
    amplitude,
    state,
    paths: exports.paths,
    checkpoint,
    lines,
    async live(life) {
      const { fate = () => PASS, trouble = [], afterMs = 0, stopAfterMs, isRetry = false, losesPower = null } = life
      await time.run(time.sleep(BETWEEN_LIVES_MS + afterMs))
      const { fileSystem, calls, hasCrashed } = withFaults(mirrored(disk.boot(), life.renameMs ?? 0), fate)
      const connection = amplitude.connect({ trouble, isGone: hasCrashed, known: known(isRetry) })
      const connect = () => ({
        async post(body: Uint8Array) {
          if (!hasCrashed()) mustNotSayClean()
          return connection.post(body)
        },
        sendPlain: () => {},
        close: async () => {},
      })
      const stop = new AbortController()
      if (stopAfterMs !== undefined) void time.sleep(stopAfterMs).then(() => stop.abort('SIGINT'))
      if (life.isRobbedAfterMs !== undefined) {
        void time.sleep(life.isRobbedAfterMs).then(() => {
          if (disk.files().has(`${state}/lock`)) disk.plant(`${state}/lock`, OTHER_HOLDER)
        })
      }
      lives += 1
      const processes = aloneWithPid(lives)
      const machine = { fileSystem, clock: time, processes, connect, openFile: life.openFile, sizes: SIZES }
      const session = sessionOf(life.paths ?? exports.paths, state, life)
      const { write } = process.stderr
      process.stderr.write = () => true
      const ended = await time.run(
        Promise.race([
          runSession(session, stop.signal, machine).then(
            (exitCode) => ({ exitCode, error: null }),
            (error: Error) => ({ exitCode: null, error }),
          ),
          time.sleep(LONGEST_LIFE_MS).then(() => assert.fail('the process never ends')),
        ]),
      )
      process.stderr.write = write
      if (losesPower === null) disk.kill()
      else disk.powerFailure(losesPower)
      assert.deepEqual([...amplitude.violations, ...sentTooEarly], [])
      if (ended.error !== null && !hasCrashed() && !(ended.error instanceof Braze2ampError)) throw ended.error
      return { ...ended, calls }
    },
  }
}

/** The processes of a host on which nothing else runs. */
function aloneWithPid(pid: number): Processes {
  const self = { pid, processStart: pid, host: 'here', boot: 'boot', pidNamespace: 'namespace' }
  return { self: () => self, at: (other) => (other === pid ? self : null), haveNamespaces: true }
}

function isSettledIn({ from, settled }: Pick<SavedInput, 'from' | 'settled'>, ordinal: number): boolean {
  return ordinal < from.ordinal || settled.some(([start, end]) => start <= ordinal && ordinal < end)
}

/** Events that wait in lane files. */
function waitingIn({ lanes }: Checkpoint, disk: MemoryDisk, state: string): readonly SentEvent[] {
  return lanes.flatMap(({ file, bytes, settledLines, settled }) =>
    linesOf(disk.files().get(`${state}/lanes/${file}`)?.subarray(0, bytes)).flatMap((line, number) => {
      const isSettled = number < settledLines || settled.some(([from, to]) => from <= number && number < to)
      return isSettled ? [] : [JSON.parse(line).event]
    }),
  )
}

/** Whole ones: a crash may have torn the last. */
function linesOf(bytes: Buffer | undefined): readonly string[] {
  return bytes?.toString().split('\n').slice(0, -1) ?? []
}

function sessionOf(
  paths: readonly string[],
  state: string,
  { limit, unknown, isRetry = false, reason }: Pick<Life, 'limit' | 'unknown' | 'isRetry' | 'reason'>,
): Session {
  const upload = { api: 'http', region: 'us', endpoint: 'http://127.0.0.1:1', concurrency: 3, onQuota: 'wait' } as const
  return {
    title: 'Upload',
    options: {
      ...upload,
      state,
      dedupe: true,
      quiet: true,
      progress: false,
      ...(limit !== undefined && { limit }),
      ...(unknown !== undefined && { unknown }),
    },
    destination: destinationOf({ ...upload, state }),
    settings: { ...SETTINGS, concurrency: 3, batchSize: 7, deviceEventsPerSecond: EVENTS_PER_SECOND },
    key: 'key',
    mapping: compileMapping(PLAIN, MAPPING_RULES),
    choices: {
      include: [],
      exclude: [],
      since: null,
      until: null,
      eventType: null,
      format: null,
      csvDelimiter: null,
      csvQuote: null,
      csvEscape: null,
      shard: null,
      dedupe: true,
      skipUserPropertiesSync: false,
    },
    format: null,
    csv: {},
    shard: undefined,
    kind: isRetry
      ? { is: 'retry', reason: reason ?? null }
      : { is: 'replay', given: paths, paths: () => paths, bytes: null, facts: null },
    ask: null,
  }
}

/** What must be the same however often a run was killed. */
export interface Outcome {
  readonly figures: object
  /** Reason and place of each. */
  readonly letters: readonly string[]
  readonly files: readonly string[]
  readonly arrived: readonly string[]
  readonly taken: readonly string[]
}

/** How a run that has ended stands on the disk. */
export function outcomeOf({ checkpoint, lines, amplitude, disk, state }: World): Outcome {
  const saved = checkpoint()
  assert.ok(saved !== null)
  const { read, accepted, pending, rejected, skipped, warnings, byType, unsettled } = saved.counts
  const names = [...disk.files().keys()].filter((path) => dirname(path) !== state || path.endsWith('.new'))
  return {
    figures: {
      ...{ read, accepted, pending, rejected, skipped, warnings, byType, unsettled },
      ...{ complete: saved.complete, clean: saved.clean, open: saved.open, lanes: saved.lanes, names },
    },
    letters: lines('dead-letters.ndjson')
      .map((line) => {
        const { reason, source, event_type: type, event } = JSON.parse(line)
        return `${reason} ${source.file}:${source.position} ${type} ${event?.insert_id ?? 'no event'}`
      })
      .sort(),
    files: lines('files.ndjson')
      .map((line) => {
        const { path, size, records } = JSON.parse(line)
        return `${path} ${size} ${records}`
      })
      .sort(),
    arrived: [...amplitude.arrived].sort(),
    taken: [...amplitude.taken].sort(),
  }
}

/** Crashes at a call that differ from one another, and from those at its neighbours: after it is before the next. */
export function crashesAt({ operation }: Call): readonly ('before' | 'torn')[] {
  return operation === 'write' ? ['before', 'torn'] : ['before']
}

/** Picks from a seed: what a power failure keeps. */
export function chooseFrom(seed: number): Choose {
  const random = randomOf(seed)
  return (options) => Math.floor(random() * options)
}

/** The outcome of a run that nothing befell. */
export async function uninterrupted(
  exports: Exports,
  life: Life = {},
): Promise<Outcome & { readonly calls: readonly Call[] }> {
  const world = createWorld(exports)
  const { error, calls } = await world.live(life)
  assert.equal(error, null)
  const outcome = outcomeOf(world)
  const ids = [...exports.ids.values()].flat().filter((id) => id !== null)
  for (const id of ids) assert.ok(outcome.arrived.includes(id), `${id} never arrived`)
  assertInOrder(world, exports, Number.POSITIVE_INFINITY)
  return { ...outcome, calls }
}

/**
 * The events of each user, or of a device without one, came for the first time in the order of the inputs.
 * @param most looks only at those of whose identities none has more events: what one process had in memory comes behind what it had in a lane file
 */
export function assertInOrder({ amplitude }: World, exports: Exports, most = HELD_EVENTS): void {
  const places = new Map(Array.from(amplitude.taken, (id, place) => [id, place]))
  for (const [owner, ids] of exports.owners) {
    if ((exports.crowds.get(owner) ?? 0) > most) continue
    const found = ids.filter((id) => places.has(id))
    const came = [...found].sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))
    assert.deepEqual(came, found, `the events of ${owner} in their order`)
  }
}

/** A directory of its own for each example, below one that goes after the tests. */
export function directories(root: string): () => string {
  let count = 0
  return () => join(root, String(count++))
}
