import { number } from '../report/number.ts'
import { inDirectory } from '../state/claim.ts'
import { isRetrying, prepareRetry } from '../state/retrying.ts'
import { openRunState, type RunState, type Work } from '../state/run-state.ts'
import { eventsPerSecondOf } from '../upload/upload-settings.ts'
import { type Decision, planOf } from './decide.ts'
import type { Machine } from './machine.ts'
import { type Session, tellerOf } from './session.ts'

interface Surroundings {
  /** What this process counts, for the checkpoints. */
  readonly work: Work
  /** When to give up: the user's wish, or the run's own failure. */
  readonly stop: AbortSignal
  readonly fail: (error: unknown) => void
}

/**
 * Opens the state of a run that is certain to go on. Under `retry` the dead letters become an input. Events may be sent once this
 * resolves.
 * @throws UsageError when a file is not as the checkpoint says; StoppedError when the disk fails
 */
export async function openRun(
  session: Session,
  decided: Decision,
  machine: Machine,
  { work, stop, fail }: Surroundings,
): Promise<RunState> {
  const { options, settings, mapping, kind } = session
  const { fileSystem, clock, sizes } = machine
  const decision = kind.is === 'retry' ? await withLetters(session, kind.reason, decided, machine) : decided
  const opened = openRunState({
    fileSystem,
    directory: options.state,
    clock,
    ...decision,
    resend: options.resend ?? false,
    dedupe: options.dedupe,
    isRetry: kind.is === 'retry',
    books: {
      limit: options.limit ?? Number.POSITIVE_INFINITY,
      maxErrors: options.maxErrors ?? null,
      rejectsUnknown: decision.rejectsUnknown,
    },
    types: mapping,
    eventsPerSecond: eventsPerSecondOf(settings),
    work,
    stop,
    onFailure: fail,
    sizes,
  })
  return inDirectory(options.state, opened)
}

/** The decision with the dead letters of `reason`, or all, as an input. The decision is unchanged when a retry is under way already. */
async function withLetters(
  session: Session,
  reason: Parameters<typeof prepareRetry>[3],
  decision: Decision,
  { fileSystem }: Machine,
): Promise<Decision> {
  const { saved } = decision
  if (saved === null || isRetrying(saved)) return decision
  const { state } = session.options
  const { checkpoint, letters } = await inDirectory(state, prepareRetry(fileSystem, state, saved, reason))
  tellerOf(session)(`dead letters that are sent again: ${number(letters)}`)
  return { ...decision, saved: checkpoint, plan: await planOf(session, { ...decision, saved: checkpoint }) }
}
