import type { Braze2ampError } from '../errors.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { CsvChoices, MappedChunk, Source } from '../model.ts'
import { mappedChunks, type Observer } from '../pipeline.ts'
import type { Format } from '../read/detect.ts'
import type { Discovery } from '../read/discover.ts'
import { say } from '../report/printer.ts'
import { refusalText } from '../report/problems.ts'
import { type Tally, tallyInto } from '../session/input-tally.ts'
import { createLedger, type Ledger } from '../state/ledger.ts'
import { createSeen } from '../state/seen.ts'

interface Reading {
  readonly mapping: Mapping
  /** The format of every input; undefined to find out. */
  readonly format: Format | undefined
  readonly csv: CsvChoices
  /** What became of the inputs is counted here. */
  readonly files: Tally
  readonly signal: AbortSignal
  /** Takes inputs that cannot be read; if not given, standard error says why. */
  readonly refused?: (source: Source, error: Braze2ampError) => void
  readonly opened?: NonNullable<Observer['opened']>
  readonly dialect?: NonNullable<Observer['dialect']>
}

/** Reads and maps exports, for commands that send nothing. */
export function readExports(discovery: Discovery, reading: Reading): AsyncGenerator<MappedChunk> {
  const { mapping, format = null, csv, files, signal, refused = sayRefusal, opened, dialect } = reading
  const observer = { ...tallyInto(files, refused), ...(opened && { opened }), ...(dialect && { dialect }) }
  return mappedChunks({ sources: discovery.sources(), paths: discovery.paths, format, csv }, mapping, observer, signal)
}

function sayRefusal(_source: Source, error: Braze2ampError): void {
  say(refusalText(error))
}

/** The books of a command that reads everything. */
export function createUnlimitedLedger(dedupe: boolean): Ledger {
  return createLedger({ limit: Number.POSITIVE_INFINITY, maxErrors: null, seen: dedupe ? createSeen() : null })
}
