import { dirname, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import type { Discovery } from '../read/discover.ts'

/** What a run keeps (state/README.md §1). */
const STATE_FILE = /(^|\/)((dead-letters|retrying|files|\d+)\.ndjson|checkpoint\.json)$/

/**
 * An upload must not read what it writes: it would go on for ever.
 * @throws UsageError when an input is a file of the state directory
 */
export function refuseOwnFiles(discovery: Discovery, state: string): void {
  const directories = new Set([resolve(state), resolve(state, 'lanes')])
  for (const { path } of discovery.sources()) {
    // There may be 900,000, and resolving takes long.
    if (!STATE_FILE.test(path) || !directories.has(dirname(resolve(path)))) continue
    throw new UsageError(`${path} belongs to the state directory ${state}, into which this upload writes`, {
      hint: 'braze2amp retry sends dead letters again; otherwise move the file elsewhere, or give another --state.',
    })
  }
}
