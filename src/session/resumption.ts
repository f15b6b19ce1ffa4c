import { UsageError } from '../errors.ts'
import { number } from '../report/number.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import type { Claim } from '../state/claim.ts'
import { changedRun, differencesOf, newRun, type RunIdentity } from '../state/run-identity.ts'
import type { Ask, StateChoices } from './session.ts'

/** Whether a run begins or goes on, and how (state/README.md §3, §5). */
export interface Resumption {
  readonly run: RunIdentity
  /** The checkpoint to go on from; null when a run begins. */
  readonly saved: Checkpoint | null
  /** Set when the existing state is moved aside first, with its undelivered part in words; null when it stays. */
  readonly movesAside: { readonly undelivered: string | null } | null
  /** Since when outcomes are unknown, ms; null when none is. */
  readonly unknownSince: number | null
  /** Events whose outcome is unknown are dead-lettered instead of sent again. */
  readonly rejectsUnknown: boolean
}

/** Amplitude drops repeats of an event for 7 days. One of these days is left for the time that a resume takes. */
const REPEATS_ARE_DROPPED_MS = 6 * 24 * 3_600_000

/** Two clocks may differ by this much, or a clock be set back by it, and the age of a checkpoint is still known well enough. */
const CLOCK_MAY_BE_BEHIND_MS = 10 * 60_000

/**
 * Decides, by the state that was found, whether the run begins or goes on. Asks what only a person can answer. Changes nothing on disk.
 * @throws UsageError when the invocation cannot go on as it was given
 */
export async function resumptionOf(
  { saved, damage, lock }: Claim,
  wanted: Omit<RunIdentity, 'id'>,
  options: StateChoices,
  nowMs: number,
  ask: Ask,
): Promise<Resumption> {
  const begins = { saved: null, unknownSince: null, rejectsUnknown: false }
  if (options.fresh) {
    const undelivered = saved === null && damage !== null ? UNREADABLE : undeliveredIn(saved)
    await mayLeave(undelivered, options, ask)
    if (saved !== null && saved.run.keyFingerprint === wanted.keyFingerprint && !options.resend)
      mustNotDouble(saved, nowMs)
    return { ...begins, run: newRun(wanted), movesAside: lock === null ? null : { undelivered } }
  }
  if (damage !== null) throw damage
  if (saved === null) return { ...begins, run: newRun(wanted), movesAside: null }
  const differences = differencesOf(saved.run, wanted)
  if (differences.length > 0 && !options.acceptChanges) throw changedRun(options.state, differences)
  const { id, createdAt, tool, confirmed } = saved.run
  // Under another destination the user is asked again.
  const isConfirmed = confirmed && saved.run.origin === wanted.origin
  return {
    run: { ...wanted, id, createdAt, tool, confirmed: isConfirmed },
    saved,
    movesAside: null,
    ...unknownOf(saved, options, nowMs),
  }
}

/** @throws UsageError when undelivered events would be left behind and nobody agreed to it */
async function mayLeave(undelivered: string | null, { state, yes }: StateChoices, ask: Ask): Promise<void> {
  if (undelivered === null || yes) return
  const statement = `--fresh leaves ${undelivered} undelivered in ${state}`
  if (ask !== null && (await ask(`${statement}; they are moved aside. Begin anew?`))) return
  throw new UsageError(`${statement}; nothing was changed`, {
    hint: 'Without --fresh the run goes on, and braze2amp retry sends its dead letters; --yes begins anew all the same.',
  })
}

/**
 * Under `--fresh` the events sent of files that were begun are sent again. Unless Amplitude drops these repeats, it has them twice.
 * (`planInputs` refuses the files that are delivered whole.)
 * @throws UsageError when Amplitude may not drop the repeats any more
 */
function mustNotDouble({ open, savedAt }: Checkpoint, nowMs: number): void {
  if (!isClockBehind(savedAt, nowMs) && nowMs - savedAt <= REPEATS_ARE_DROPPED_MS) return
  const begun = open.filter(({ kind, accepted }) => kind !== 'retry' && accepted > 0)
  if (begun.length === 0) return
  const events = begun.reduce((sum, { accepted }) => sum + accepted, 0)
  const more = begun.length > 1 ? ` and ${number(begun.length - 1)} more` : ''
  throw new UsageError(
    `${number(events)} events of ${begun[0]?.path}${more} were sent already, more than 6 days ago, and --fresh would send them again`,
    {
      hint: 'Amplitude may then have them twice. Without --fresh the run goes on behind them; --resend sends them all the same.',
    },
  )
}

const UNREADABLE = 'an unknown number of events (the checkpoint cannot be read)'

function isClockBehind(savedAt: number, nowMs: number): boolean {
  return savedAt - nowMs > CLOCK_MAY_BE_BEHIND_MS
}

function undeliveredIn(saved: Checkpoint | null): string | null {
  if (saved === null) return null
  const { pending, rejected } = saved.counts
  const letters = Object.values(rejected).reduce((sum, count) => sum + (count ?? 0), 0)
  if (pending + letters === 0) return null
  return `${number(pending + letters)} events (${number(pending)} pending, ${number(letters)} dead letters)`
}

/** @throws UsageError when Amplitude may not drop repeats any more and nobody said what to do */
function unknownOf(
  saved: Checkpoint,
  { unknown, state }: StateChoices,
  nowMs: number,
): Pick<Resumption, 'unknownSince' | 'rejectsUnknown'> {
  if (saved.clean) return { unknownSince: null, rejectsUnknown: false }
  const sinceMs = Math.min(saved.savedAt, saved.unknownSince ?? saved.savedAt)
  const isBehind = isClockBehind(saved.savedAt, nowMs)
  if (!isBehind && nowMs - sinceMs <= REPEATS_ARE_DROPPED_MS) return { unknownSince: sinceMs, rejectsUnknown: false }
  if (unknown !== undefined) return { unknownSince: sinceMs, rejectsUnknown: unknown === 'dead-letter' }
  const since = new Date(isBehind ? saved.savedAt : sinceMs).toISOString()
  const why = isBehind
    ? `the clock says ${new Date(nowMs).toISOString()}, but the run was stopped at ${since}, which is later`
    : `the run was stopped at ${since}, more than 6 days ago, before all answers had come`
  throw new UsageError(`${why}: Amplitude may not recognise repeats in ${state} any more; nothing was sent`, {
    hint:
      'Some events may have been accepted without our knowing. --unknown resend sends them again, and some may then be there ' +
      'twice; --unknown dead-letter puts them to the dead letters, to be looked at. If the clock is wrong, set it right.',
  })
}
