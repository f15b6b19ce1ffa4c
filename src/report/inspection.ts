import type { ApiName } from '../amplitude/limits.ts'
import type { NameSource } from '../currents/events.ts'
import type { Drift } from '../inspect/drift.ts'
import { type Estimate, FREE_EPS } from '../inspect/estimate.ts'
import type { Heavy } from '../inspect/heaviest.ts'
import type { Inspection } from '../inspect/inspector.ts'
import { driftJson, driftLines, unknownTypesIn } from './beyond-catalogue.ts'
import { bytes, counted, number, numbersByName } from './number.ts'
import { sparkline } from './sparkline.ts'
import { style } from './style.ts'
import type { Summary } from './summary.ts'
import { type TypeVolume, volumeJson, volumeLines } from './volume.ts'

/** Everything that `inspect` found, for a person or as JSON. */
export interface InspectReport {
  readonly summary: Summary
  readonly files: {
    readonly found: number
    readonly leftOut: number
    readonly refused: number
    readonly formats: ReadonlyMap<string, number>
    /** Files by the version of Currents in their paths, of those beyond the catalogue's. */
    readonly newerVersions: ReadonlyMap<number, number>
    /** CSV files by how they are written. */
    readonly dialects: ReadonlyMap<string, number>
  }
  readonly names: readonly EventName[]
  readonly inspection: Inspection
  readonly estimates: Readonly<Record<ApiName, Estimate>>
  /** Events that the project may take in a month; null when not told. */
  readonly quota: number | null
  /** What Amplitude asks for a million events; null when not told. */
  readonly pricePerMillion: number | null
  readonly drift: Drift
}

export interface EventName {
  /** Currents event type. */
  readonly type: string
  /** Its name in Amplitude. */
  readonly name: string
  readonly events: number
  readonly sureness: NameSource | 'mapping'
}

/** Heaviest identities and names that are listed. */
const HOTTEST = 5
const NAMES = 30
const SPARK_WIDTH = 60

/** Why the name of an event type is not sure. */
const UNSURE: Readonly<Partial<Record<EventName['sureness'], string>>> = {
  bare: 'no channel',
  derived: 'a guess',
  none: 'a guess',
  page: 'an older label',
}

export function inspectionText(report: InspectReport): string {
  const { summary, inspection, files, names, quota, pricePerMillion, drift } = report
  const lines = [
    style.bold(`${counted(summary.read, 'record')} in ${counted(files.found, 'file')}`) +
      ` (${Array.from(files.formats, ([format, count]) => `${number(count)} ${format}`).join(', ')})`,
  ]
  for (const [dialect, count] of files.dialects) lines.push(`  ${number(count)} csv: ${dialect}`)
  if (files.refused > 0) lines.push(style.red(`  ${counted(files.refused, 'file')} refused`))
  if (files.leftOut > 0) lines.push(`  ${counted(files.leftOut, 'hidden or non-data file')} left out`)
  lines.push(`  ${'events'.padEnd(10)}${number(inspection.events)}`)
  for (const book of ['skipped', 'rejected'] as const) {
    const { total, by_reason } = summary[book]
    if (total > 0) lines.push(`  ${book.padEnd(10)}${number(total)}  ${numbersByName(by_reason)}`)
  }
  const drifted = driftLines(drift, unknownTypesIn(summary.by_event_type), files.newerVersions)
  if (inspection.firstMs === null || inspection.lastMs === null) return `${[...lines, ...drifted].join('\n')}\n`

  lines.push('', style.bold('Time'), `  ${date(inspection.firstMs)} to ${date(inspection.lastMs)}`)
  lines.push(`  ${sparkline(inspection.hours, SPARK_WIDTH)}`)
  lines.push('', style.bold('Names that will appear'), ...nameLines(names))
  lines.push(...volumeLines(volumesIn(summary), pricePerMillion))
  lines.push(...identityLines(inspection), ...sizeLines(report))
  if (quota !== null) {
    const share = ((inspection.events / quota) * 100).toFixed(1)
    lines.push(`  ${share}% of the monthly quota of ${number(quota)} events`)
  }
  return `${[...lines, ...drifted].join('\n')}\n`
}

/** Events by type, the most first. */
function volumesIn({ by_event_type }: Summary): readonly TypeVolume[] {
  return Object.entries(by_event_type)
    .map(([type, { accepted }]) => ({ type, events: accepted }))
    .filter(({ events }) => events > 0)
    .toSorted((a, b) => b.events - a.events || (a.type < b.type ? -1 : 1))
}

function nameLines(names: readonly EventName[]): readonly string[] {
  const shown = names.slice(0, NAMES)
  const width = Math.max(...shown.map(({ name }) => name.length))
  const digits = Math.max(...shown.map(({ events }) => number(events).length))
  const lines = shown.map(({ type, name, events, sureness }) => {
    const unsure = UNSURE[sureness]
    const sure = `  ${number(events).padStart(digits)}  ${name.padEnd(width)}  ${type}`
    return unsure === undefined ? sure : `${sure}${style.yellow(`  ${unsure}`)}`
  })
  const more = names.length - shown.length
  if (more > 0) lines.push(`  … and ${number(more)} more; --json lists all`)
  const doubts = new Set(shown.flatMap(({ sureness }) => UNSURE[sureness] ?? []))
  if (doubts.size > 0) lines.push(style.yellow(`  ${[...doubts].join(', ')}: compare with live data`))
  return lines
}

function identityLines(inspection: Inspection): readonly string[] {
  const { identities, users, devices, devicesWithSeveralUsers, isExact } = inspection
  const about = isExact ? '' : 'about '
  return [
    '',
    style.bold('Who'),
    `  ${counted(identities.known, 'event')} of known users, ${number(identities.anonymous)} of devices alone; ${counted(identities.none, 'record')} with neither`,
    `  ${about}${counted(users, 'user')}, ${about}${counted(devices, 'device')}, ${about}${number(devicesWithSeveralUsers)} of them with several users`,
    ...hottestLines('hottest users', inspection.hottestUsers),
    ...hottestLines('hottest devices', inspection.hottestDevices),
  ]
}

function hottestLines(title: string, heavy: readonly Heavy[]): readonly string[] {
  if (heavy.length === 0) return []
  return [`  ${title}`, ...heavy.slice(0, HOTTEST).map(({ id, events }) => `    ${number(events).padStart(9)}  ${id}`)]
}

function sizeLines({ inspection, estimates, names }: InspectReport): readonly string[] {
  return [
    '',
    style.bold('Upload'),
    `  ${bytes(inspection.bytes)} of events, ${counted(names.length, 'event name')}, ${counted(inspection.propertyCount, 'property', 'properties')}`,
    ...(['http', 'batch'] as const).map((api) => {
      const { requests, seconds, bound, atLeast } = estimates[api]
      const what = bound === null ? 'the line and Amplitude decide' : BOUNDS[bound]
      const free = `at least ${duration(seconds)}, ${duration(inspection.events / FREE_EPS)} at ${number(FREE_EPS)} events/s`
      const time = atLeast ? free : duration(seconds)
      return `  --api ${api.padEnd(6)} ${time} in ${counted(requests, 'request')} or more (${what})`
    }),
  ]
}

const BOUNDS = {
  identity: 'bound by the limit of the hottest user or device',
  rate_cap: 'bound by --max-eps or --max-rps',
  daily_quota: "bound by Amplitude's daily quota of the hottest user or device",
} as const

/** `inspect --json`: the fields of the summary, and what else was found. */
export function inspectionJson(report: InspectReport): string {
  const { summary, files, names, inspection, estimates, quota, pricePerMillion, drift } = report
  return `${JSON.stringify({
    ...summary,
    files: {
      found: files.found,
      left_out: files.leftOut,
      refused: files.refused,
      formats: Object.fromEntries(files.formats),
      csv_dialects: Object.fromEntries(files.dialects),
    },
    first_time: inspection.firstMs === null ? null : date(inspection.firstMs),
    last_time: inspection.lastMs === null ? null : date(inspection.lastMs),
    hours: inspection.hours.map(([start, events]) => ({ hour: date(start), events })),
    names: names.map(({ type, name, events, sureness }) => ({ event_type: type, name, events, name_source: sureness })),
    volume: volumeJson(volumesIn(summary), pricePerMillion),
    properties: inspection.propertyCount,
    identities: inspection.identities,
    users: inspection.users,
    devices: inspection.devices,
    devices_with_several_users: inspection.devicesWithSeveralUsers,
    identities_exact: inspection.isExact,
    hottest_users: inspection.hottestUsers.map(({ id, events }) => ({ id, events })),
    hottest_devices: inspection.hottestDevices.map(({ id, events }) => ({ id, events })),
    bytes: inspection.bytes,
    estimates: Object.fromEntries(
      Object.entries(estimates).map(([api, { requests, seconds, bound, atLeast }]) => [
        api,
        { requests, duration_s: Math.round(seconds * 10) / 10, bound, at_least: atLeast },
      ]),
    ),
    drift: driftJson(drift, unknownTypesIn(summary.by_event_type), files.newerVersions),
    quota: quota === null ? null : { events_per_month: quota, share: inspection.events / quota },
  })}\n`
}

function date(ms: number): string {
  return new Date(ms).toISOString()
}

function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
