import { type Dirent, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFindingCollector } from '../check/collector.ts'
import { goldenDiff } from '../check/golden-diff.ts'
import { eachEvent, eventBytes } from '../chunk.ts'
import { type Braze2ampError, UsageError } from '../errors.ts'
import { textOf } from '../json/bytes.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { CheckedSection, CsvChoices, PassedCheck, Source } from '../model.ts'
import type { Format } from '../read/detect.ts'
import { discover } from '../read/discover.ts'
import { counted } from '../report/number.ts'
import { createTally } from '../session/input-tally.ts'
import { readExports } from './read-exports.ts'

/** The events that the inputs beside it are expected to become. */
const EXPECTED = 'expected.ndjson'

interface GoldenCase {
  readonly directory: string
  readonly inputs: readonly string[]
}

interface GoldenOptions {
  readonly mapping: Mapping
  readonly format: Format | undefined
  readonly csv: CsvChoices
  /** Write what comes out as what is expected. */
  readonly update: boolean
  readonly signal: AbortSignal
}

/**
 * Maps the inputs of every folder under `directory` and compares the events with the `expected.ndjson` beside them.
 * @throws UsageError when there is no case
 */
export async function checkGolden(directory: string, options: GoldenOptions): Promise<CheckedSection> {
  const cases = findCases(directory)
  if (cases.length === 0) {
    throw new UsageError(`no golden cases in ${directory}`, {
      hint: `A case is a folder with inputs, such as ${join(directory, 'opens/users.messages.email.Open.ndjson')}.`,
    })
  }
  const findings = createFindingCollector()
  const passed: PassedCheck[] = []
  for (const golden of cases) {
    const file = join(golden.directory, EXPECTED)
    const name = golden.directory
    const { events, records, refused } = await eventsOf(golden, options)
    for (const [source, error] of refused) findings.addRefused(source, error)
    if (refused.length > 0) continue
    const count = `${counted(events.length, 'event')} of ${counted(records, 'record')}`
    if (options.update) {
      writeExpected(file, events)
      passed.push({ name, detail: `${count} written` })
      continue
    }
    const expected = readExpected(file)
    if (expected === null) {
      findings.add('error', 'golden', `${name} has no ${EXPECTED} (--update writes it)`, { file, line: null })
      continue
    }
    const difference = goldenDiff(expected, events)
    if (difference === null) passed.push({ name, detail: `${count} as expected` })
    else {
      const message = `the events are not as expected (--update accepts them)\n${difference.text}`
      findings.add('error', 'golden', name, { file, line: difference.line }, message)
    }
  }
  return { name: 'golden', passed, groups: findings.groups() }
}

/** Every folder that holds inputs, in the order of their names. */
function findCases(directory: string): readonly GoldenCase[] {
  let entries: Dirent[]
  try {
    entries = readdirSync(directory, { withFileTypes: true })
  } catch (cause) {
    const hint = `Cases are folders with a few records, such as ${join(directory, 'opens/users.messages.email.Open.ndjson')}.`
    throw new UsageError(`cannot read ${directory}: ${(cause as Error).message}`, { cause, hint })
  }
  const visible = entries.filter(({ name }) => !name.startsWith('.')).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  // Teams keep notes beside their cases.
  const inputs = visible.filter((entry) => entry.isFile() && entry.name !== EXPECTED && !entry.name.endsWith('.md'))
  const own = inputs.length === 0 ? [] : [{ directory, inputs: inputs.map(({ name }) => join(directory, name)) }]
  const folders = visible.filter((entry) => entry.isDirectory())
  return [...own, ...folders.flatMap(({ name }) => findCases(join(directory, name)))]
}

async function eventsOf(
  { inputs }: GoldenCase,
  { mapping, format, csv, signal }: GoldenOptions,
): Promise<{
  readonly events: readonly string[]
  readonly records: number
  readonly refused: readonly (readonly [Source, Braze2ampError])[]
}> {
  const events: string[] = []
  let records = 0
  const refused: [Source, Braze2ampError][] = []
  const chunks = readExports(await discover(inputs), {
    mapping,
    format,
    csv,
    files: createTally(),
    signal,
    refused: (source, error) => void refused.push([source, error]),
  })
  for await (const chunk of chunks) {
    records += chunk.count
    eachEvent(chunk, (index) => events.push(textOf(eventBytes(chunk, index))))
  }
  return { events, records, refused }
}

function readExpected(file: string): readonly string[] | null {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new UsageError(`cannot read ${file}: ${(cause as Error).message}`, { cause })
  }
}

function writeExpected(file: string, events: readonly string[]): void {
  try {
    writeFileSync(file, events.map((event) => `${event}\n`).join(''))
  } catch (cause) {
    throw new UsageError(`cannot write ${file}: ${(cause as Error).message}`, { cause })
  }
}
