import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { catalogueType } from '../currents/event-type.ts'
import { EVENTS } from '../currents/events.ts'
import { closest, didYouMean } from '../did-you-mean.ts'
import { UsageError } from '../errors.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { Discovery } from '../read/discover.ts'
import { counted } from '../report/number.ts'
import { type Shard, shardName } from '../shard.ts'

/** What an invocation is called in its report. */
export function titleOf(kind: string, shard: Shard | undefined): string {
  return shard === undefined ? kind : `${kind} of shard ${shardName(shard)}`
}

/**
 * Fails before the run what would otherwise fail after it.
 * @throws UsageError when the summary cannot be written
 */
export function checkWritable(path: string | undefined): void {
  if (path === undefined) return
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK)
  } catch (cause) {
    throw new UsageError(`cannot write the summary to ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Says which files were left out, and shows a few; and which event types were guessed or are unknown. */
export function sayFound(
  { leftOut, takenNames }: Discovery,
  { options: { eventType } }: Mapping,
  tell: (line: string) => void,
): void {
  if (leftOut.count > 0) {
    const more = leftOut.count > leftOut.examples.length ? ', …' : ''
    tell(`left out ${counted(leftOut.count, 'hidden or non-data file')}: ${leftOut.examples.join(', ')}${more}`)
  }
  if (eventType === null) {
    for (const { spelled, type, path } of takenNames) tell(`"${spelled}" in ${path} is taken for ${type}`)
  } else if (catalogueType(eventType) === null) {
    const near = didYouMean(closest(eventType, EVENT_TYPES))
    tell(`--event-type ${eventType} is not in the catalogue${near}`)
  }
}

const EVENT_TYPES = EVENTS.map(({ type }) => type)
