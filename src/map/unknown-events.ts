import { placeInInput, placeText, typeNameOf } from '../chunk.ts'
import { UsageError } from '../errors.ts'
import type { MappedChunk } from '../model.ts'
import { outcomeOf } from '../outcomes.ts'

const UNKNOWN = outcomeOf('unknown_event_type')

/** An event type that the catalogue lacks was met and the mapping file says `unknown_events: fail`: the run ends at once. */
export class UnknownEventError extends UsageError {}

/** @throws UnknownEventError at the first record of a type that the catalogue lacks */
export function failOnUnknownEvents(chunk: MappedChunk): void {
  const { raw, count, outcomes } = chunk
  for (let i = 0; i < count; i++) {
    if (outcomes[i] !== UNKNOWN) continue
    const place = placeText(placeInInput(raw, i))
    throw new UnknownEventError(`${place} is of type ${typeNameOf(chunk, i)}, which the catalogue lacks`, {
      hint: 'The mapping file says unknown_events: fail; skip leaves such records out, derive makes events of them.',
    })
  }
}
