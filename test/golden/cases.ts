import { readdirSync, readFileSync } from 'node:fs'
import type { JsonObject } from './oracle.ts'

/** One golden file: a record of one event type, and the event it becomes under each profile; null when it is not sent. */
export interface GoldenCase {
  readonly record: JsonObject
  readonly braze: JsonObject | null
  readonly documented: JsonObject | null
  readonly enriched: JsonObject | null
}

export const GOLDEN_PROFILES = ['braze', 'documented', 'enriched'] as const

export const GOLDEN_DIRECTORY = new URL('../../../fixtures/golden/', import.meta.url)

/** Every golden file, by event type. */
export function goldenCases(): ReadonlyMap<string, GoldenCase> {
  const names = readdirSync(GOLDEN_DIRECTORY).filter((name) => name.endsWith('.json'))
  return new Map(
    names.map((name) => [
      name.replace(/\.json$/, ''),
      JSON.parse(readFileSync(new URL(name, GOLDEN_DIRECTORY), 'utf8')),
    ]),
  )
}
