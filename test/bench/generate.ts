import { CATALOGUE, type CatalogueEntry, fieldsOf, type StorageField } from '../data/catalogue.ts'

/** Invented Currents records of any event type, repeatable from a seed. */

type FieldValue = string | number | boolean | readonly string[] | null
export type CurrentsRecord = Record<string, FieldValue>

/** A seeded generator of numbers in [0, 1) (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function entryOf(type: string): CatalogueEntry {
  const entry = CATALOGUE.find((candidate) => candidate.event_type === type)
  if (!entry) throw new Error(`no such type: ${type}`)
  return entry
}

/** Share of nullable fields that are null. */
const NULL_SHARE = 0.25

/** One invented record of a type. */
export function recordOf(
  entry: CatalogueEntry,
  random: () => number,
  ordinal: number,
  nullShare = NULL_SHARE,
): CurrentsRecord {
  const record: CurrentsRecord = {}
  for (const field of fieldsOf(entry)) {
    const isIdentity = field.name === 'external_user_id'
    record[field.name] =
      field.nullable && !isIdentity && random() < nullShare ? null : fieldValue(field, random, ordinal)
  }
  return record
}

function fieldValue(field: StorageField, random: () => number, ordinal: number): FieldValue {
  switch (field.type) {
    case 'boolean':
      return random() < 0.5
    case 'float':
      return Math.fround(Math.round(random() * 100_000) / 100)
    case 'double':
      // As a 32-bit float it would lose digits.
      return Math.fround(random() * 1000)
    case 'int':
    case 'long':
      return field.name === 'time' ? 1_767_225_600 + Math.floor(ordinal / 8) : Math.floor(random() * 1000)
    case 'array<string>':
      return ['known_user_agent', 'ip_match']
    default:
      return textOf(field.name, random)
  }
}

function textOf(name: string, random: () => number): string {
  switch (name) {
    case 'id':
    case 'session_id':
    case 'dispatch_id':
      return uuid(random)
    case 'external_user_id':
      return `customer-${Math.floor(random() * 100_000)}`
    case 'user_id':
      return hex(random, 24)
    case 'device_id':
      return uuid(random).toUpperCase()
    case 'name':
      return pick(random, ['signed_up', 'added_to_cart', 'viewed_product', 'completed_onboarding'])
    case 'properties':
      return JSON.stringify({
        plan: pick(random, ['free', 'pro', 'team']),
        items: Math.floor(random() * 10),
        total: Math.round(random() * 10_000) / 100,
        note: pick(random, ['spring sale', 'été', 'say "hi"']),
      })
    case 'email_address':
      return `person${Math.floor(random() * 100_000)}@example.com`
    case 'timezone':
      return 'Europe/Paris'
    case 'platform':
      return pick(random, ['ios', 'android', 'web'])
    case 'os_version':
      return pick(random, ['26.1', '16', '15'])
    case 'device_model':
      return pick(random, ['iPhone17,1', 'Pixel 10', 'SM-S938B'])
    case 'campaign_name':
    case 'canvas_name':
      return pick(random, ['Welcome series', 'Win back – spring', 'Order shipped'])
    case 'user_agent':
      return 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148'
    case 'url':
    case 'link_url':
      return `https://shop.example.com/offers/${hex(random, 8)}?utm_source=braze&utm_medium=email`
    case 'machine_open':
      return 'true'
    case 'ad_id_type':
      return pick(random, ['ios_idfa', 'google_ad_id', 'roku_ad_id'])
    case 'currency':
      return 'EUR'
    default:
      return name.endsWith('_id') ? uuid(random) : `${name} ${hex(random, 6)}`
  }
}

function pick<T>(random: () => number, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T
}

const DIGITS = Buffer.from('0123456789abcdef')
const DASH = '-'.charCodeAt(0)
const written = Buffer.alloc(36)

/** Digits are put together as bytes: text that grows by a digit costs more than all the rest of a record. */
function hex(random: () => number, digits: number): string {
  writeHex(random, 0, digits)
  return written.toString('latin1', 0, digits)
}

function uuid(random: () => number): string {
  writeHex(random, 0, 8)
  writeHex(random, 9, 13)
  writeHex(random, 15, 18)
  writeHex(random, 20, 23)
  writeHex(random, 24, 36)
  for (const at of [8, 13, 18, 23]) written[at] = DASH
  written[14] = 0x34
  written[19] = 0x61
  return written.toString('latin1', 0, 36)
}

function writeHex(random: () => number, from: number, to: number): void {
  for (let at = from; at < to; at++) written[at] = DIGITS[Math.floor(random() * 16)] as number
}
