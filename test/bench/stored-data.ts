import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DATA_SETS, type DataSet, type DataSetName } from './data-sets.ts'
import { filesOf, type Mix } from './mixes.ts'
import { filesBelow } from './programs/files-below.ts'

/** What is said of a data set beside its folder, once all its files are written. */
interface Manifest {
  readonly records: number
  /** The hash of a small data set of the same name: another one when the same records are written in another way. */
  readonly sample: string
  readonly bytes: number
}

const RECORDS_IN_SAMPLE = 300

/**
 * Sees to it that these data sets of `records` records are in folders of their names below `root`. One that is there, whole and as it would
 * be written today, stays.
 *
 * @returns the bytes of each
 */
export async function storeData(
  root: string,
  names: ReadonlySet<DataSetName>,
  records: number,
  stop: AbortSignal,
): Promise<ReadonlyMap<DataSetName, number>> {
  const bytes = new Map<DataSetName, number>()
  const missing = new Map<DataSetName, string>()
  for (const name of names) {
    const sample = await sampleOf(DATA_SETS[name])
    const stored = readManifest(root, name)
    if (stored?.records === records && stored.sample === sample && stored.bytes === sizeOf(join(root, name))) {
      bytes.set(name, stored.bytes)
    } else missing.set(name, sample)
  }
  for (const name of missing.keys()) {
    rmSync(manifestPath(root, name), { force: true })
    rmSync(join(root, name), { recursive: true, force: true })
  }
  // The records of a mix are invented once, since that takes longer than to write them in most formats.
  for (const mix of new Set<Mix>(Array.from(missing.keys(), (name) => DATA_SETS[name].mix))) {
    const ofMix = [...missing.keys()].filter((name) => DATA_SETS[name].mix === mix)
    const sizes = await writeSets(root, mix, ofMix, records, stop)
    for (const [name, size] of sizes) {
      const manifest: Manifest = { records, sample: missing.get(name) ?? '', bytes: size }
      writeFileSync(manifestPath(root, name), JSON.stringify(manifest))
      bytes.set(name, size)
    }
  }
  return bytes
}

async function writeSets(
  root: string,
  mix: Mix,
  names: readonly DataSetName[],
  records: number,
  stop: AbortSignal,
): Promise<ReadonlyMap<DataSetName, number>> {
  const sizes = new Map<DataSetName, number>()
  let part = 0
  for (const file of filesOf(mix, records)) {
    const folder = join(`event_type=${file.entry.event_type}`, 'date=2026-01-01-00')
    for (const name of names) {
      const { write, extension } = DATA_SETS[name]
      const content = Buffer.from(await write(file))
      const path = join(root, name, folder, `part-${part}.${extension}`)
      mkdirSync(dirname(path), { recursive: true })
      await writeFile(path, content, { signal: stop })
      sizes.set(name, (sizes.get(name) ?? 0) + content.length)
    }
    part++
  }
  return sizes
}

async function sampleOf({ mix, write }: DataSet): Promise<string> {
  const hash = createHash('sha256')
  for (const file of filesOf(mix, RECORDS_IN_SAMPLE)) hash.update(await write(file))
  return hash.digest('hex')
}

function manifestPath(root: string, name: DataSetName): string {
  return join(root, `${name}.json`)
}

function readManifest(root: string, name: DataSetName): Manifest | null {
  const path = manifestPath(root, name)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}

function sizeOf(folder: string): number {
  return existsSync(folder) ? filesBelow(folder).reduce((sum, path) => sum + statSync(path).size, 0) : 0
}
