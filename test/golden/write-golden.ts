import { mkdirSync, writeFileSync } from 'node:fs'
import { randomOf, recordOf } from '../bench/generate.ts'
import { CATALOGUE } from '../data/catalogue.ts'
import { mapRecord } from '../harness.ts'
import { GOLDEN_DIRECTORY, GOLDEN_PROFILES, type GoldenCase, goldenCases } from './cases.ts'

/**
 * Rewrites the golden files from what the program does now: records stay as they are, missing ones are made up, and so are
 * fields that they lack. The diff is for a person to review; the golden test checks them against the reference data.
 */
mkdirSync(GOLDEN_DIRECTORY, { recursive: true })
const existing = goldenCases()
for (const [i, entry] of CATALOGUE.entries()) {
  const invented = recordOf(entry, randomOf(i + 1), i, 0)
  const known = existing.get(entry.event_type)?.record ?? {}
  const added = Object.entries(invented).filter(([field]) => !(field in known))
  const record = { ...known, ...Object.fromEntries(added) }
  const events = GOLDEN_PROFILES.map((profile) => {
    const { line } = mapRecord(JSON.stringify(record), entry.event_type, { profile })
    return [profile, line === null ? null : JSON.parse(line)]
  })
  const golden: GoldenCase = { record, ...Object.fromEntries(events) }
  writeFileSync(new URL(`${entry.event_type}.json`, GOLDEN_DIRECTORY), `${JSON.stringify(golden, null, 2)}\n`)
}
