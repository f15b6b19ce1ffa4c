import type { Command } from 'commander'
import { systemClock } from '../clock.ts'
import { EVENTS, nameSourceOf } from '../currents/events.ts'
import { createDriftWatch } from '../inspect/drift.ts'
import { estimate } from '../inspect/estimate.ts'
import { createInspector, type Inspection } from '../inspect/inspector.ts'
import type { Mapping } from '../mapping/plan.ts'
import { discover } from '../read/discover.ts'
import { type EventName, inspectionJson, inspectionText } from '../report/inspection.ts'
import { createPrinter, say } from '../report/printer.ts'
import { summaryOf } from '../report/summary.ts'
import { createTally, exitCodeOf } from '../session/input-tally.ts'
import type { Counts } from '../state/books.ts'
import { sayFound } from './before-run.ts'
import {
  addInputOptions,
  addMappingOptions,
  csvChoicesOf,
  type InputOptions,
  type MappingFlags,
} from './options/input-options.ts'
import { usableMapping } from './options/load-mapping.ts'
import { parsePositive, parseRate } from './options/option-values.ts'
import { addRateOptions, type RateOptions, rateSettingsOf } from './options/rate-options.ts'
import { createUnlimitedLedger, readExports } from './read-exports.ts'
import type { Run } from './with-signals.ts'

interface InspectOptions extends InputOptions, MappingFlags, RateOptions {
  readonly dedupe: boolean
  readonly quota?: number
  readonly pricePerMillion?: number
  readonly json?: true
}

const EXAMPLES = `
Examples:
  braze2amp inspect ./exports
  braze2amp inspect ./exports --since 2026-01-01 --quota 10000000
  braze2amp inspect ./exports --price-per-million 50
  braze2amp inspect ./exports --json | jq -r '.names[].name' | sort
`

/** `inspect [paths…]`: what is in there, before anything is sent. */
export function declareInspect(command: Command, run: Run): void {
  command.description(
    'Reads the exports once, sends nothing, and says what an upload would bring into Amplitude, and how long it would take at ' +
      'the rates that are set.',
  )
  addInputOptions(command)
  addMappingOptions(command)
  command
    .option('--no-dedupe', 'count records again that are there twice')
    .option('--quota <n>', 'events that the project may take in a month', parsePositive)
    .option('--price-per-million <n>', 'what Amplitude asks for a million events, in any currency', parseRate)
  addRateOptions(command)
    .option('--json', 'one JSON object: the fields of the summary and what else was found')
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: InspectOptions) =>
      run((signal) => inspectCommand(paths, options, signal)),
    )
}

async function inspectCommand(paths: readonly string[], options: InspectOptions, signal: AbortSignal): Promise<number> {
  const mapping = await usableMapping(options, say)
  const startMs = systemClock.now()
  const discovery = await discover(paths)
  sayFound(discovery, mapping, say)
  const ledger = createUnlimitedLedger(options.dedupe)
  const inspector = createInspector(mapping)
  const drift = createDriftWatch(mapping)
  const formats = new Map<string, number>()
  const files = createTally()
  const dialects = new Map<string, number>()
  const chunks = readExports(discovery, {
    mapping,
    format: options.format,
    csv: csvChoicesOf(options),
    files,
    signal,
    opened: (_source, format) => void formats.set(format, (formats.get(format) ?? 0) + 1),
    dialect: (_source, name) => void dialects.set(name, (dialects.get(name) ?? 0) + 1),
  })
  for await (const chunk of chunks) {
    ledger.book(chunk, null)
    inspector.see(chunk)
    drift.see(chunk)
    ledger.accept(chunk)
  }

  const counts = ledger.counts()
  const exitCode = exitCodeOf(files, counts.read, false, signal)
  const inspection = inspector.inspection()
  const report = {
    summary: summaryOf(counts, {
      durationMs: systemClock.now() - startMs,
      stopped: signal.aborted ? 'signal' : null,
      exitCode,
      upload: null,
    }),
    files: {
      found: discovery.count,
      leftOut: discovery.leftOut.count,
      refused: files.refused,
      formats,
      dialects,
      newerVersions: files.newerVersions,
    },
    names: namesOf(mapping, counts, inspection),
    inspection,
    estimates: estimatesOf(inspection, options),
    quota: options.quota ?? null,
    pricePerMillion: options.pricePerMillion ?? null,
    drift: drift.drift(),
  }
  await createPrinter().print(options.json ? inspectionJson(report) : inspectionText(report))
  return exitCode
}

function estimatesOf({ events, bytes, hottestDevices, hottestUsers }: Inspection, options: InspectOptions) {
  const settings = rateSettingsOf(options)
  const load = { events, bytes, users: hottestUsers, devices: hottestDevices }
  return { http: estimate(load, 'http', settings), batch: estimate(load, 'batch', settings) }
}

/** Every name that the events have, the most frequent first. */
function namesOf(mapping: Mapping, counts: Counts, { ownNames }: Inspection): readonly EventName[] {
  const names: EventName[] = []
  for (const [type, { accepted }] of counts.byType) {
    if (accepted === 0) continue
    const { outline } = mapping.planOf(type)
    if (outline.carriesName) {
      names.push(...ownNames.map(([name, events]) => ({ type, name, events, sureness: 'own' as const })))
      continue
    }
    const row = EVENTS.find((candidate) => candidate.type === type)
    const sureness = outline.nameOrigin !== null ? 'mapping' : row === undefined ? 'derived' : nameSourceOf(row)
    names.push({ type, name: outline.name, events: accepted, sureness })
  }
  return names.toSorted((a, b) => b.events - a.events || (a.name < b.name ? -1 : 1))
}
