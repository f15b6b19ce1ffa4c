import { readFileSync } from 'node:fs'
import { type Clock, systemClock } from '../clock.ts'
import { Braze2ampError, UsageError } from '../errors.ts'
import { mappingHash } from '../map/mapping-hash.ts'
import type { Mapping } from '../map/plan.ts'
import type { Format } from '../read/detect.ts'
import { endReport } from '../report/end-report.ts'
import type { Shard } from '../shard.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import { type Claim, claimState, inDirectory, makeDirectory } from '../state/claim.ts'
import { DELIVERED_FILE, openDeliveredFiles } from '../state/delivered-files.ts'
import { stoppedByDisk } from '../state/disk-failure.ts'
import { diskFileSystem, type FileSystem } from '../state/file-system.ts'
import { type InputPlan, planInputs } from '../state/input-plan.ts'
import { moveAside } from '../state/move-aside.ts'
import { fingerprintOf, type RunChoices, type RunIdentity } from '../state/run-identity.ts'
import { openRunState, type RunState, type RunStateOptions } from '../state/run-state.ts'
import { DEAD_LETTERS_FILE } from '../state/state-directory.ts'
import { whileHeld } from '../state/while-held.ts'
import { createHttpClient } from '../upload/http-client.ts'
import type { UploadSettings } from '../upload/upload-settings.ts'
import { createUploader, MOST_CONCURRENCY, type Uploader } from '../upload/uploader.ts'
import type { Destination } from './destination.ts'
import { conclude, publish } from './ending.ts'
import type { RunOptions, UploadOptions } from './replay-options.ts'
import { type OpenSink, runReplay } from './replay-run.ts'
import { type Ask, type Decision, decide } from './resume.ts'
import { interruptedCode } from './run.ts'

type SessionOptions = Pick<RunOptions, 'limit' | 'dedupe' | 'maxErrors' | 'summary' | 'json' | 'quiet' | 'progress'> &
  Omit<UploadOptions, 'apiKey' | 'apiKeyFile' | 'region'>

/** An upload, whatever its records come from: exports under `replay`, dead letters under `retry`. */
export interface Session {
  readonly title: string
  readonly options: SessionOptions
  readonly destination: Destination
  readonly settings: UploadSettings
  readonly key: string
  readonly mapping: Mapping
  readonly choices: RunChoices
  readonly format: Format | null
  readonly shard: Shard | undefined
  /** Paths in the run's order; null to send dead letters again, and nothing else. */
  readonly paths: (() => Iterable<string>) | null
  /** Bytes of all inputs; null when nobody knows. */
  readonly bytes: number | null
  /** What is shown before anything is sent to a project for the first time. */
  readonly facts: (() => string) | null
  /** Changes the checkpoint that the run goes on from, when it is certain that it does. */
  readonly prepare?: (saved: Checkpoint | null, fileSystem: FileSystem) => Promise<Checkpoint | null>
  readonly ask: Ask
}

/** What an upload asks of the world outside, but for its inputs: a parameter, so that tests can crash it at any call. */
interface Machine {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly connect: typeof createHttpClient
  readonly sizes?: RunStateOptions['sizes']
}

const THIS_MACHINE: Machine = { fileSystem: diskFileSystem, clock: systemClock, connect: createHttpClient }

/** Claims the state, decides, uploads, and reports; returns the exit code. */
export async function runSession(session: Session, signal: AbortSignal, machine = THIS_MACHINE): Promise<number> {
  const { options } = session
  const { clock } = machine
  const place = { fileSystem: machine.fileSystem, directory: options.state, clock }
  const lost = new AbortController()
  const fileSystem = whileHeld(machine.fileSystem, lost.signal)
  const held = { ...machine, fileSystem }
  const claim = await claimState(place)
  let { lock } = claim
  try {
    const opening = await openingOf(session, claim, signal, held)
    if (signal.aborted) return interruptedCode(signal)
    lock ??= await makeDirectory(place)
    lock.lost.addEventListener('abort', () => lost.abort(lock?.lost.reason), { once: true })
    const { movesAside } = opening.decision
    if (movesAside !== null) {
      const moving = moveAside(fileSystem, options.state, clock.wallClock())
      const name = await inDirectory(options.state, moving)
      const what = movesAside.undelivered === null ? '' : `, with ${movesAside.undelivered} undelivered,`
      if (!options.quiet) say(`the state before${what} was moved to ${options.state}/${name}`)
    }
    return await upload(session, opening, lost.signal, signal, held)
  } finally {
    await lock?.release()
  }
}

interface Opening {
  readonly decision: Decision
  readonly delivered: Awaited<ReturnType<typeof openDeliveredFiles>>
  readonly plan: InputPlan
}

/** Everything that may refuse the invocation, or ask; nothing of the state is changed by then. */
async function openingOf(
  session: Session,
  claim: Claim,
  signal: AbortSignal,
  { fileSystem, clock }: Machine,
): Promise<Opening> {
  const { options, ask } = session
  const nowMs = clock.wallClock()
  const decision = await decide(claim, identityOf(session, nowMs), options, nowMs, ask)
  const { run, saved } = decision
  const length = saved === null ? null : (saved.logs[DELIVERED_FILE] ?? 0)
  const opened = openDeliveredFiles({ fileSystem, directory: options.state, length, run })
  const delivered = await inDirectory(options.state, opened)
  const plan = await planInputs({
    directory: options.state,
    paths: session.paths,
    open: saved?.open ?? [],
    delivered,
    run: run.id,
    resend: options.resend ?? false,
  })
  if (!run.confirmed && session.facts !== null && !session.destination.isLocal) {
    if (!options.quiet) say(session.facts())
    const isYes = options.yes || ask === null || (await ask('Send?'))
    if (!isYes && !signal.aborted) throw new UsageError('nothing was sent', { hint: 'Answer y, or give --yes.' })
  }
  return { decision: { ...decision, run: { ...run, confirmed: true } }, delivered, plan }
}

function identityOf(
  { options, destination, key, mapping, choices }: Session,
  createdAt: number,
): Omit<RunIdentity, 'id'> {
  return {
    tool: `braze2amp ${version()}`,
    createdAt,
    origin: destination.url.origin,
    endpoint: destination.base,
    api: options.api,
    keyFingerprint: fingerprintOf(key),
    mappingHash: mappingHash(mapping),
    options: choices,
    confirmed: false,
  }
}

async function upload(
  session: Session,
  { decision, delivered, plan }: Opening,
  lockLost: AbortSignal,
  signal: AbortSignal,
  { fileSystem, clock, connect, sizes }: Machine,
): Promise<number> {
  const { options, destination, key, mapping } = session
  const { run, unknownSince, rejectsUnknown } = decision
  const tell = options.quiet ? () => {} : say
  const { settings } = session
  const failure = new AbortController()
  const fail = (error: unknown) => failure.abort(stoppedByDisk(error))
  lockLost.addEventListener('abort', () => failure.abort(lockLost.reason), { once: true })
  const saved = session.prepare
    ? await inDirectory(options.state, session.prepare(decision.saved, fileSystem))
    : decision.saved
  const opened = openRunState({
    fileSystem,
    directory: options.state,
    clock,
    run,
    saved,
    unknownSince,
    delivered,
    plan: session.prepare ? await planAgain(session, saved, delivered, run.id) : plan,
    resend: options.resend ?? false,
    dedupe: options.dedupe,
    books: {
      limit: options.limit ?? Number.POSITIVE_INFINITY,
      maxErrors: options.maxErrors ?? null,
      rejectsUnknown,
      types: mapping,
    },
    stop: AbortSignal.any([signal, failure.signal]),
    onFailure: fail,
    sizes,
  })
  const state = await inDirectory(options.state, opened)
  for (const { path } of session.paths === null ? [] : plan.parked)
    tell(`${path} was begun and is not among the paths: it stays as it is`)
  const client = connect({
    url: destination.url,
    connections: settings.concurrency === 'auto' ? MOST_CONCURRENCY : settings.concurrency,
    gzip: options.gzip ?? false,
    version: version(),
  })
  const files = { finished: 0, refused: 0 }
  const before = state.ledger.counts()
  let uploader: Uploader | null = null

  async function openSink(print: (line: string) => void): Promise<OpenSink> {
    const startMs = clock.now()
    const opened = createUploader({
      settings,
      key,
      client,
      ledger: state.ledger,
      letters: state.letters,
      openLanes: (eventsPerSecond, onRead, onFailure) =>
        state.openLanes({
          eventsPerSecond,
          typeName: (type) => mapping.typeNames[type] ?? null,
          onRead,
          onFailure,
        }),
      types: mapping,
      clock,
      random: Math.random,
      savedQuota: saved?.quota ?? [],
      rejectsUnknown,
      onSettled: state.changed,
      signal,
      failure,
      tell: options.quiet ? () => {} : print,
    })
    uploader = opened
    await state
      .begin({
        quota: opened.quota,
        sent: () => {
          const { requests, byStatus, retries, heldIdentities, heldMs, ...rest } = opened.figures()
          const { deferredEvents, deferredFiles, busiest, bestEventsPerSecond } = rest
          const durationMs = clock.now() - startMs
          const traffic = { requests, byStatus, retries, heldIdentities, heldMs }
          return { ...traffic, deferredEvents, deferredFiles, busiest, bestEventsPerSecond, durationMs }
        },
        files: () => files,
      })
      .catch(fail)
    return sinkOf(opened, state)
  }

  try {
    const ended = await runReplay({
      inputs: {
        sources: state.inputs.sources(),
        format: session.format,
        shard: session.shard,
        progress: state.inputs,
      },
      overview: { bytes: session.bytes },
      mapping,
      ledger: state.ledger,
      files,
      progress: options.quiet || !options.progress ? 'none' : process.stderr.isTTY ? 'bar' : 'lines',
      signal,
      openSink,
    }).finally(() => client.close())
    const isClean = uploader === null || (uploader as Uploader).isClean()
    // After a bug the picture may be wrong; the last checkpoint is not.
    const isSound = ended.error === null || ended.error instanceof Braze2ampError
    if (!lockLost.aborted && isSound) {
      const isAtEnd = ended.stop === null && ended.error === null && ended.counts.pending === 0
      const isComplete = isAtEnd && plan.parked.length === 0
      await state.end({ isClean, isComplete }).catch(fail)
    }
    const sent = { ...state.sent(), eventsPerSecondOfIdentity: ended.sent?.eventsPerSecondOfIdentity ?? 1 }
    const {
      summary,
      exitCode,
      failure: error,
    } = conclude(
      { ...ended, sent, durationMs: sent.durationMs, stop: ended.stop ?? (failure.signal.aborted ? 'sink' : null) },
      saved !== null,
    )
    publish(summary, options, (line) => process.stdout.write(`${line}\n`))
    const letters = summary.rejected.total > 0 ? `${options.state}/${DEAD_LETTERS_FILE}` : null
    tell(endReport(summary, session.title, letters))
    const { read, pending } = state.ledger.counts()
    const isSame = read === before.read && pending === before.pending
    if (session.paths !== null && saved !== null && error === null && isSame) tell('nothing new')
    if (error !== null) throw error
    return exitCode
  } finally {
    await state.close().catch(() => {})
  }
}

function planAgain(
  session: Session,
  saved: Checkpoint | null,
  delivered: Opening['delivered'],
  run: string,
): Promise<InputPlan> {
  const { state: directory, resend = false } = session.options
  return planInputs({ directory, paths: session.paths, open: saved?.open ?? [], delivered, run, resend })
}

function sinkOf(uploader: Uploader, state: RunState): OpenSink {
  return {
    sink: uploader,
    sent: () => {
      const figures = uploader.figures()
      return { ...state.sent(), eventsPerSecondOfIdentity: figures.eventsPerSecondOfIdentity }
    },
    picture: () => {
      const figures = uploader.figures()
      return {
        eventsPerSecond: figures.eventsPerSecond,
        inFlight: figures.inFlight,
        held: figures.hotIdentities,
        deferred: figures.deferredEvents,
        retries: figures.retries,
        waiting: figures.eventsInMemory + figures.eventsInFiles,
        longestLane: figures.longestLane,
        eventsPerSecondOfIdentity: figures.eventsPerSecondOfIdentity,
      }
    },
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function version(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  return manifest.version
}
