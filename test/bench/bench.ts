import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { avro } from '../shapes/avro.ts'
import { csv } from '../shapes/csv.ts'
import { ndjson, pretty } from '../shapes/json.ts'
import { type CurrentsRecord, entryOf, mixedRecords } from './generate.ts'

/**
 * How fast the dry run is, as a ratio against a floor in the same run: a program that only splits lines (or decodes Avro blocks),
 * parses, maps with a literal object and stringifies. Whole processes are timed, in turn, so that a slow machine slows both.
 */

interface Measured {
  readonly seconds: number
  readonly peakMegabytes: number
}

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '300000' },
    runs: { type: 'string', default: '5' },
  },
})
const recordCount = Number(options.records)
const runs = Number(options.runs)
/** Records in a block of Braze's own files, about 64 KB. */
const AVRO_BLOCK = 100
const BINARY = fileURLToPath(new URL('../../../bin/braze2amp.js', import.meta.url))
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const root = mkdtempSync(join(tmpdir(), 'braze2amp-bench-'))
try {
  const sizes = writeData(root)
  console.log(`${recordCount} records, ${runs} runs each; medians of whole processes\n`)
  console.log('case                 records/s      MB/s   peak MB   ratio to floor')
  for (const [name, bytes] of sizes) {
    const floors: Measured[] = []
    const ours: Measured[] = []
    for (let i = 0; i < runs; i++) {
      // The plain programs read NDJSON and Avro; other formats are compared with NDJSON's.
      const floor = name === 'avro' ? 'avro' : 'ndjson'
      floors.push(await measure([here('floor.js'), floor, join(root, floor)]))
      ours.push(await measure([BINARY, 'replay', join(root, name), '--dry-run', '--summary', join(root, 's.json')]))
    }
    if (name === 'ndjson' || name === 'avro') print(`${name} floor`, bytes, floors, null)
    print(`${name} dry run`, bytes, ours, ratio(floors, ours))
    if (name === 'ndjson') await benchUpload(bytes)
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}

/** Sends everything, with no limit, to a server that answers without looking; the ratio is to the dry run of the same input. */
async function benchUpload(bytes: number): Promise<void> {
  const server = spawn(process.execPath, [here('stub-server.js')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [port] = await once(server.stdout, 'data')
  const dryRuns: Measured[] = []
  const uploads: Measured[] = []
  for (let i = 0; i < runs; i++) {
    dryRuns.push(await measure([BINARY, 'replay', join(root, 'ndjson'), '--dry-run', '--quiet']))
    const state = join(root, `state-${i}`)
    const unlimited = [
      '--endpoint',
      `http://127.0.0.1:${String(port).trim()}`,
      '--device-eps',
      '10000000',
      '--api',
      'batch',
    ]
    uploads.push(await measure([BINARY, 'replay', join(root, 'ndjson'), '--quiet', '--state', state, ...unlimited]))
  }
  server.stdin.end()
  print('upload', bytes, uploads, ratio(dryRuns, uploads))
  console.log('                     (ratio of the upload: to the dry run of the same input)')
}

function ratio(of: readonly Measured[], to: readonly Measured[]): number {
  return median(of.map((one, i) => one.seconds / (to[i] as Measured).seconds))
}

function writeData(directory: string): ReadonlyMap<string, number> {
  const sizes = new Map([
    ['ndjson', 0],
    ['avro', 0],
    ['pretty', 0],
    ['csv', 0],
  ])
  let type = ''
  let batch: CurrentsRecord[] = []
  let part = 0
  const flush = () => {
    if (batch.length === 0) return
    const records = { entry: entryOf(type), records: batch }
    for (const [format, content] of [
      ['ndjson', ndjson(records)],
      ['avro', avro(records, 'null', AVRO_BLOCK)],
      ['pretty', pretty(records)],
      ['csv', csv(records)],
    ] as const) {
      const folder = join(directory, format, `event_type=${type}`, 'date=2026-01-01-00')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, `part-${part}.${format}`), content)
      sizes.set(format, (sizes.get(format) ?? 0) + statSync(join(folder, `part-${part}.${format}`)).size)
    }
    part++
    batch = []
  }
  for (const mixed of mixedRecords(recordCount, 1)) {
    if (mixed.type !== type || batch.length === 20_000) flush()
    type = mixed.type
    batch.push(mixed.record)
  }
  flush()
  return sizes
}

/** Runs a program with its output thrown away; its peak memory comes back on descriptor 3. */
function measure(words: readonly string[]): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const output = openSync('/dev/null', 'w')
    const started = performance.now()
    const child = spawn(process.execPath, ['--import', here('report-memory.js'), ...words], {
      stdio: ['ignore', output, 'ignore', 'pipe'],
      env: { ...process.env, AMPLITUDE_API_KEY: 'bench' },
    })
    let memory = ''
    child.stdio[3]?.on('data', (chunk: Buffer) => {
      memory += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => {
      closeSync(output)
      if (code !== 0) reject(new Error(`${words.join(' ')} ended with ${code}`))
      else resolve({ seconds: (performance.now() - started) / 1000, peakMegabytes: Number(memory) / 1024 })
    })
  })
}

function print(name: string, bytes: number, measured: readonly Measured[], ratio: number | null): void {
  const seconds = median(measured.map((one) => one.seconds))
  const columns = [
    name.padEnd(18),
    Math.round(recordCount / seconds)
      .toLocaleString('en-US')
      .padStart(11),
    (bytes / 1e6 / seconds).toFixed(0).padStart(9),
    Math.max(...measured.map((one) => one.peakMegabytes))
      .toFixed(0)
      .padStart(9),
    ratio === null ? '' : ratio.toFixed(2).padStart(16),
  ]
  writeSync(1, `${columns.join(' ')}\n`)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
