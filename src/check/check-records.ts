import { MAX_NAMES } from '../amplitude/event.ts'
import type { Braze2ampError } from '../errors.ts'
import { textOf } from '../json/bytes.ts'
import type { Mapping } from '../map/plan.ts'
import type { CheckedSection, MappedChunk, Severity, SkipReason, Source, Warning } from '../model.ts'
import { EVENT, OUTCOMES, WARNINGS } from '../outcomes.ts'
import { checkEvent, type Report, type SentEvent } from './check-event.ts'
import { checkTypes } from './check-types.ts'
import { createFindingCollector } from './collector.ts'
import { addRefused } from './refused.ts'
import { createRuleUsage } from './rule-usage.ts'

/** Checks what a pipeline maps: records against the catalogue, events against Amplitude's contract, rules against both. */
export interface RecordChecker {
  /** Checks a booked chunk. */
  see(chunk: MappedChunk): void
  refused(source: Source, error: Braze2ampError): void
  section(): CheckedSection
}

export function createRecordChecker(mapping: Mapping, nowMs: number): RecordChecker {
  const findings = createFindingCollector()
  const usage = createRuleUsage(mapping)
  const usesRules = mapping.rules.layers.length > 0
  const names = new Set<string>()
  const properties = new Set<string>()
  let read = 0
  let events = 0

  function see(chunk: MappedChunk): void {
    for (let i = 0; i < chunk.count; i++) {
      read++
      const outcome = OUTCOMES[chunk.outcomes[i] as number]
      const place = { file: chunk.raw.source.path, line: chunk.raw.lines?.[i] ?? null }
      const report: Report = (severity, cause, title, message = title) =>
        findings.add(severity, cause, title, place, recordText(chunk, i, message))
      const type = chunk.types[i] as number
      const typeName = type < 0 ? 'no event type' : (chunk.typeNames[type] as string)
      if (usesRules && type >= 0) usage.meet(typeName)
      seeWarnings(chunk.warnings[i] as number, typeName, report)
      if (outcome === undefined) continue
      if (outcome.is === 'rejected') {
        const detail = chunk.details.get(i) ?? outcome.reason
        report('error', outcome.reason, `${outcome.reason}: ${kindOfDetail(detail)}`, detail)
      } else if (outcome.is === 'skipped') {
        seeSkipped(outcome.reason, typeName, report)
      } else if (chunk.outcomes[i] === EVENT) {
        events++
        seeEvent(chunk, i, typeName, report)
      }
    }
  }

  function seeEvent(chunk: MappedChunk, index: number, type: string, report: Report): void {
    const start = index === 0 ? 0 : (chunk.eventEnds[index - 1] as number)
    const end = chunk.eventEnds[index] as number
    const event: SentEvent = JSON.parse(textOf(chunk.bytes, start, end))
    checkEvent(event, end - start - 1, nowMs, report)
    checkTypes(event, mapping.planOf(type).outline, report)
    if (names.size <= MAX_NAMES) names.add(event.event_type)
    if (properties.size <= MAX_NAMES) for (const key of Object.keys(event.event_properties)) properties.add(key)
    if (usesRules) usage.see(type, chunk.raw, index)
  }

  function seeWarnings(bits: number, type: string, report: Report): void {
    for (const [bit, warning] of WARNINGS.entries()) {
      if ((bits & (1 << bit)) !== 0) report('warning', warning, `${type}: ${WARNING_TEXTS[warning]}`)
    }
  }

  function seeSkipped(reason: SkipReason, type: string, report: Report): void {
    const droppedBy = reason === 'filtered' ? mapping.planOf(type).outline.droppedBy : null
    if (droppedBy !== null) {
      findings.add('note', 'dropped', `${type} is dropped by the mapping file (${droppedBy.path})`, {
        ...droppedBy,
      })
      return
    }
    const { severity, text } = SKIPS[reason]
    report(severity, reason, `${type}: ${text}`)
  }

  return {
    see,
    refused: (source, error) => addRefused(findings, source, error),
    section() {
      if (names.size > MAX_NAMES) tooMany('event names')
      if (properties.size > MAX_NAMES) tooMany('event properties')
      if (usesRules && read > 0) usage.report(findings)
      const detail = `${read.toLocaleString('en-US')} read, ${events.toLocaleString('en-US')} become events`
      return { name: 'records', passed: [{ name: 'records', detail }], groups: findings.groups() }
    },
  }

  function tooMany(what: string): void {
    findings.add('warning', 'too_many_names', `more than ${MAX_NAMES} ${what}: those beyond cannot be queried`, {
      file: null,
      line: null,
    })
  }
}

const WARNING_TEXTS: Readonly<Record<Warning, string>> = {
  event_type_mismatch: "the record's own event type is not that of its file",
  id_missing: 'no id; an insert_id was made',
  id_dropped: 'an id that Amplitude refuses, beside a good one, is left out',
  ingested_fewer: 'Amplitude says that it took fewer events than were sent',
  properties_not_json: "the customer's own properties are no JSON object; they go out whole",
}

const SKIPS: Readonly<Record<SkipReason, { readonly severity: Severity; readonly text: string }>> = {
  unknown_event_type: { severity: 'warning', text: 'the catalogue has no such event type' },
  not_exported: { severity: 'note', text: 'the live connector does not send this type' },
  filtered: { severity: 'note', text: 'left out by --include, --exclude, --since or --until' },
  no_identity: { severity: 'note', text: 'neither user nor device' },
  invalid_identity: { severity: 'warning', text: 'Amplitude refuses its only id' },
  duplicate: { severity: 'note', text: 'the same type and id as a record before it' },
}

/** A detail without what only this record has. */
function kindOfDetail(detail: string): string {
  return detail
    .replace(/: .*$/s, '')
    .replace(/ at byte \d+.*$/s, '')
    .replace(/\d+/g, 'N')
}

/** What is said of a record: where it is, when its format has no lines. */
function recordText({ raw }: MappedChunk, index: number, text: string): string {
  return raw.lines === null ? `${text} (record ${(raw.positions[index] as number) + 1})` : text
}
