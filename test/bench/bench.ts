import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, constants, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildCommit } from './against.ts'
import { type Case, pairedWith } from './cases.ts'
import type { DataSetName } from './data-sets.ts'
import { type Options, readOptions } from './options.ts'
import { type Places, startServer, writeEvents, writeOneRecord } from './places.ts'
import { runRounds } from './rounds.ts'
import { storeData } from './stored-data.ts'
import { asMarkdown, asText } from './table.ts'

/**
 * How fast the program is beside others that do a part of its work, or the same: the root README, "Speed". Whole processes are timed, all in
 * turn, so that a machine that is slow for a while is slow for each.
 */

const NO_SDK = 'sdk is left out: name a folder where `npm install @amplitude/analytics-node` was done, with --sdk'
const BINARY = fileURLToPath(new URL('../../../bin/braze2amp.js', import.meta.url))

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    process.exitCode = 128 + constants.signals[signal]
    stop.abort()
  })
}
try {
  await bench(readOptions(process.argv.slice(2)), stop.signal)
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`error: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}

async function bench(options: Options, stop: AbortSignal): Promise<void> {
  const chosen = options.cases.filter(({ name }) => name !== 'sdk' || options.sdk !== null)
  const scratch = mkdtempSync(join(tmpdir(), 'braze2amp-bench-'))
  const server = await startServer()
  try {
    console.error('writing the data that is not there')
    const root = options.data ?? join(scratch, 'data')
    const bytes = await storeData(root, new Set(chosen.flatMap(({ data }) => data ?? [])), options.records, stop)
    const data = (name: DataSetName) => join(root, name)
    const isSdkThere = chosen.some(({ name }) => name === 'sdk')
    const places: Places = {
      binary: BINARY,
      data,
      oneRecord: writeOneRecord(scratch),
      events: isSdkThere ? await writeEvents(BINARY, data('ndjson'), scratch, stop) : '',
      sdk: options.sdk ?? '',
      server: server.url,
    }
    let cases: readonly Case[] = chosen
    if (options.against !== null) {
      console.error(`building ${options.against}`)
      cases = pairedWith(chosen, options.against, await buildCommit(options.against, join(scratch, 'commit'), stop))
    }
    const runs = await runRounds(cases, options.runs, places, scratch, stop)
    const results = cases.map(({ name, data, comparedWith }) => ({
      name,
      load: data === null ? null : { records: options.records, bytes: bytes.get(data) ?? 0 },
      runs: runs.get(name) ?? [],
      comparedWith,
    }))
    const table = options.markdown ? asMarkdown(results) : asText(results)
    console.log(`${headOf(options, bytes)}\n\n${table}`)
    if (chosen.length < options.cases.length) console.log(`\n${NO_SDK}`)
  } finally {
    await server.end()
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The machine and the data. */
function headOf({ records, runs }: Options, bytes: ReadonlyMap<DataSetName, number>): string {
  const sizes = Array.from(bytes, ([name, size]) => `${name} ${Math.round(size / 1e6)}`).join(', ')
  return [
    `${cpus()[0]?.model ?? 'unknown CPU'} (${availableParallelism()} of them), Node.js ${process.versions.node}`,
    `${records.toLocaleString('en-US')} records${sizes === '' ? '' : `; in MB: ${sizes}`}`,
    `Medians of ${runs} rounds, but the most memory of any; speed: how many times as fast, by wall time in the same round`,
  ].join('\n')
}
