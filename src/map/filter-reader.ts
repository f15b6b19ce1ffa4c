import { recordSpan, typeNameOf } from '../chunk.ts'
import { CONTAINER_FIELDS, RECORD_FIELDS } from '../currents/fields.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { RuleOrigin } from '../mapping/rule-types.ts'
import type { MappedChunk } from '../model.ts'
import { EVENT } from '../outcomes.ts'
import { createConditionTest } from './conditions-met.ts'
import { createFormReader } from './record-forms.ts'
import { createRecordScanner } from './record-scanner.ts'
import { ownTypeOf } from './record-type.ts'

/**
 * Makes the function that gives the rules of the mapping file by which record `index` of a chunk is `filtered`: the entry that drops its
 * type, or each condition that it does not meet; none when an option leaves it out. For those who say afterwards what the mapper did, not
 * for the hot path.
 */
export function createFilterReader(mapping: Mapping): (chunk: MappedChunk, index: number) => readonly RuleOrigin[] {
  const scanner = createRecordScanner(mapping.fieldNames, CONTAINER_FIELDS, new Set(RECORD_FIELDS))
  const eventType = scanner.fieldOf('event_type')
  const forms = createFormReader(scanner, mapping)
  const isMet = createConditionTest(scanner)
  const { sinceMs, untilMs } = mapping.options

  return function filtersOf(chunk, index) {
    const type = typeNameOf(chunk, index)
    if (type === null) return []
    const { outline, outcome, conditions } = mapping.planOf(type)
    if (outline.droppedBy !== null) return [outline.droppedBy]
    const timeMs = chunk.times[index] as number
    if (conditions === null || outcome !== EVENT || timeMs < sinceMs || timeMs >= untilMs) return []
    const { bytes, fields, source } = chunk.raw
    const { start, end } = recordSpan(chunk.raw, index)
    if (fields === undefined) scanner.scan(bytes, start, end)
    else scanner.load(fields, index)
    forms.flatten(bytes, ownTypeOf(scanner, bytes, eventType) !== null)
    forms.takeShareFields(source.isShare)
    return conditions.filter((condition) => !isMet(condition, bytes)).map(({ origin }) => origin)
  }
}
