import type { Command } from 'commander'
import { placeText, typeNameOf } from '../chunk.ts'
import { EXIT, UsageError } from '../errors.ts'
import { excerpt } from '../excerpt.ts'
import { bufferOf } from '../json/bytes.ts'
import { endOfValue } from '../json/values.ts'
import { AS_IT_IS, type ExplainedValue, type Explanation, explainRecord } from '../map/explain-record.ts'
import { createFieldLister, fieldNamed, idOfField } from '../map/record-fields.ts'
import type { MappedChunk } from '../model.ts'
import { WARNING_MEANINGS } from '../outcomes.ts'
import { discover } from '../read/discover.ts'
import { recordBytes } from '../record-text.ts'
import { createPrinter, say } from '../report/printer.ts'
import { style } from '../report/style.ts'
import { createTally, exitCodeOf } from '../session/input-tally.ts'
import { sayFound } from './before-run.ts'
import {
  addInputOptions,
  addMappingOptions,
  csvChoicesOf,
  type InputOptions,
  type MappingFlags,
} from './options/input-options.ts'
import { usableMapping } from './options/load-mapping.ts'
import { parsePositive } from './options/option-values.ts'
import { readExports } from './read-exports.ts'
import type { Run } from './with-signals.ts'

interface ExplainOptions extends InputOptions, MappingFlags {
  readonly line?: number
  readonly id?: string
  readonly json?: true
}

const EXAMPLES = `
Examples:
  braze2amp explain ./exports                                 the first record of each event type
  braze2amp explain export.ndjson --line 17
  braze2amp explain ./exports --id 7d1e8d2a-4a5b-4c1e-9d2f-0a1b2c3d4e5f
  echo '{"id":"1","external_user_id":"u","time":1767319200}' | braze2amp explain - --event-type users.messages.email.Open
`

/** `explain [paths…]`: one record beside the event it becomes, and why. */
export function declareExplain(command: Command, run: Run): void {
  command
    .description(
      'Shows what becomes of single records: each value of the event with the field it comes from, and what is left out.',
    )
    .option(
      '--line <n>',
      'the record on this line of the first input that has it; its number in Avro and JSON',
      parsePositive,
    )
    .option('--id <id>', 'the first record with this id')
    .option('--json', 'one JSON object a line')
  addInputOptions(command)
  addMappingOptions(command)
  command
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: ExplainOptions) =>
      run((signal) => explainCommand(paths, options, signal)),
    )
}

async function explainCommand(paths: readonly string[], options: ExplainOptions, signal: AbortSignal): Promise<number> {
  const mapping = await usableMapping(options, say)
  const files = createTally()
  const discovery = await discover(paths)
  sayFound(discovery, mapping, say)
  const reading = { mapping, format: options.format, csv: csvChoicesOf(options), files, signal }
  const chunks = readExports(discovery, reading)
  const pick = pickerOf(options)
  const printer = createPrinter()
  let shown = 0
  for await (const chunk of chunks) {
    for (const index of pick.from(chunk)) {
      const explanation = explainRecord(chunk, index, mapping)
      await printer.print(options.json ? jsonOf(explanation) : `${shown > 0 ? '\n' : ''}${textFor(explanation)}`)
      shown++
    }
    if (pick.isDone() || printer.isClosed()) break
  }
  const exitCode = exitCodeOf(files, shown, false, signal)
  if (shown > 0 || signal.aborted || exitCode === EXIT.usage) return exitCode
  throw new UsageError(pick.notFound, {
    hint: 'Check the paths; without --line and --id the first record of each type is shown.',
  })
}

interface Picker {
  from(chunk: MappedChunk): readonly number[]
  isDone(): boolean
  readonly notFound: string
}

function pickerOf({ line, id }: ExplainOptions): Picker {
  if (id !== undefined) return firstPicker((chunk) => recordWithId(chunk, id), `no record has the id ${id}`)
  if (line !== undefined) {
    return firstPicker((chunk) => recordOnLine(chunk, line), `no input has a record on line ${line}`)
  }
  const seen = new Set<string | null>()
  return {
    from(chunk) {
      const picked: number[] = []
      for (let i = 0; i < chunk.count; i++) {
        const type = typeNameOf(chunk, i)
        if (!seen.has(type)) picked.push(i)
        seen.add(type)
      }
      return picked
    },
    isDone: () => false,
    notFound: 'the inputs hold no records',
  }
}

function firstPicker(find: (chunk: MappedChunk) => number, notFound: string): Picker {
  let isFound = false
  return {
    from(chunk) {
      const index = find(chunk)
      if (index < 0) return []
      isFound = true
      return [index]
    },
    isDone: () => isFound,
    notFound,
  }
}

/** Formats without lines count their records. */
function recordOnLine({ raw, count }: MappedChunk, line: number): number {
  const index = raw.lines === null ? raw.positions.indexOf(line - 1) : raw.lines.indexOf(line)
  return index < count ? index : -1
}

/** Searches the chunk's bytes first: most chunks do not hold the id at all. */
function recordWithId(chunk: MappedChunk, id: string): number {
  const { raw, count } = chunk
  const text = JSON.stringify(id).slice(1, -1)
  if (![raw.bytes, chunk.bytes].some((bytes) => bufferOf(bytes).includes(text))) return -1
  const fieldsOf = createFieldLister()
  for (let i = 0; i < count; i++) {
    const isJson = endOfValue(recordBytes(raw, i), 0) >= 0
    const field = isJson ? fieldNamed(fieldsOf(raw, i), 'id') : null
    if (field !== null && idOfField(field) === id) return i
  }
  return -1
}

function textFor(explanation: Explanation): string {
  const { file, line, position, eventType, outcome, reason, why, warnings, topLevel, properties, leftOut } = explanation
  const lines = [style.bold(`${placeText({ path: file, position, line })}  ${eventType ?? 'no event type'}`)]
  if (outcome !== 'event') {
    lines.push(
      `  ${style.yellow(`${outcome}: ${reason}`)}${why === null ? '' : `  ${why}`}`,
      `  ${excerpt(explanation.record)}`,
    )
    return `${lines.join('\n')}\n`
  }
  const keys = [...topLevel, ...properties].map(({ property }) => property)
  const width = Math.max(...[...keys, ...leftOut.map(({ field }) => field)].map(({ length }) => length), 10)
  const valueLine =
    (indent: string) =>
    ({ property, value, from, rule }: ExplainedValue) =>
      `${indent}${property.padEnd(width)}  ${excerpt(value)}  ${style.dim(originFor(from, rule))}`
  lines.push(...topLevel.map(valueLine('  ')), style.bold('  event_properties'), ...properties.map(valueLine('    ')))
  if (leftOut.length > 0) lines.push(style.bold('  left out'))
  lines.push(
    ...leftOut.map(({ field, value, why }) => style.dim(`    ${field.padEnd(width)}  ${excerpt(value)}  ${why}`)),
  )
  lines.push(...warnings.map((warning) => style.yellow(`  warning ${warning}: ${WARNING_MEANINGS[warning]}`)))
  return `${lines.join('\n')}\n`
}

function originFor(from: string | null, rule: string): string {
  if (from === null) return rule
  return rule === AS_IT_IS ? `← ${from}` : `← ${from}, ${rule}`
}

/** Record, event and values are JSON text already: put in as they are, so that long integers keep their digits. */
function jsonOf({ record, event, topLevel, properties, leftOut, ...rest }: Explanation): string {
  const isJson = rest.outcome !== 'rejected'
  const { eventType: event_type, file, line, position, outcome, reason, why, warnings } = rest
  const head = JSON.stringify({ file, line, position, event_type, outcome, reason, why, warnings }).slice(0, -1)
  const values = (list: readonly ExplainedValue[]) =>
    list
      .map(
        ({ property, value, from, rule }) =>
          `${JSON.stringify({ property, from, rule }).slice(0, -1)},"value":${value}}`,
      )
      .join(',')
  const left = leftOut.map(
    ({ field, value, why }) => `${JSON.stringify({ field, why }).slice(0, -1)},"value":${value}}`,
  )
  return (
    `${head},"record":${isJson ? record : JSON.stringify(record)},"event":${event ?? 'null'},` +
    `"top_level":[${values(topLevel)}],"properties":[${values(properties)}],"left_out":[${left.join(',')}]}\n`
  )
}
