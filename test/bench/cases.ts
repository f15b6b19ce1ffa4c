import { fileURLToPath } from 'node:url'
import type { DataSetName } from './data-sets.ts'
import type { Places } from './places.ts'

/** A program and what it is given, each time the same. */
export interface Case {
  readonly name: string
  /** The data set that it works through; null when that is not what takes its time. */
  readonly data: DataSetName | null
  /** What Node.js is given, in a new folder that is gone afterwards. */
  words(places: Places): readonly string[]
  /** Those that say that it did its work. */
  readonly exitCodes: readonly number[]
  /** Names of the cases that it is held against. */
  readonly comparedWith: readonly string[]
  readonly isOurs: boolean
}

/** What the program ends with when a record is broken. */
const RECORDS_REJECTED = 3
const RULES = fileURLToPath(new URL('../../../test/bench/rules.yaml', import.meta.url))

function programOf(name: string): string {
  return fileURLToPath(new URL(`programs/${name}.js`, import.meta.url))
}

function floor(name: string, data: DataSetName, comparedWith: readonly string[]): Case {
  return {
    name,
    data,
    words: (places) => [programOf(name), places.data(data)],
    exitCodes: [0],
    comparedWith,
    isOurs: false,
  }
}

interface Ours {
  readonly data: DataSetName | null
  readonly words: (places: Places) => readonly string[]
  readonly exitCodes?: readonly number[]
  readonly comparedWith: readonly string[]
}

function ours(name: string, { data, words, exitCodes = [0], comparedWith }: Ours): Case {
  return {
    name,
    data,
    words: (places) => [places.binary, ...words(places)],
    exitCodes,
    comparedWith,
    isOurs: true,
  }
}

function dryRun(name: DataSetName, comparedWith: readonly string[], exitCodes: readonly number[] = [0]): Case {
  const words = (places: Places) => ['replay', places.data(name), '--dry-run', '--summary', 'summary.json']
  return ours(name, { data: name, words, exitCodes, comparedWith })
}

/** In the order of the table. A case stands after those that it is compared with. */
export const CASES: readonly Case[] = [
  floor('plain-floor', 'ndjson', []),
  floor('copying-floor', 'ndjson', ['plain-floor']),
  floor('read-floor', 'ndjson', ['plain-floor']),
  floor('avsc-floor', 'avro-null', ['plain-floor']),
  dryRun('ndjson', ['plain-floor', 'copying-floor']),
  dryRun('ndjson-gzip', ['plain-floor']),
  dryRun('array', ['plain-floor']),
  dryRun('pretty', ['plain-floor']),
  dryRun('csv', ['plain-floor']),
  dryRun('csv-snowflake', ['plain-floor']),
  dryRun('csv-spark', ['plain-floor']),
  dryRun('avro-null', ['plain-floor', 'avsc-floor']),
  dryRun('avro-deflate', ['plain-floor']),
  dryRun('avro-snappy', ['plain-floor']),
  dryRun('dirty', ['ndjson'], [0, RECORDS_REJECTED]),
  ours('rules', {
    data: 'ndjson',
    words: (places) => ['replay', places.data('ndjson'), '--dry-run', '--summary', 'summary.json', '--mapping', RULES],
    comparedWith: ['plain-floor', 'ndjson'],
  }),
  ours('inspect', {
    data: 'ndjson',
    words: (places) => ['inspect', places.data('ndjson')],
    comparedWith: ['ndjson'],
  }),
  ours('validate', {
    data: 'ndjson',
    words: (places) => ['validate', places.data('ndjson')],
    comparedWith: ['ndjson'],
  }),
  {
    name: 'sdk',
    data: 'ndjson',
    words: (places) => [programOf('sdk-upload'), places.sdk, places.events, places.server],
    exitCodes: [0],
    comparedWith: ['ndjson'],
    isOurs: false,
  },
  ours('upload', {
    data: 'ndjson',
    words: (places) => [
      ...['replay', places.data('ndjson'), '--quiet', '--state', 'state', '--summary', 'summary.json'],
      ...['--endpoint', places.server, '--api', 'batch', '--device-eps', '10000000'],
    ],
    comparedWith: ['ndjson', 'sdk'],
  }),
  {
    name: 'node',
    data: null,
    words: () => ['-e', '0'],
    exitCodes: [0],
    comparedWith: [],
    isOurs: false,
  },
  ours('version', { data: null, words: () => ['--version'], comparedWith: ['node'] }),
  ours('one-record', {
    data: null,
    words: (places) => ['replay', places.oneRecord, '--dry-run'],
    comparedWith: ['node'],
  }),
]

/** Each case of ours in front of the same with another build, whose program is `binary`, and compared with that too. */
export function pairedWith(cases: readonly Case[], ref: string, binary: string): readonly Case[] {
  return cases.flatMap((one) => {
    if (!one.isOurs) return [one]
    const name = `${one.name} at ${ref}`
    const other = { ...one, name, words: (places: Places) => one.words({ ...places, binary }), comparedWith: [] }
    return [{ ...one, comparedWith: [...one.comparedWith, name] }, other]
  })
}
