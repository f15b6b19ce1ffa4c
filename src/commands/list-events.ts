import type { Command } from 'commander'
import { CATALOGUE_VERSION } from '../currents/catalogue-version.ts'
import { EVENTS, type EventRow, type NameSource, nameSourceOf } from '../currents/events.ts'
import { EXIT } from '../errors.ts'
import { matchesGlob } from '../mapping/glob.ts'
import { PREFIXES } from '../mapping/profiles.ts'
import { createPrinter } from '../report/printer.ts'
import { style } from '../report/style.ts'
import { parseGlob } from './options/option-values.ts'
import type { Run } from './with-signals.ts'

/** How sure an Amplitude name is, in words. */
const SURENESS: Readonly<Record<NameSource, string>> = {
  reference: 'sure',
  page: 'page label',
  own: 'its own name',
  bare: 'without channel',
  derived: 'a guess',
  none: 'no name',
}

const EXAMPLES = `
How sure a name is:
  sure             the live connector's payload reference names it
  page label       a retired event, named by Braze's partner page
  its own name     each custom event carries its name
  without channel  the reference names it without its channel: compare with live data first
  a guess          made from the names of its neighbours
  no name          the connector does not send it

Examples:
  braze2amp events 'users.messages.email.*'
  braze2amp events --names | sort > expected.txt      to compare with the names in the project
  braze2amp events --json | jq '.[] | select(.sent | not).type'
`

interface EventsOptions {
  readonly names?: true
  readonly json?: true
}

/** `events [glob]`: the catalogue. */
export function declareEvents(command: Command, run: Run): void {
  command
    .description('Lists every event type that Braze exports, and what it is called in Amplitude.')
    .argument('[glob]', 'only event types that match; * matches dots too', parseGlob, '*')
    .option('--names', 'only the Amplitude names of the events that are sent, one a line')
    .option('--json', 'one JSON array with an entry per event type')
    .addHelpText('after', EXAMPLES)
    .action((glob: string, options: EventsOptions) =>
      run(async () => {
        const rows = EVENTS.filter((row) => matchesGlob(glob, row.type))
        await createPrinter().print(options.json ? json(rows) : options.names ? names(rows) : table(rows))
        return EXIT.done
      }),
    )
}

function nameOf(row: EventRow): string | null {
  if (row.custom === 'event') return `${PREFIXES.customEvent}<name>`
  return row.name === null ? null : PREFIXES.event + row.name
}

function table(rows: readonly EventRow[]): string {
  const cells = rows.map((row) => [
    row.type,
    nameOf(row) ?? '-',
    SURENESS[nameSourceOf(row)],
    String(row.properties.length),
  ])
  const head = ['event type', 'name in Amplitude', 'sure?', 'properties']
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((cell) => (cell[i] as string).length)))
  const line = (cell: readonly string[]) =>
    cell.map((text, i) => (i === 3 ? text.padStart(widths[i] as number) : text.padEnd(widths[i] as number))).join('  ')
  const sent = rows.filter((row) => row.send !== false).length
  const body = rows.map((row, i) =>
    row.send === false ? style.dim(`${line(cells[i] as string[])}  not sent`) : line(cells[i] as string[]),
  )
  return `${style.bold(line(head))}\n${body.join('\n')}\n${rows.length} event types of Currents v${CATALOGUE_VERSION}, ${sent} of them sent\n`
}

function names(rows: readonly EventRow[]): string {
  return rows
    .filter((row) => row.send !== false)
    .map((row) => `${nameOf(row)}\n`)
    .join('')
}

function json(rows: readonly EventRow[]): string {
  return `${JSON.stringify(
    rows.map((row) => ({
      type: row.type,
      amplitude_name: nameOf(row),
      name_source: nameSourceOf(row),
      page_label: row.pageLabel ?? null,
      sent: row.send !== false,
      on_page: row.notOnPage !== undefined,
      properties: row.properties.toSorted(),
    })),
    null,
    2,
  )}\n`
}
