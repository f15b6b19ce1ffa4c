import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { entryOf } from '../bench/generate.ts'
import { avro } from '../shapes/avro.ts'
import { csv } from '../shapes/csv.ts'
import type { StoredRecord } from '../shapes/records.ts'

/**
 * Small exports of everything that matters to the books, in every format, on the real disk: what is read is real, what is kept is on the
 * simulated one.
 */

const FORMATS = ['ndjson', 'gzip', 'csv', 'avro', 'array'] as const
type Format = (typeof FORMATS)[number] | 'letters'

const KINDS = [
  'event',
  'malformed',
  'anonymous',
  'duplicate',
  'withoutId',
  /** Of a type that the catalogue lacks; the mapping derives its event. */
  'derived',
  /** Amplitude refuses it and says which it is. */
  'invalid',
  /** Amplitude refuses any request that holds it for its size. */
  'tooLarge',
] as const
type Kind = (typeof KINDS)[number]

const OWNERS = ['hot user', 'hot device', 'user 1', 'user 2', 'user 3', 'device 1', 'silenced device'] as const
type Owner = (typeof OWNERS)[number]

interface RecordPlan {
  readonly kind: Kind
  readonly owner: Owner
  /** Large enough that a few of them are more than one read. */
  readonly isLong: boolean
}

export interface FilePlan {
  readonly format: Format
  readonly records: readonly RecordPlan[]
  /** Its last bytes are missing, but no record: for gzip and the array, which have an end of their own. */
  readonly isCut: boolean
}

/** Files that were written. */
export interface Exports {
  readonly root: string
  /** In the order of a run. */
  readonly paths: readonly string[]
  /** The `insert_id` that each record brings to Amplitude, by file and ordinal; null for a record that brings none of its own. */
  readonly ids: ReadonlyMap<string, readonly (string | null)[]>
  /** The same ids by the user, or else the device, whose events they are; in the run's order. */
  readonly owners: ReadonlyMap<string, readonly string[]>
  /** By the same: how many events the busiest identity has that any of theirs carries. */
  readonly crowds: ReadonlyMap<string, number>
}

const CUT_BYTES: Partial<Record<Format, number>> = { gzip: 4, array: 1 }
const EVENT_TYPE = 'users.behaviors.CustomEvent'
const LONG_HASHES = 47

const plannedRecord = fc.record<RecordPlan>({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Kind>('event') },
    { weight: 4, arbitrary: fc.constantFrom(...KINDS) },
  ),
  owner: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Owner>('hot user', 'hot device') },
    { weight: 2, arbitrary: fc.constantFrom(...OWNERS) },
  ),
  isLong: fc.boolean(),
})

/** Up to four files, which together make an identity or two hot. */
export const FILE_PLANS = fc.array(
  fc.record<FilePlan>({
    format: fc.constantFrom(...FORMATS),
    records: fc.array(plannedRecord, { maxLength: 40, size: 'max' }),
    isCut: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4, size: 'max' },
)

/** Writes the files of the plans into `root`. */
export function writeExports(root: string, plans: readonly FilePlan[]): Exports {
  const ids = new Map<string, (string | null)[]>()
  const owners = new Map<string, string[]>()
  const carried = new Map<string, number>()
  const companions = new Map<string, Set<string>>()
  let count = 0
  let before: StoredRecord | null = null
  const paths = plans.map(({ format, records, isCut }, number) => {
    const own: (string | null)[] = []
    const stored = records.map(({ kind, owner, isLong }): StoredRecord | null => {
      count += 1
      own.push(null)
      if (kind === 'malformed' && (format === 'ndjson' || format === 'gzip' || format === 'csv')) return null
      if (kind === 'duplicate' && before !== null) return before
      const record = recordOf(kind, owner, isLong, count, format)
      if (kind === 'event') before = record
      const { id, external_user_id: user, device_id: device } = record
      if (kind === 'anonymous') return record
      const lane = String(user ?? device)
      for (const identity of [user, device].filter((each) => typeof each === 'string')) {
        carried.set(identity, (carried.get(identity) ?? 0) + 1)
        companions.set(lane, (companions.get(lane) ?? new Set()).add(identity))
      }
      if (typeof id !== 'string') return record
      own[own.length - 1] = id
      owners.set(lane, [...(owners.get(lane) ?? []), id])
      return record
    })
    const { name, bytes } = fileOf(format, stored)
    const path = join(root, `date=2026-01-${String(number + 1).padStart(2, '0')}`, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, isCut ? bytes.subarray(0, bytes.length - (CUT_BYTES[format] ?? 0)) : bytes)
    ids.set(path, own)
    return path
  })
  const crowds = new Map(
    Array.from(companions, ([lane, all]) => [lane, Math.max(...[...all].map((each) => carried.get(each) ?? 0))]),
  )
  return { root, paths, ids, owners, crowds }
}

function recordOf(kind: Kind, owner: Owner, isLong: boolean, number: number, format: Format): StoredRecord {
  const [user, device] = identitiesOf(owner, number)
  const names = { event: 'e', invalid: 'invalid', tooLarge: 'large' } as const
  const id = `${names[kind as keyof typeof names] ?? 'e'}-${number}`
  const isKnown = kind !== 'derived' || format === 'csv' || format === 'avro'
  return {
    // Avro and CSV as Braze writes them always have one.
    id: kind === 'withoutId' && format !== 'avro' ? null : id,
    user_id: 'braze-id',
    external_user_id: kind === 'anonymous' ? null : user,
    app_id: null,
    time: 1_767_225_600 + number,
    timezone: null,
    platform: null,
    os_version: null,
    device_model: null,
    device_id: kind === 'anonymous' ? null : device,
    name: 'signed_up',
    properties: JSON.stringify({ number, padding: isLong ? longText(number) : '' }),
    ad_id: null,
    ad_id_type: null,
    ad_tracking_enabled: null,
    app_group_id: null,
    ...(isKnown ? {} : { event_type: 'users.behaviors.app.Novelty' }),
  }
}

/** Some 6000 characters that do not pack well. */
function longText(number: number): string {
  return Array.from({ length: LONG_HASHES }, (_, i) =>
    createHash('sha512').update(`${number} ${i}`).digest('hex'),
  ).join('')
}

function identitiesOf(owner: Owner, number: number): readonly [user: string | null, device: string | null] {
  switch (owner) {
    case 'hot user':
      return ['hot', number % 3 === 0 ? 'tablet' : null]
    case 'hot device':
      return [number % 2 === 0 ? null : `guest-${number % 5}`, 'kiosk']
    case 'device 1':
      return [null, 'device-1']
    case 'silenced device':
      return [null, 'silenced']
    default:
      return [owner.replace(' ', '-'), null]
  }
}

function fileOf(format: Format, records: readonly (StoredRecord | null)[]): { name: string; bytes: Buffer } {
  const lines = records.map((record) => (record === null ? '{"id":"broken' : JSON.stringify(record)))
  const ndjson = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const entry = entryOf(EVENT_TYPE)
  const whole = records.filter((record) => record !== null)
  switch (format) {
    case 'ndjson':
      return { name: `${EVENT_TYPE}.ndjson`, bytes: ndjson }
    case 'gzip':
      return { name: `${EVENT_TYPE}.ndjson.gz`, bytes: gzipSync(ndjson) }
    case 'array':
      return { name: `${EVENT_TYPE}.json`, bytes: Buffer.from(`[${lines.join(',')}]`) }
    case 'avro':
      return { name: `${EVENT_TYPE}.avro`, bytes: avro({ entry, records: whole }, 'deflate', 4) }
    case 'letters': {
      const letters = records.map((record, i) => {
        const source = { file: `${EVENT_TYPE}.ndjson`, position: i, line: i + 1 }
        const why = { reason: 'malformed', detail: 'detail', status: null }
        return { ...why, source, event_type: EVENT_TYPE, record: record ?? lines[i], event: null, at: 0 }
      })
      return { name: 'letters.ndjson', bytes: Buffer.from(letters.map((each) => `${JSON.stringify(each)}\n`).join('')) }
    }
    case 'csv': {
      const [header, ...rows] = csv({ entry, records: whole }).trimEnd().split('\n')
      const all = records.map((record) => (record === null ? 'broken,row' : rows.shift()))
      return { name: `${EVENT_TYPE}.csv`, bytes: Buffer.from(`${[header, ...all].join('\n')}\n`) }
    }
  }
}
