import type { CatalogueEntry } from '../data/catalogue.ts'

/** A stored record before it is written in some shape. Integers that a double cannot hold are bigints. */
export type Value = string | number | bigint | boolean | readonly string[] | null
export type StoredRecord = Readonly<Record<string, Value>>

/** Records of one event type, as a file holds them. */
export interface Records {
  readonly entry: CatalogueEntry
  readonly records: readonly StoredRecord[]
}

/** `JSON.stringify` that also writes bigints. */
export function jsonOf(value: Value): string {
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}
