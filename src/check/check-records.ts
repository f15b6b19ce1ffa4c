import { MAX_NAMES } from '../amplitude/event.ts'
import { eventBytes, outcomeAt, placeInInput, typeNameOf, warningsAt } from '../chunk.ts'
import { CATALOGUE_NAME } from '../currents/catalogue-version.ts'
import type { Braze2ampError } from '../errors.ts'
import { excerpt } from '../excerpt.ts'
import { textOf } from '../json/bytes.ts'
import { createFilterReader } from '../map/filter-reader.ts'
import { createFieldLister } from '../map/record-fields.ts'
import { createUnknownFieldReader } from '../map/unknown-fields.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { CheckedSection, MappedChunk, RawChunk, Severity, SkipReason, Source } from '../model.ts'
import { EVENT, meaningOf, WARNING_MEANINGS } from '../outcomes.ts'
import { checkEvent, type Report, type SentEvent } from './check-event.ts'
import { checkTypes } from './check-types.ts'
import { createFindingCollector } from './collector.ts'
import { createPlainEvents } from './plain-events.ts'
import { createRuleUsage } from './rule-usage.ts'

/** Checks what a pipeline maps: records against the catalogue, events against Amplitude's contract, rules against both. */
export interface RecordChecker {
  /** Checks a booked chunk. */
  see(chunk: MappedChunk): void
  refused(source: Source, error: Braze2ampError): void
  /** Takes the number of files by the version of Currents in their paths, of those beyond the catalogue's. */
  seeVersions(newerVersions: ReadonlyMap<number, number>): void
  section(): CheckedSection
}

export function createRecordChecker(mapping: Mapping): RecordChecker {
  const findings = createFindingCollector()
  const usage = createRuleUsage(mapping)
  const filtersOf = createFilterReader(mapping)
  const fieldsOf = createFieldLister()
  const plain = createPlainEvents(mapping)
  const usesRules = mapping.rules.layers.length + mapping.rules.files.length > 0
  const unknownFields: { readonly name: string; readonly value: string }[] = []
  const readUnknownFields = createUnknownFieldReader(mapping, (name, bytes, start, end) => {
    unknownFields.push({ name, value: excerpt(textOf(bytes, start, end)) })
  })
  const names = new Set<string>()
  const properties = new Set<string>()
  let read = 0
  let events = 0

  function see(chunk: MappedChunk): void {
    if (usesRules) usage.meetFile(chunk.raw.source)
    let type = -1
    for (let i = 0; i < chunk.count; i++) {
      if (chunk.types[i] !== type) {
        type = chunk.types[i] as number
        const name = typeNameOf(chunk, i)
        if (usesRules && name !== null) usage.meet(name)
      }
      read++
      const isEvent = chunk.outcomes[i] === EVENT
      if (isEvent) events++
      const isPlain = isEvent && plain.isPlain(chunk, i)
      if (isPlain && chunk.warnings[i] === 0 && mapping.unknownFields.length === 0) continue
      seeRecord(chunk, i, isPlain)
    }
  }

  function seeRecord(chunk: MappedChunk, i: number, isPlain: boolean): void {
    const outcome = outcomeAt(chunk, i)
    const { path: file, position, line } = placeInInput(chunk.raw, i)
    // A finding has a line or none: of a record in a format without lines the message says which one it is.
    const ofRecord = line === null ? ` (record ${position + 1})` : ''
    const report: Report = (severity, cause, title, message = title) =>
      findings.add(severity, cause, title, { file, line }, message + ofRecord)
    const type = typeNameOf(chunk, i) ?? 'no event type'
    for (const warning of warningsAt(chunk, i)) {
      // `checkEvent` says which one.
      if (warning === 'long_string') continue
      const title = `${type}: ${WARNING_MEANINGS[warning]}`
      const isOfTime = warning === 'time_in_future' || warning === 'time_without_zone'
      const time = isOfTime ? `: ${new Date(chunk.times[i] as number).toISOString()}` : ''
      report('warning', warning, title, title + time)
    }
    if (outcome?.is === 'rejected') {
      const detail = chunk.details.get(i) ?? outcome.reason
      report('error', outcome.reason, `${outcome.reason}: ${kindOfDetail(detail)}`, detail)
    } else if (outcome?.is === 'skipped') {
      seeUnknown(chunk.raw, i, type, report)
      seeSkipped(chunk, i, outcome.reason, type, report)
    } else if (outcome?.is === 'event') {
      seeUnknown(chunk.raw, i, type, report)
      if (!isPlain) seeEvent(chunk, i, type, report)
    }
  }

  /** What the catalogue lacks, which may come with a new version of Currents (currents/README.md §3). */
  function seeUnknown(raw: RawChunk, index: number, type: string, report: Report): void {
    unknownFields.length = 0
    readUnknownFields(raw, index)
    for (const { name, value } of unknownFields) {
      const title = `${type}: the catalogue lacks the field ${name}`
      report('note', 'unknown_field', title, `${title}, here ${value}`)
    }
  }

  function seeEvent(chunk: MappedChunk, index: number, type: string, report: Report): void {
    const bytes = eventBytes(chunk, index)
    const event: SentEvent = JSON.parse(textOf(bytes))
    const plan = mapping.planOf(type)
    if (plan.own?.from === 'record') report('note', 'unknown_event_type', `${type}: ${meaningOf('unknown_event_type')}`)
    checkEvent(event, bytes.length, report)
    checkTypes(event, plan.outline, () => fieldsOf(chunk.raw, index), report)
    if (names.size <= MAX_NAMES) names.add(event.event_type)
    if (properties.size <= MAX_NAMES) for (const key of Object.keys(event.event_properties)) properties.add(key)
    if (usesRules) usage.see(type, chunk.raw, index)
    plain.seen(chunk, index)
  }

  function seeSkipped(chunk: MappedChunk, index: number, reason: SkipReason, type: string, report: Report): void {
    const rules = reason === 'filtered' ? filtersOf(chunk, index) : []
    for (const rule of rules) {
      usage.leftOut(rule)
      findings.add('note', 'dropped', `${type} is left out by the mapping file (${rule.path})`, rule)
    }
    if (rules.length === 0) report(SKIP_SEVERITIES[reason], reason, `${type}: ${meaningOf(reason)}`)
  }

  return {
    see,
    refused: findings.addRefused,
    seeVersions(newerVersions) {
      for (const [version, files] of newerVersions) {
        const title = `version=${version} in the path of ${files === 1 ? '1 file' : `${files} files`} is beyond ${CATALOGUE_NAME}`
        findings.add('note', 'newer_version', title, NOWHERE)
      }
    },
    section() {
      if (names.size > MAX_NAMES) tooMany('event names')
      if (properties.size > MAX_NAMES) tooMany('event properties')
      if (usesRules && read > 0) usage.report(findings)
      const detail = `${read.toLocaleString('en-US')} read, ${events.toLocaleString('en-US')} become events`
      return { name: 'records', passed: [{ name: 'records', detail }], groups: findings.groups() }
    },
  }

  function tooMany(what: string): void {
    findings.add('warning', 'too_many_names', `more than ${MAX_NAMES} ${what}: those beyond cannot be queried`, NOWHERE)
  }
}

const NOWHERE = { file: null, line: null }

/** How bad it is that a record is left out. */
const SKIP_SEVERITIES: Readonly<Record<SkipReason, Severity>> = {
  unknown_event_type: 'warning',
  not_exported: 'note',
  filtered: 'note',
  no_identity: 'note',
  invalid_identity: 'warning',
  duplicate: 'note',
}

/** A detail without what only this record has. */
function kindOfDetail(detail: string): string {
  return detail
    .replace(/: .*$/s, '')
    .replace(/ at byte \d+.*$/s, '')
    .replace(/\d+/g, 'N')
}
