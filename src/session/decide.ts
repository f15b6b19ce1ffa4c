import { UsageError } from '../errors.ts'
import { mappingHash, rulesHash } from '../mapping/mapping-hash.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import { type Claim, inDirectory } from '../state/claim.ts'
import { DELIVERED_FILE, type DeliveredFiles, openDeliveredFiles } from '../state/delivered-files.ts'
import { type InputPlan, planInputs } from '../state/input-plan.ts'
import { fingerprintOf, hasOtherCatalogue, type RunIdentity } from '../state/run-identity.ts'
import { version } from '../version.ts'
import type { Machine } from './machine.ts'
import { type Resumption, resumptionOf } from './resumption.ts'
import { type Session, tellerOf } from './session.ts'

/** Whether an upload begins or goes on, and with which inputs. */
export interface Decision extends Resumption {
  readonly delivered: DeliveredFiles
  readonly plan: InputPlan
}

/**
 * Makes every check that may refuse the invocation, and asks every question, before anything in the state is changed.
 * @throws UsageError when the invocation cannot go on as it was given
 */
export async function decide(
  session: Session,
  claim: Claim,
  signal: AbortSignal,
  { fileSystem, clock }: Machine,
): Promise<Decision> {
  const { options, kind, ask } = session
  const nowMs = clock.wallClock()
  const resumption = await resumptionOf(claim, identityOf(session, nowMs), options, nowMs, ask)
  const { run, saved } = resumption
  if (saved !== null && hasOtherCatalogue(saved.run, run)) {
    tellerOf(session)(
      'the catalogue of event types has changed since the run began: what is not settled follows the new one',
    )
  }
  const length = saved === null ? null : (saved.logs[DELIVERED_FILE] ?? 0)
  const opened = openDeliveredFiles({ fileSystem, directory: options.state, length, run })
  const delivered = await inDirectory(options.state, opened)
  const plan = await planOf(session, { run, saved, delivered })
  if (!run.confirmed && kind.is === 'replay' && kind.facts !== null && !session.destination.isLocal) {
    tellerOf(session)(kind.facts())
    const isYes = options.yes || ask === null || (await ask('Send?'))
    if (!isYes && !signal.aborted) throw new UsageError('nothing was sent', { hint: 'Answer y, or give --yes.' })
  }
  return { ...resumption, run: { ...run, confirmed: true }, delivered, plan }
}

/** What becomes of each input. @throws UsageError when an input cannot go on */
export function planOf(
  { options, kind }: Session,
  { run, saved, delivered }: Pick<Decision, 'run' | 'delivered'> & { readonly saved: Checkpoint | null },
): Promise<InputPlan> {
  return planInputs({
    directory: options.state,
    paths: kind.is === 'replay' ? kind.paths : () => [],
    isRetry: kind.is === 'retry',
    open: saved?.open ?? [],
    delivered,
    run: run.id,
    resend: options.resend ?? false,
  })
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
