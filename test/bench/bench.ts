import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { avroFile } from '../shapes/avro-file.ts'
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
      floors.push(await measure([here('floor.js'), name, join(root, name)]))
      ours.push(
        await measure([
          here('../../../bin/braze2amp.js'),
          'replay',
          join(root, name),
          '--dry-run',
          '--summary',
          join(root, 's.json'),
        ]),
      )
    }
    print(`${name} floor`, bytes, floors, null)
    print(
      `${name} dry run`,
      bytes,
      ours,
      median(floors.map((floor, i) => floor.seconds / (ours[i] as Measured).seconds)),
    )
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}

function writeData(directory: string): ReadonlyMap<string, number> {
  const sizes = new Map([
    ['ndjson', 0],
    ['avro', 0],
  ])
  let type = ''
  let batch: CurrentsRecord[] = []
  let part = 0
  const flush = () => {
    if (batch.length === 0) return
    for (const [format, content] of [
      ['ndjson', `${batch.map((record) => JSON.stringify(record)).join('\n')}\n`],
      ['avro', avroFile(entryOf(type), batch)],
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
