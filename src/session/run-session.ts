import { DAILY_QUOTA } from '../amplitude/limits.ts'
import { Braze2ampError, interruptedCode } from '../errors.ts'
import { endReport } from '../report/end-report.ts'
import { createPrinter } from '../report/printer.ts'
import type { UploadPicture } from '../report/progress.ts'
import { createDailyQuota } from '../schedule/quota.ts'
import { claimState, inDirectory, makeDirectory, moveAside } from '../state/claim.ts'
import { stoppedByDisk } from '../state/file-system.ts'
import { whileHeld } from '../state/lock.ts'
import type { RunState } from '../state/run-state.ts'
import { createTraffic } from '../upload/traffic.ts'
import {
  createUploader,
  MOST_CONCURRENCY,
  type Uploader,
  type UploaderOptions,
  type UploadFigures,
} from '../upload/uploader.ts'
import { version } from '../version.ts'
import { type Conclusion, conclude, publish } from './conclude.ts'
import { type Decision, decide } from './decide.ts'
import { type Driven, drive } from './drive.ts'
import { createTally, type Tally } from './input-tally.ts'
import { type Machine, THIS_MACHINE } from './machine.ts'
import { openRun } from './open-run.ts'
import { type Session, tellerOf } from './session.ts'

/** Claims the state, decides, uploads, and reports; returns the exit code. */
export async function runSession(session: Session, signal: AbortSignal, machine = THIS_MACHINE): Promise<number> {
  const { options } = session
  const { clock, processes } = machine
  // Not silenced by `--quiet`: a command that waits says for whom.
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
    // When the user stops the command at a question or while it waits for the lock, that is no error.
    if (signal.aborted) return null
    throw error
  }
  const claim = await claimState(place).catch(unlessStopped)
  if (claim === null) return interruptedCode(signal)
  let { lock } = claim
  const guarded = whileLocked(machine, async () => lock?.prove())
  try {
    const decision = await decide(session, claim, signal, guarded).catch(unlessStopped)
    if (decision === null || signal.aborted) return interruptedCode(signal)
    lock ??= await makeDirectory(place).catch(unlessStopped)
    if (lock === null) return interruptedCode(signal)
    // The lock may have been lost while a question was open.
    lock.lost.throwIfAborted()
    if (decision.movesAside !== null) {
      const moving = moveAside(guarded.fileSystem, options.state, clock.wallClock())
      const name = await inDirectory(options.state, moving)
      const { undelivered } = decision.movesAside
      const what = undelivered === null ? '' : `, with ${undelivered} undelivered,`
      tellerOf(session)(`the state before${what} was moved to ${options.state}/${name}`)
    }
    return await upload(session, decision, { signal, lockLost: lock.lost }, guarded)
  } finally {
    await lock?.release()
  }
}

/**
 * A machine that changes and sends nothing any more once `prove` rejects. The process that holds the lock by then sends the same
 * events.
 */
function whileLocked(machine: Machine, prove: () => Promise<void>): Machine {
  return {
    ...machine,
    fileSystem: whileHeld(machine.fileSystem, prove),
    connect(to) {
      const client = machine.connect(to)
      return {
        ...client,
        async post(body) {
          await prove()
          return client.post(body)
        },
      }
    },
  }
}

/** What ends an upload early. */
interface Stops {
  /** The user's wish. */
  readonly signal: AbortSignal
  /** Aborts when another process has taken the lock. */
  readonly lockLost: AbortSignal
}

/** Opens the run, sends its events, saves where the run stands, and reports; returns the exit code. */
async function upload(
  session: Session,
  decision: Decision,
  { signal, lockLost }: Stops,
  machine: Machine,
): Promise<number> {
  const { kind } = session
  const { clock } = machine
  const { saved, plan } = decision
  const failure = new AbortController()
  const fail = (error: unknown) => failure.abort(stoppedByDisk(error))
  lockLost.addEventListener('abort', () => failure.abort(lockLost.reason), { once: true })
  const wallClockOffsetMs = clock.wallClock() - clock.now()
  const work = {
    traffic: createTraffic(clock),
    quota: createDailyQuota({ limit: DAILY_QUOTA, wallClockOffsetMs, saved: saved?.quota ?? [] }),
    files: createTally(),
  }
  const stop = AbortSignal.any([signal, failure.signal])
  const state = await openRun(session, decision, machine, { work, stop, fail })
  try {
    if (kind.is === 'replay') {
      for (const { path } of plan.parked) {
        tellerOf(session)(`${path} was begun and is not among the paths: it stays as it is`)
      }
    }
    const before = state.ledger.counts()
    const ended = await send(session, decision, { state, work, signal, failure }, machine)
    // After a bug a new snapshot may be wrong, so none is saved: the last checkpoint is right.
    const cause = ended.error ?? (failure.signal.aborted ? failure.signal.reason : null)
    const isSound = cause === null || cause instanceof Braze2ampError
    let isSaved = true
    if (!lockLost.aborted && isSound) {
      const isComplete = ended.stop === null && ended.error === null && ended.counts.pending === 0
      await state.end({ isClean: ended.sink.isClean(), isComplete }).catch((error: unknown) => {
        isSaved = false
        fail(error)
      })
    }
    // A failure to save the end counts more than the user's wish to stop.
    const hasFailed = !isSaved || (ended.stop === null && failure.signal.aborted)
    const { eventsPerSecondOfIdentity } = ended.sink.figures()
    const concluded = conclude(
      { ...ended, stop: hasFailed ? 'sink' : ended.stop },
      { traffic: state.traffic(), eventsPerSecondOfIdentity, resumed: saved !== null },
    )
    const exitCode = await report(session, concluded, ended.files)
    const { read, pending } = state.ledger.counts()
    const isSame = read === before.read && pending === before.pending
    if (kind.is === 'replay' && saved !== null && isSame) tellerOf(session)('nothing new')
    return exitCode
  } finally {
    await state.close().catch(() => {})
  }
}

interface Sending extends Pick<UploaderOptions, 'signal' | 'failure'> {
  readonly state: RunState
  readonly work: Pick<UploaderOptions, 'traffic' | 'quota'> & { readonly files: Tally }
}

/** Reads, maps and sends everything; resolves when no request is under way any more and every connection is closed. */
async function send(
  { options, settings, destination, mapping, key, kind, format, csv, shard }: Session,
  { rejectsUnknown, plan }: Decision,
  { state, work, signal, failure }: Sending,
  { connect, clock, openFile }: Machine,
): Promise<Driven<Uploader>> {
  const client = connect({
    url: destination.url,
    proxy: destination.proxy,
    connections: settings.concurrency === 'auto' ? MOST_CONCURRENCY : settings.concurrency,
    gzip: options.gzip ?? false,
    version: version(),
  })
  const { ledger, letters, lanes, inputs } = state
  return drive({
    inputs: {
      sources: inputs.sources(),
      paths: kind.is === 'replay' ? kind.given : [],
      format,
      csv,
      shard,
      progress: inputs,
      openFile,
    },
    bytes: kind.is === 'retry' || kind.bytes === null ? null : kind.bytes - plan.deliveredBytes,
    mapping,
    ledger,
    files: work.files,
    progress: options.quiet || !options.progress ? 'none' : process.stderr.isTTY ? 'bar' : 'lines',
    signal,
    createSink: (print) =>
      createUploader({
        settings,
        key,
        client,
        ledger,
        letters,
        lanes,
        traffic: work.traffic,
        quota: work.quota,
        types: mapping,
        clock,
        random: Math.random,
        rejectsUnknown,
        onSettled: state.changed,
        signal,
        failure,
        tell: options.quiet ? () => {} : print,
      }),
    uploadPicture: (uploader) => pictureOf(uploader.figures()),
  }).finally(() => client.close())
}

/**
 * Writes the summary and shows the report; returns the exit code.
 * @throws the error that ended the run, or kept the summary from being written
 */
async function report(session: Session, concluded: Conclusion, { newerVersions }: Tally): Promise<number> {
  const { options, title, mapping } = session
  const { summary, exitCode, failure } = concluded
  const unpublished = await publish(summary, options, createPrinter().print)
  const state = summary.rejected.total > 0 ? options.state : null
  tellerOf(session)(endReport(summary, title, state, { newerVersions, unknownFields: mapping.unknownFields }))
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
