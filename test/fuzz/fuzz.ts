import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FORMATS } from '../../src/read/detect.ts'
import { randomOf, recordOf } from '../bench/generate.ts'
import { memoryInput, type Result, readInput } from '../conformance/read.ts'
import { CATALOGUE } from '../data/catalogue.ts'
import { scanningBy } from '../scan/both-ways.ts'
import { oddLines } from '../scan/odd-lines.ts'
import type { Records } from '../shapes/records.ts'
import { SHAPES, type Shape } from '../shapes/shapes.ts'
import { mutated } from './mutations.ts'
import { rowsOf } from './row-splitter.ts'

/**
 * Gives the cutters files that were spoiled at random, as long as asked for, and looks for what must never be: an error that is no
 * refusal, books that do not balance, other records when the bytes come in other pieces, or when NDJSON is scanned without WebAssembly, one
 * input that takes seconds, memory that grows, and rows of CSV that another splitter finds and that are no records.
 *
 *     npm run fuzz -- --format csv --minutes 10 --seed 1
 *
 * What fails is written to a file, and told with its seed: `--seed S --inputs 1` tries it again.
 */

const { values: options } = parseArgs({
  options: {
    format: { type: 'string', default: 'csv' },
    minutes: { type: 'string', default: '1' },
    inputs: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
})
/** Lines as the dead-letter file has them. */
const LETTERS: Shape = {
  name: 'letters',
  format: 'letters',
  extension: 'ndjson',
  write: ({ entry, records: stored }) => {
    const lines = stored.map((record, line) => {
      const source = { file: 'exports/a.ndjson', position: line * 100, line }
      const letter = { reason: 'invalid_event', detail: 'no', status: 400, source, event_type: entry.event_type }
      return `${JSON.stringify({ ...letter, record, event: null, at: 1_767_319_200_000 })}\n`
    })
    return Buffer.from(lines.join(''))
  },
}
/** Lines that are odd by themselves. */
const ODD: Shape = {
  name: 'odd',
  format: 'ndjson',
  extension: 'ndjson',
  write: ({ records: stored }) => oddLines(seed, stored.length * ODD_LINES),
}
const ODD_LINES = 200
const shapes = [...SHAPES, LETTERS, ODD].filter(({ format }) => format === options.format)
if (shapes.length === 0) throw new Error(`no shape is ${options.format}; formats are ${FORMATS.join(', ')}`)

/** More than any input of some kilobytes can take, on any machine. */
const TOO_LONG_MS = 10_000
/** More than the garbage of some thousand inputs. */
const TOO_MUCH_BYTES = 600 << 20

const until = Date.now() + Number(options.minutes) * 60_000
const first = Number(options.seed)
let seed = first
let rowsCompared = 0
let records = 0
let refused = 0
let slowest = { ms: 0, seed: 0 }
console.log(`${options.format}: from seed ${first}`)
for (let left = Number(options.inputs); left > 0 && Date.now() < until; left--, seed++) {
  const random = randomOf(seed)
  const shape = pick(random, shapes)
  const bytes = inputOf(shape, random)
  const began = Date.now()
  try {
    const wrong = await faultOf(bytes, random)
    if (wrong !== null) fail(bytes, wrong)
  } catch (error) {
    fail(bytes, (error as Error).stack ?? String(error))
  }
  const tookMs = Date.now() - began
  if (tookMs > slowest.ms) slowest = { ms: tookMs, seed }
  if (tookMs > TOO_LONG_MS) fail(bytes, `took ${tookMs} ms`)
  if (process.memoryUsage.rss() > TOO_MUCH_BYTES) fail(bytes, `memory has grown to ${process.memoryUsage.rss()} bytes`)
}
console.log(
  `${options.format}: ${seed - first} inputs, seeds ${first} to ${seed - 1}; ${records} records, ${refused} refused, ` +
    `rows compared in ${rowsCompared}; slowest ${slowest.ms} ms (seed ${slowest.seed}), ${process.memoryUsage.rss() >> 20} MB`,
)

function fail(bytes: Uint8Array, why: string): never {
  const path = join(tmpdir(), `fuzz-${options.format}-${seed}`)
  writeFileSync(path, bytes)
  console.error(`seed ${seed}: ${why}\nthe input is ${path}`)
  process.exit(1)
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

function inputOf(shape: Shape, random: () => number): Uint8Array {
  const entry = pick(random, CATALOGUE)
  const record = (_: unknown, i: number) => ({ ...recordOf(entry, random, i), id: `id-${i}` })
  const whole: Records = { entry, records: Array.from({ length: 1 + Math.floor(random() * 8) }, record) }
  const bytes = shape.write(whole)
  // Whole ones too: they show what the splitter makes of them.
  return random() < 0.15 ? bytes : mutated(bytes, random)
}

/** What is wrong with how an input is read; null when nothing is. */
async function faultOf(bytes: Uint8Array, random: () => number): Promise<string | null> {
  const format = options.format === 'tsv' ? 'csv' : null
  const whole = await readInput(memoryInput(bytes, 'users.messages.email.Open'), format)
  const pieceBytes = 1 + Math.floor(random() * random() * 200)
  const pieces = await readInput(memoryInput(bytes, 'users.messages.email.Open', pieceBytes), format)
  records += whole.read
  if (whole.refused !== null) refused++
  if (inWords(whole) !== inWords(pieces)) {
    return `pieces of ${pieceBytes} bytes give something else:\n${inWords(whole)}\n${inWords(pieces)}`
  }
  if (whole.format === 'ndjson') {
    const byJs = await scanningBy('js', () => readInput(memoryInput(bytes, 'users.messages.email.Open'), format))
    if (inWords(whole) !== inWords(byJs))
      return `JavaScript alone gives something else:\n${inWords(byJs)}\n${inWords(whole)}`
  }
  if (whole.format !== 'csv' || whole.refused !== null || whole.dialect === null) return null
  const rows = rowsOf(bytes, whole.dialect)
  if (rows === null) return null
  rowsCompared++
  return rows === whole.read ? null : `${whole.read} records, and ${rows} rows in ${whole.dialect}`
}

/** All but the excerpts of what is no record, which hold what is at hand. */
function inWords({ refused, raws: _, ...result }: Result): string {
  return JSON.stringify({ ...result, refused: refused?.message ?? null })
}
