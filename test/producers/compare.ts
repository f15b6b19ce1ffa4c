import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { producersOf } from './producers.ts'
import { type Table, tablesOf } from './tables.ts'

/**
 * Lets real databases and libraries write the same records, each in its own dialects, and compares the events that the program makes of
 * them with those of our own NDJSON. Producers that are not installed are left out, and said. Ends with 1 when any file differs.
 *
 * `--fixtures` writes what the producers made to `fixtures/producers`.
 */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    modules: { type: 'string', default: ROOT },
    only: { type: 'string' },
    fixtures: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})

const root = mkdtempSync(join(tmpdir(), 'producers-'))
// Servers that run as another user read and write below it.
spawnSync('chmod', ['755', root])
const tables = tablesOf(Number(options.records), Number(options.seed))
const input = join(root, 'input')
mkdirSync(input)
for (const { type, rows } of tables) {
  writeFileSync(join(input, `${type}.json`), JSON.stringify(rows))
  writeFileSync(join(input, `${type}.ndjson`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

let differing = 0
for (const producer of producersOf(options.modules)) {
  if (options.only !== undefined && producer.name !== options.only) continue
  const missing = producer.missing()
  if (missing !== null) {
    console.log(`${producer.name}: left out, ${missing}`)
    continue
  }
  const directory = join(root, producer.name)
  mkdirSync(directory, { mode: 0o777 })
  spawnSync('chmod', ['777', directory])
  await producer.write(tables, input, directory)
  for (const dialect of readdirSync(directory).sort()) {
    const wrong = tables.flatMap((table) => differencesIn(table, join(directory, dialect)))
    differing += wrong.length
    console.log(`${producer.name} ${dialect}: ${wrong.length === 0 ? 'the same events' : wrong.join('\n  ')}`)
  }
  if (options.fixtures) cpSync(directory, join(ROOT, 'fixtures/producers', producer.name), { recursive: true })
}
if (options.fixtures) {
  mkdirSync(join(ROOT, 'fixtures/producers/ndjson/ndjson'), { recursive: true })
  for (const { type } of tables)
    cpSync(join(input, `${type}.ndjson`), join(ROOT, `fixtures/producers/ndjson/ndjson/${type}.ndjson`))
}
if (options.keep) console.log(`kept: ${root}`)
else rmSync(root, { recursive: true, force: true })
process.exitCode = differing > 0 ? 1 : 0

/** What is wrong with the file of a table; nothing when its events are those of our own NDJSON. */
function differencesIn({ type }: Table, folder: string): readonly string[] {
  const name = readdirSync(folder).find((each) => each.startsWith(`${type}.`)) ?? ''
  const expected = eventsOf(join(input, `${type}.ndjson`))
  const found = eventsOf(join(folder, name))
  const first = expected.findIndex((event, i) => event !== found[i])
  if (first < 0 && found.length === expected.length) return []
  return [
    `${name}: ${found.length} events of ${expected.length}; ${found[first] ?? 'none'} instead of ${expected[first]}`,
  ]
}

function eventsOf(path: string): readonly string[] {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(ROOT, 'bin/braze2amp.js'), 'replay', path, '--dry-run', '--quiet'],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  // A database gives its rows in any order.
  const events = stdout
    .split('\n')
    .filter((line) => line !== '')
    .toSorted()
  return status === 0 ? events : [...events, `exit code ${status}: ${stderr.trim().split('\n')[0]}`]
}
