import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from './cases.ts'
import { type Measured, measure } from './measure.ts'
import type { Places } from './places.ts'

/** Runs all cases in turn, `rounds` times over, each in a folder of its own below `scratch`; the runs of each case, by its name. */
export async function runRounds(
  cases: readonly Case[],
  rounds: number,
  places: Places,
  scratch: string,
  stop: AbortSignal,
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const runs = new Map(cases.map(({ name }) => [name, [] as Measured[]]))
  for (let round = 1; round <= rounds; round++) {
    for (const { name, words, exitCodes } of cases) {
      console.error(`round ${round} of ${rounds}: ${name}`)
      const cwd = mkdtempSync(join(scratch, 'run-'))
      runs.get(name)?.push(await measure({ words: words(places), exitCodes, cwd }, stop))
      rmSync(cwd, { recursive: true })
    }
  }
  return runs
}
