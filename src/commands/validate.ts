import type { Command } from 'commander'
import { checkedMapping } from '../check/check-mapping.ts'
import { createRecordChecker } from '../check/check-records.ts'
import { interruptedCode, UsageError } from '../errors.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { CheckedSection } from '../model.ts'
import { discover } from '../read/discover.ts'
import { findingsText } from '../report/findings/findings.ts'
import { createPrinter, say } from '../report/printer.ts'
import { createTally, exitCodeOf, type Tally } from '../session/input-tally.ts'
import { sayFound } from './before-run.ts'
import { addFindingOptions, type FindingFlags, hasFailed } from './options/finding-options.ts'
import {
  addInputOptions,
  addMappingOptions,
  csvChoicesOf,
  type InputOptions,
  type MappingFlags,
} from './options/input-options.ts'
import { loadMapping, mappingFileOf } from './options/load-mapping.ts'
import { createUnlimitedLedger, readExports } from './read-exports.ts'
import { checkGolden } from './validate-golden.ts'
import type { Run } from './with-signals.ts'

interface ValidateOptions extends InputOptions, MappingFlags, FindingFlags {
  readonly golden?: string
  readonly update?: true
}

const EXAMPLES = `
Examples:
  braze2amp validate --mapping braze2amp.yaml            the mapping file alone
  braze2amp validate ./samples --output github           annotations on a pull request
  braze2amp validate ./samples --output junit > report.xml
  braze2amp validate --golden ./golden                   fail when a mapping makes other events than it did
  braze2amp validate --golden ./golden --update          accept the events as they are now
`

/** `validate [paths…]`: what CI asks of a mapping, and of the data that it meets. */
export function declareValidate(command: Command, run: Run): void {
  command.description(
    "Checks the mapping file; with paths also every record against Braze's catalogue and every event against Amplitude's " +
      'contract. Needs no key and no network. Exit code 3 when it found errors.',
  )
  addInputOptions(command, '[paths...]')
  addMappingOptions(command)
  addFindingOptions(command)
  command
    .option('--golden <dir>', 'compare the events of each folder in there with its expected.ndjson')
    .option('--update', 'with --golden: write what comes out as what is expected')
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: ValidateOptions) =>
      run((signal) => validateCommand(paths, options, signal)),
    )
}

async function validateCommand(
  paths: readonly string[],
  options: ValidateOptions,
  signal: AbortSignal,
): Promise<number> {
  const file = mappingFileOf(options, say)
  if (options.update && options.golden === undefined) {
    throw new UsageError('--update needs --golden', { hint: 'braze2amp validate --golden DIR --update' })
  }
  if (file === null && paths.length === 0 && options.golden === undefined) {
    throw new UsageError('nothing to validate', {
      hint: 'Give paths of exports, --mapping FILE or --golden DIR; braze2amp mapping init writes a mapping file.',
    })
  }
  const { mapping, findings } = await loadMapping(options, file)
  const sections: CheckedSection[] = []
  if (file !== null) sections.push(checkedMapping(file, mapping, findings))
  let read: number | null = null
  const files = createTally()
  // What a broken mapping would make of records says nothing about them.
  if (!findings.some(({ severity }) => severity === 'error')) {
    if (paths.length > 0) {
      const checked = await checkRecords(paths, options, mapping, files, signal)
      sections.push(checked.section)
      read = checked.read
    }
    if (options.golden !== undefined) {
      const { golden, format, update = false } = options
      sections.push(await checkGolden(golden, { mapping, format, csv: csvChoicesOf(options), update, signal }))
    }
  }
  if (signal.aborted) return interruptedCode(signal)
  await createPrinter().print(findingsText(options.output, { sections, read, failsOn: options.failOn }))
  return exitCodeOf(files, read ?? 0, hasFailed(sections, options.failOn), signal)
}

async function checkRecords(
  paths: readonly string[],
  options: ValidateOptions,
  mapping: Mapping,
  files: Tally,
  signal: AbortSignal,
): Promise<{ readonly section: CheckedSection; readonly read: number }> {
  const checker = createRecordChecker(mapping)
  const ledger = createUnlimitedLedger(true)
  const reading = {
    mapping,
    format: options.format,
    csv: csvChoicesOf(options),
    files,
    signal,
    refused: checker.refused,
  }
  const discovery = await discover(paths)
  sayFound(discovery, mapping, say)
  for await (const chunk of readExports(discovery, reading)) {
    ledger.book(chunk, null)
    checker.see(chunk)
  }
  checker.seeVersions(files.newerVersions)
  return { section: checker.section(), read: ledger.counts().read }
}
