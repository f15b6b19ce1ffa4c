import { CATALOGUE_VERSION } from '../currents/catalogue-version.ts'
import { versionOfPath } from '../currents/path-type.ts'
import { type Braze2ampError, EXIT, interruptedCode } from '../errors.ts'
import type { Source } from '../model.ts'

/** How many inputs were read to their end, and how many cannot be read. The exit code of every reading command depends on these. */
export interface Tally {
  finished: number
  refused: number
  /** Of those read to their end, how many have a path with a version of Currents beyond the catalogue's; by that version. */
  readonly newerVersions: Map<number, number>
}

export function createTally(): Tally {
  return { finished: 0, refused: 0, newerVersions: new Map() }
}

/** The part of an observer that counts inputs. `tell` shows why an input is refused. */
export function tallyInto(
  tally: Tally,
  tell: (source: Source, error: Braze2ampError) => void,
): { finished(source: Source): void; refused(source: Source, error: Braze2ampError): void } {
  return {
    finished({ path }) {
      tally.finished++
      const version = versionOfPath(path)
      if (version === null || version <= CATALOGUE_VERSION) return
      tally.newerVersions.set(version, (tally.newerVersions.get(version) ?? 0) + 1)
    },
    refused(source, error) {
      tally.refused++
      tell(source, error)
    },
  }
}

/**
 * The exit code of a command that read its inputs: that of the signal when interrupted; 2 when no input could be read; 3 when an input
 * could not be read or `hasFailed` (src/README.md §5).
 * @param readRecords records read, including those of inputs that were not read to their end
 * @param hasFailed the records read make the command fail, by dead letters or errors
 * @param signal the user's wish to stop; null when the command ended by itself
 */
export function exitCodeOf(tally: Tally, readRecords: number, hasFailed: boolean, signal: AbortSignal | null): number {
  if (signal?.aborted) return interruptedCode(signal)
  if (tally.refused > 0 && tally.finished === 0 && readRecords === 0) return EXIT.usage
  return tally.refused > 0 || hasFailed ? EXIT.recordsRejected : EXIT.done
}
