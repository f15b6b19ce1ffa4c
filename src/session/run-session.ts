import { Braze2ampError, interruptedCode } from '../errors.ts'
import { endReport } from '../report/end-report.ts'
import { createPrinter } from '../report/printer.ts'
import { claimState, inDirectory, makeDirectory, moveAside } from '../state/claim.ts'
import { stoppedByDisk } from '../state/file-system.ts'
import { whileHeld } from '../state/lock.ts'
import type { RunState } from '../state/run-state.ts'
import type { HttpClient } from '../upload/http-client.ts'
import { createUploader, MOST_CONCURRENCY, type Uploader } from '../upload/uploader.ts'
import { version } from '../version.ts'
import { conclude, type Ended, publish } from './conclude.ts'
import { type OpenSink, runReplay } from './drive.ts'
import { type Opening, openingOf, openState } from './open-run.ts'
import { type Machine, type Session, THIS_MACHINE, tellerOf } from './session.ts'

/** Claims the state, decides, uploads, and reports; returns the exit code. */
export async function runSession(session: Session, signal: AbortSignal, machine = THIS_MACHINE): Promise<number> {
  const { options } = session
  const { clock, processes } = machine
  const place = { fileSystem: machine.fileSystem, directory: options.state, clock, processes, tell: tellerOf(session) }
  const lost = new AbortController()
  const claim = await claimState(place)
  let { lock } = claim
  const prove = async () => lock?.prove()
  const fileSystem = whileHeld(machine.fileSystem, prove)
  const connect: Machine['connect'] = (to) => postingWhileHeld(machine.connect(to), prove)
  const held = { ...machine, fileSystem, connect }
  try {
    const opening = await openingOf(session, claim, signal, held).catch((error: unknown) => {
      // Ctrl-C at a question is no answer to it.
      if (signal.aborted) return null
      throw error
    })
    if (opening === null || signal.aborted) return interruptedCode(signal)
    lock ??= await makeDirectory(place)
    lock.lost.addEventListener('abort', () => lost.abort(lock?.lost.reason), { once: true })
    // It may have been lost while a question was open.
    if (lock.lost.aborted) throw lock.lost.reason
    const { movesAside } = opening.decision
    if (movesAside !== null) {
      const moving = moveAside(fileSystem, options.state, clock.wallClock())
      const name = await inDirectory(options.state, moving)
      const what = movesAside.undelivered === null ? '' : `, with ${movesAside.undelivered} undelivered,`
      tellerOf(session)(`the state before${what} was moved to ${options.state}/${name}`)
    }
    return await upload(session, opening, { signal, lockLost: lost.signal }, held)
  } finally {
    await lock?.release()
  }
}

/** Sends nothing any more once `prove` rejects: the process that has the state now sends the same events. */
function postingWhileHeld(client: HttpClient, prove: () => Promise<void>): HttpClient {
  return {
    ...client,
    async post(body) {
      await prove()
      return client.post(body)
    },
  }
}

/** What ends an upload early. */
interface Stops {
  /** The user's wish. */
  readonly signal: AbortSignal
  /** Another process has taken the state over. */
  readonly lockLost: AbortSignal
}

async function upload(
  session: Session,
  opening: Opening,
  { signal, lockLost }: Stops,
  machine: Machine,
): Promise<number> {
  const { options, settings, destination, mapping } = session
  const failure = new AbortController()
  const fail = (error: unknown) => failure.abort(stoppedByDisk(error))
  lockLost.addEventListener('abort', () => failure.abort(lockLost.reason), { once: true })
  const state = await openState(session, opening, machine, {
    signal: AbortSignal.any([signal, failure.signal]),
    fail,
  })
  if (session.paths !== null) {
    for (const { path } of opening.plan.parked) {
      tellerOf(session)(`${path} was begun and is not among the paths: it stays as it is`)
    }
  }
  const client = machine.connect({
    url: destination.url,
    proxy: destination.proxy,
    connections: settings.concurrency === 'auto' ? MOST_CONCURRENCY : settings.concurrency,
    gzip: options.gzip ?? false,
    version: version(),
  })
  const files = { finished: 0, refused: 0 }
  const before = state.ledger.counts()
  const opened: { uploader: Uploader | null } = { uploader: null }
  try {
    const ended = await runReplay({
      inputs: {
        sources: state.inputs.sources(),
        format: session.format,
        shard: session.shard,
        progress: state.inputs,
        openFile: machine.openFile,
      },
      overview: { bytes: session.bytes === null ? null : session.bytes - opening.plan.deliveredBytes },
      mapping,
      ledger: state.ledger,
      files,
      progress: options.quiet || !options.progress ? 'none' : process.stderr.isTTY ? 'bar' : 'lines',
      signal,
      openSink,
    }).finally(() => client.close())
    // After a bug the picture may be wrong; the last checkpoint is not.
    const cause = ended.error ?? (failure.signal.aborted ? failure.signal.reason : null)
    const isSound = cause === null || cause instanceof Braze2ampError
    let isSaved = true
    if (!lockLost.aborted && isSound) {
      const isAtEnd = ended.stop === null && ended.error === null && ended.counts.pending === 0
      const isClean = opened.uploader?.isClean() ?? true
      await state.end({ isClean, isComplete: isAtEnd }).catch((error: unknown) => {
        isSaved = false
        fail(error)
      })
    }
    // That the end could not be saved counts more than that the user wanted it.
    const hasFailed = !isSaved || (ended.stop === null && failure.signal.aborted)
    const exitCode = await report(session, state, { ...ended, stop: hasFailed ? 'sink' : ended.stop }, opening)
    const { read, pending } = state.ledger.counts()
    const isSame = read === before.read && pending === before.pending
    if (session.paths !== null && opening.decision.saved !== null && isSame) tellerOf(session)('nothing new')
    return exitCode
  } finally {
    await state.close().catch(() => {})
  }

  async function openSink(print: (line: string) => void): Promise<OpenSink> {
    const startMs = machine.clock.now()
    const uploader = createUploader({
      settings,
      key: session.key,
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
      clock: machine.clock,
      random: Math.random,
      savedQuota: opening.decision.saved?.quota ?? [],
      rejectsUnknown: opening.decision.rejectsUnknown,
      onSettled: state.changed,
      signal,
      failure,
      tell: options.quiet ? () => {} : print,
    })
    opened.uploader = uploader
    const beginning = state.begin({
      quota: uploader.quota,
      sent: () => {
        const { requests, byStatus, retries, heldIdentities, heldMs, ...rest } = uploader.figures()
        const { deferredEvents, deferredFiles, busiest, bestEventsPerSecond } = rest
        const durationMs = machine.clock.now() - startMs
        const traffic = { requests, byStatus, retries, heldIdentities, heldMs }
        return { ...traffic, deferredEvents, deferredFiles, busiest, bestEventsPerSecond, durationMs }
      },
      files: () => files,
    })
    await beginning.then(uploader.start, fail)
    return sinkOf(uploader, state)
  }
}

/**
 * Writes the summary and shows the report; returns the exit code.
 * @throws what ended the run, or kept the summary from being written
 */
async function report(session: Session, state: RunState, ended: Ended, { decision }: Opening): Promise<number> {
  const { options, title } = session
  const sent = { ...state.sent(), eventsPerSecondOfIdentity: ended.sent?.eventsPerSecondOfIdentity ?? 1 }
  const concluded = conclude({ ...ended, sent, durationMs: sent.durationMs }, decision.saved !== null)
  const { summary, exitCode, failure } = concluded
  const unpublished = await publish(summary, options, createPrinter().print)
  tellerOf(session)(endReport(summary, title, summary.rejected.total > 0 ? options.state : null))
  const error = failure ?? unpublished
  if (error !== null) throw error
  return exitCode
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
