import { DAILY_QUOTA } from '../amplitude/limits.ts'
import { Braze2ampError, interruptedCode } from '../errors.ts'
import { endReport } from '../report/end-report.ts'
import { createPrinter } from '../report/printer.ts'
import type { UploadPicture } from '../report/progress.ts'
import { createDailyQuota } from '../schedule/quota.ts'
import { claimState, inDirectory, makeDirectory, moveAside } from '../state/claim.ts'
import { stoppedByDisk } from '../state/file-system.ts'
import { whileHeld } from '../state/lock.ts'
import type { HttpClient } from '../upload/http-client.ts'
import { createTraffic } from '../upload/traffic.ts'
import { createUploader, MOST_CONCURRENCY, type UploadFigures } from '../upload/uploader.ts'
import { version } from '../version.ts'
import { type Conclusion, conclude, type Ended, publish } from './conclude.ts'
import { runReplay } from './drive.ts'
import { type Opening, openingOf, openState } from './open-run.ts'
import { type Machine, type Session, THIS_MACHINE, tellerOf } from './session.ts'

/** Claims the state, decides, uploads, and reports; returns the exit code. */
export async function runSession(session: Session, signal: AbortSignal, machine = THIS_MACHINE): Promise<number> {
  const { options } = session
  const { clock, processes } = machine
  // Also when it is to be quiet: a command that waits says for whom.
  const tell = (line: string) => process.stderr.write(`${line}\n`)
  const place = {
    fileSystem: machine.fileSystem,
    directory: options.state,
    clock,
    processes,
    signal,
    tell,
    isFresh: options.fresh ?? false,
  }
  const unlessStopped = (error: unknown) => {
    // Ctrl-C at a question is no answer to it, and a lock that is waited for is no error.
    if (signal.aborted) return null
    throw error
  }
  const lost = new AbortController()
  const claim = await claimState(place).catch(unlessStopped)
  if (claim === null) return interruptedCode(signal)
  let { lock } = claim
  const prove = async () => lock?.prove()
  const fileSystem = whileHeld(machine.fileSystem, prove)
  const connect: Machine['connect'] = (to) => postingWhileHeld(machine.connect(to), prove)
  const held = { ...machine, fileSystem, connect }
  try {
    const opening = await openingOf(session, claim, signal, held).catch(unlessStopped)
    if (opening === null || signal.aborted) return interruptedCode(signal)
    lock ??= await makeDirectory(place).catch(unlessStopped)
    if (lock === null) return interruptedCode(signal)
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
  const { clock } = machine
  const { saved, rejectsUnknown } = opening.decision
  const failure = new AbortController()
  const fail = (error: unknown) => failure.abort(stoppedByDisk(error))
  lockLost.addEventListener('abort', () => failure.abort(lockLost.reason), { once: true })
  const traffic = createTraffic(clock)
  const quota = createDailyQuota({
    limit: DAILY_QUOTA,
    wallClockOffsetMs: clock.wallClock() - clock.now(),
    saved: saved?.quota ?? [],
  })
  const files = { finished: 0, refused: 0 }
  const state = await openState(session, opening, machine, {
    work: { traffic, quota, files },
    signal: AbortSignal.any([signal, failure.signal]),
    fail,
  })
  try {
    if (session.paths !== null) {
      for (const { path } of opening.plan.parked) {
        tellerOf(session)(`${path} was begun and is not among the paths: it stays as it is`)
      }
    }
    const before = state.ledger.counts()
    const client = machine.connect({
      url: destination.url,
      proxy: destination.proxy,
      connections: settings.concurrency === 'auto' ? MOST_CONCURRENCY : settings.concurrency,
      gzip: options.gzip ?? false,
      version: version(),
    })
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
      createSink: (print) =>
        createUploader({
          settings,
          key: session.key,
          client,
          ledger: state.ledger,
          letters: state.letters,
          lanes: state.lanes,
          traffic,
          quota,
          types: mapping,
          clock,
          random: Math.random,
          rejectsUnknown,
          onSettled: state.changed,
          signal,
          failure,
          tell: options.quiet ? () => {} : print,
        }),
      pictureOf: (uploader) => pictureOf(uploader.figures()),
    }).finally(() => client.close())
    const uploader = ended.sink
    // After a bug a snapshot may be wrong; the last checkpoint is not.
    const cause = ended.error ?? (failure.signal.aborted ? failure.signal.reason : null)
    const isSound = cause === null || cause instanceof Braze2ampError
    let isSaved = true
    if (!lockLost.aborted && isSound) {
      const isAtEnd = ended.stop === null && ended.error === null && ended.counts.pending === 0
      await state.end({ isClean: uploader.isClean(), isComplete: isAtEnd }).catch((error: unknown) => {
        isSaved = false
        fail(error)
      })
    }
    // That the end could not be saved counts more than that the user wanted it.
    const hasFailed = !isSaved || (ended.stop === null && failure.signal.aborted)
    const { eventsPerSecondOfIdentity } = uploader.figures()
    const end: Ended = { ...ended, stop: hasFailed ? 'sink' : ended.stop }
    const upload = { traffic: state.traffic(), eventsPerSecondOfIdentity, resumed: saved !== null }
    const exitCode = await report(session, conclude(end, upload))
    const { read, pending } = state.ledger.counts()
    const isSame = read === before.read && pending === before.pending
    if (session.paths !== null && saved !== null && isSame) tellerOf(session)('nothing new')
    return exitCode
  } finally {
    await state.close().catch(() => {})
  }
}

/**
 * Writes the summary and shows the report; returns the exit code.
 * @throws what ended the run, or kept the summary from being written
 */
async function report(session: Session, concluded: Conclusion): Promise<number> {
  const { options, title } = session
  const { summary, exitCode, failure } = concluded
  const unpublished = await publish(summary, options, createPrinter().print)
  tellerOf(session)(endReport(summary, title, summary.rejected.total > 0 ? options.state : null))
  const error = failure ?? unpublished
  if (error !== null) throw error
  return exitCode
}

function pictureOf(figures: UploadFigures): UploadPicture {
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
}
