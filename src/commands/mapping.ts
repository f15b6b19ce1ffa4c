import { existsSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { checkedMapping } from '../check/check-mapping.ts'
import { EXIT, UsageError } from '../errors.ts'
import { STARTER } from '../mapping/starter-mapping.ts'
import { findingsText } from '../report/findings/findings.ts'
import { createPrinter, say } from '../report/printer.ts'
import { addFindingOptions, type FindingFlags, hasFailed } from './options/finding-options.ts'
import { DEFAULT_MAPPING_FILE, loadMapping } from './options/load-mapping.ts'
import type { Run } from './with-signals.ts'

const EXAMPLES = `
Examples:
  braze2amp mapping init                    write a commented braze2amp.yaml
  braze2amp mapping check                   all errors at once, as file:line:column
  braze2amp mapping schema > braze2amp.schema.json
`

/** `mapping init|check|schema`: what a team needs to own a mapping file. */
export function declareMapping(command: Command, run: Run): void {
  command
    .description('Helps with mapping files, which change names and properties of the events that records become.')
    .addHelpText('after', EXAMPLES)
  command
    .command('init')
    .summary('write a commented starter')
    .description('Writes a commented mapping file that changes nothing yet. An existing file is never overwritten.')
    .argument('[file]', 'where to; - for standard output', DEFAULT_MAPPING_FILE)
    .action((file: string) => run(async () => initCommand(file)))
  const check = command
    .command('check')
    .summary('check a mapping file: all errors at once')
    .description('Checks syntax, shape, and every name against the catalogue of event types. Exit code 3 for errors.')
    .argument('[file]', 'the mapping file', DEFAULT_MAPPING_FILE)
  addFindingOptions(check)
  check.action((file: string, options: FindingFlags) => run(() => checkCommand(file, options)))
  command
    .command('schema')
    .summary('print the JSON Schema')
    .description('Prints a JSON Schema, with which editors complete and check mapping files.')
    .action(() =>
      run(async () => {
        const { mappingJsonSchema } = await import('../mapping/mapping-schema.ts')
        await createPrinter().print(`${JSON.stringify(mappingJsonSchema(), null, 2)}\n`)
        return EXIT.done
      }),
    )
}

async function initCommand(file: string): Promise<number> {
  if (file === '-') {
    await createPrinter().print(STARTER)
    return EXIT.done
  }
  if (existsSync(file)) {
    throw new UsageError(`${file} is there already`, { hint: 'Name another file, or - for standard output.' })
  }
  try {
    writeFileSync(file, STARTER, { flag: 'wx' })
  } catch (cause) {
    throw new UsageError(`cannot write ${file}: ${(cause as Error).message}`, { cause })
  }
  say(`${file} written; braze2amp mapping check ${file} checks it`)
  return EXIT.done
}

async function checkCommand(file: string, { output, failOn }: FindingFlags): Promise<number> {
  const { mapping, findings } = await loadMapping({ include: [], exclude: [] }, file)
  const sections = [checkedMapping(file, mapping, findings)]
  await createPrinter().print(findingsText(output, { sections, read: null, failsOn: failOn }))
  return hasFailed(sections, failOn) ? EXIT.recordsRejected : EXIT.done
}
