import { CATALOGUE_VERSION } from '../currents/catalogue-version.ts'
import { catalogueType } from '../currents/event-type.ts'
import type { Drift } from '../inspect/drift.ts'
import { counted, number } from './number.ts'
import { style } from './style.ts'
import type { Summary } from './summary.ts'

/** What was met that the catalogue lacks, as people and programs are told of it. */

export interface UnknownType {
  readonly type: string
  readonly records: number
}

/** Event types, and fields, that one line names. */
const SHOWN_IN_LINE = 3
/** Types and fields that `inspect` lists. */
const LISTED = 30

/** The event types of a run that the catalogue lacks, with their records; the most frequent first. */
export function unknownTypesIn(byEventType: Summary['by_event_type']): readonly UnknownType[] {
  return Object.entries(byEventType)
    .filter(([type]) => catalogueType(type) === null)
    .map(([type, { read }]) => ({ type, records: read }))
    .toSorted((a, b) => b.records - a.records || (a.type < b.type ? -1 : 1))
}

/** What a run met that its books do not have. */
export interface Met {
  /** Number of files by the version of Currents in their paths, of those beyond the catalogue's. */
  readonly newerVersions: ReadonlyMap<number, number>
  /** Some names of fields that the catalogue lacks. */
  readonly unknownFields: readonly string[]
}

/** The line of the end report that says what the catalogue lacks; empty when it lacks nothing. */
export function driftLine({ by_event_type }: Summary, { newerVersions, unknownFields }: Met): string {
  const types = unknownTypesIn(by_event_type)
  if (types.length === 0 && newerVersions.size === 0 && unknownFields.length === 0) return ''
  const more = types.length - SHOWN_IN_LINE
  const parts = [
    ...types.slice(0, SHOWN_IN_LINE).map(({ type, records }) => `${type} ${number(records)}`),
    ...(more > 0 ? [`${counted(more, 'more type')}`] : []),
    ...versionTexts(newerVersions),
    ...unknownFields.slice(0, SHOWN_IN_LINE).map((field) => `field ${field}`),
    ...(unknownFields.length > SHOWN_IN_LINE ? ['more fields'] : []),
  ]
  return `  ${'drift'.padEnd(9)}  ${parts.join(', ')}: beyond Currents v${CATALOGUE_VERSION}, inspect says more`
}

/** What `inspect` says of it, with a title; no lines when there is nothing to say. */
export function driftLines(
  { fields, typesWithMore }: Drift,
  types: readonly UnknownType[],
  newerVersions: ReadonlyMap<number, number>,
): readonly string[] {
  if (types.length === 0 && fields.length === 0 && newerVersions.size === 0) return []
  const lines = ['', style.bold(`Beyond Currents v${CATALOGUE_VERSION}, which this version knows`)]
  if (newerVersions.size > 0) lines.push(`  in paths: ${versionTexts(newerVersions).join(', ')}`)
  if (types.length > 0)
    lines.push('  event types', ...types.slice(0, LISTED).map(({ type, records }) => row(records, type)))
  if (types.length > LISTED) lines.push(moreLine(types.length - LISTED))
  let of: string | null = null
  for (const { type, field, records, example } of fields.slice(0, LISTED)) {
    if (type !== of) lines.push(`  fields of ${type}`)
    of = type
    lines.push(row(records, `${field}  ${style.dim(example)}`))
  }
  if (fields.length > LISTED) lines.push(moreLine(fields.length - LISTED))
  for (const type of typesWithMore) lines.push(`  ${type} has more fields, which are not told apart`)
  return lines
}

/** The same for `inspect --json`. */
export function driftJson(
  { fields, typesWithMore }: Drift,
  types: readonly UnknownType[],
  newerVersions: ReadonlyMap<number, number>,
): object {
  return {
    catalogue_version: CATALOGUE_VERSION,
    event_types: types.map(({ type, records }) => ({ event_type: type, records })),
    fields: fields.map(({ type, field, records, example }) => ({ event_type: type, field, records, example })),
    event_types_with_more_fields: typesWithMore,
    versions: inOrder(newerVersions).map(([version, files]) => ({ version, files })),
  }
}

function row(records: number, what: string): string {
  return `  ${number(records).padStart(11)}  ${what}`
}

function moreLine(more: number): string {
  return `  … and ${number(more)} more; --json lists all`
}

function versionTexts(newerVersions: ReadonlyMap<number, number>): readonly string[] {
  return inOrder(newerVersions).map(([version, files]) => `version=${version} of ${counted(files, 'file')}`)
}

function inOrder(newerVersions: ReadonlyMap<number, number>): readonly (readonly [number, number])[] {
  return [...newerVersions].toSorted(([a], [b]) => a - b)
}
