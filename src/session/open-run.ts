import { UsageError } from '../errors.ts'
import { mappingHash, rulesHash } from '../mapping/mapping-hash.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import { type Claim, inDirectory } from '../state/claim.ts'
import { DELIVERED_FILE, type DeliveredFiles, openDeliveredFiles } from '../state/delivered-files.ts'
import { type InputPlan, planInputs } from '../state/input-plan.ts'
import { fingerprintOf, hasOtherCatalogue, type RunIdentity } from '../state/run-identity.ts'
import { openRunState, type RunState, type Work } from '../state/run-state.ts'
import { eventsPerSecondOf } from '../upload/upload-settings.ts'
import { version } from '../version.ts'
import { type Decision, decide } from './decide.ts'
import { type Machine, type Session, tellerOf } from './session.ts'

/** What an upload goes on from. */
export interface Opening {
  readonly decision: Decision
  readonly delivered: DeliveredFiles
  readonly plan: InputPlan
}

/**
 * Everything that may refuse the invocation, or ask; nothing of the state is changed by then.
 * @throws UsageError when the invocation cannot go on as it was given
 */
export async function openingOf(
  session: Session,
  claim: Claim,
  signal: AbortSignal,
  { fileSystem, clock }: Machine,
): Promise<Opening> {
  const { options, ask } = session
  const nowMs = clock.wallClock()
  const decision = await decide(claim, identityOf(session, nowMs), options, nowMs, ask)
  const { run, saved } = decision
  if (saved !== null && hasOtherCatalogue(saved.run, run)) {
    tellerOf(session)(
      'the catalogue of event types has changed since the run began: what is not settled follows the new one',
    )
  }
  const length = saved === null ? null : (saved.logs[DELIVERED_FILE] ?? 0)
  const opened = openDeliveredFiles({ fileSystem, directory: options.state, length, run })
  const delivered = await inDirectory(options.state, opened)
  const plan = await planOf(session, saved, delivered, run)
  if (!run.confirmed && session.facts !== null && !session.destination.isLocal) {
    tellerOf(session)(session.facts())
    const isYes = options.yes || ask === null || (await ask('Send?'))
    if (!isYes && !signal.aborted) throw new UsageError('nothing was sent', { hint: 'Answer y, or give --yes.' })
  }
  return { decision: { ...decision, run: { ...run, confirmed: true } }, delivered, plan }
}

interface Surroundings {
  readonly work: Work
  /** When to give up: the user's wish, or the run's own failure. */
  readonly signal: AbortSignal
  readonly fail: (error: unknown) => void
}

/**
 * Opens the state of a run that is certain to go on, changed as the session asks for. When it resolves, something may be sent.
 * @throws UsageError when a file is not as the checkpoint says; StoppedError when the disk fails
 */
export async function openState(
  session: Session,
  { decision, delivered, plan }: Opening,
  { fileSystem, clock, sizes }: Machine,
  { work, signal, fail }: Surroundings,
): Promise<RunState> {
  const { options, settings, mapping, prepare } = session
  const { run, unknownSince, rejectsUnknown } = decision
  const saved = prepare ? await inDirectory(options.state, prepare(decision.saved, fileSystem)) : decision.saved
  const opened = openRunState({
    fileSystem,
    directory: options.state,
    clock,
    run,
    saved,
    unknownSince,
    delivered,
    plan: prepare ? await planOf(session, saved, delivered, run) : plan,
    resend: options.resend ?? false,
    dedupe: options.dedupe,
    isRetry: session.paths === null,
    books: {
      limit: options.limit ?? Number.POSITIVE_INFINITY,
      maxErrors: options.maxErrors ?? null,
      rejectsUnknown,
    },
    types: mapping,
    eventsPerSecond: eventsPerSecondOf(settings),
    work,
    stop: signal,
    onFailure: fail,
    sizes,
  })
  return inDirectory(options.state, opened)
}

function planOf(
  { options, paths }: Session,
  saved: Checkpoint | null,
  delivered: DeliveredFiles,
  run: RunIdentity,
): Promise<InputPlan> {
  const { state: directory, resend = false } = options
  return planInputs({ directory, paths, open: saved?.open ?? [], delivered, run: run.id, resend })
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
    rulesHash: rulesHash(mapping),
    options: choices,
    confirmed: false,
  }
}
