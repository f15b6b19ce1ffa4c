import { type CatalogueEntry, fieldsOf } from '../data/catalogue.ts'
import { unionNdjson } from '../shapes/json.ts'
import type { Records, StoredRecord } from '../shapes/records.ts'
import { randomOf } from './generate.ts'

const DIRTY_SHARE = 0.05

/** NDJSON in which one line in twenty is written, or spoiled, in a way that exports are seen in; which ones, their ids say. */
export function dirtyNdjson({ entry, records }: Records): string {
  return records
    .map((record) => {
      const random = randomOf(Number.parseInt(String(record['id']), 16))
      if (random() >= DIRTY_SHARE) return `${JSON.stringify(record)}\n`
      const dirt = DIRT[Math.floor(random() * DIRT.length)] as Dirt
      return `${dirt(record, entry, random)}\n`
    })
    .join('')
}

type Dirt = (record: StoredRecord, entry: CatalogueEntry, random: () => number) => string

const DIRT: readonly Dirt[] = [oddSpacing, unknownFields, missingFields, nulls, escapes, unions, otherOrder, malformed]

function oddSpacing(record: StoredRecord): string {
  const members = Object.entries(record).map(([key, value]) => `${JSON.stringify(key)} :\t${JSON.stringify(value)}`)
  return `{ ${members.join('  , ')} }`
}

function unknownFields(record: StoredRecord): string {
  return JSON.stringify({
    loaded_at: '2026-01-02T03:04:05Z',
    ...record,
    loader: { name: 'dbt', runs: [1, 2, { ok: true }] },
  })
}

function missingFields(record: StoredRecord, entry: CatalogueEntry, random: () => number): string {
  const isKept = keptOf(entry, random)
  return JSON.stringify(Object.fromEntries(Object.entries(record).filter(([key]) => isKept(key))))
}

function nulls(record: StoredRecord, entry: CatalogueEntry, random: () => number): string {
  const isKept = keptOf(entry, random)
  return JSON.stringify(
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, isKept(key) ? value : null])),
  )
}

/** Half of the fields that may be absent. */
function keptOf(entry: CatalogueEntry, random: () => number): (key: string) => boolean {
  const kept = new Set(fieldsOf(entry).flatMap(({ name, nullable }) => (nullable && random() < 0.5 ? [] : [name])))
  return (key) => kept.has(key)
}

function escapes(record: StoredRecord): string {
  const hard = Object.entries(record).map(([key, value]) => [
    key,
    typeof value === 'string' && key.endsWith('_name') ? `${value} "é\\🎉"\n` : value,
  ])
  return JSON.stringify(Object.fromEntries(hard)).replace(
    /[^\0-~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function unions(record: StoredRecord, entry: CatalogueEntry): string {
  return unionNdjson({ entry, records: [record] }).trimEnd()
}

function otherOrder(record: StoredRecord, _entry: CatalogueEntry, random: () => number): string {
  const members = Object.entries(record).map((member) => ({ member, place: random() }))
  return JSON.stringify(Object.fromEntries(members.sort((a, b) => a.place - b.place).map(({ member }) => member)))
}

/** A line that was cut short. */
function malformed(record: StoredRecord, _entry: CatalogueEntry, random: () => number): string {
  const line = JSON.stringify(record)
  return line.slice(0, Math.floor(line.length * random()))
}
