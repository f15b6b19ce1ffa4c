import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize, relative } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../../src/', import.meta.url))

/** Files directly in `src` that know nothing of the rest. Every folder may import them, but the emulator (see below). */
const LEAVES = [
  'chunk',
  'clock',
  'crypto',
  'did-you-mean',
  'errors',
  'excerpt',
  'hash',
  'model',
  'outcomes',
  'own-command',
  'cpu-prefetch',
  'shard',
  'version',
]

/** Which folder, or file of `src`, may import which folders; leaves are not listed. What is not here does not exist. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // What the world outside is.
  json: [],
  currents: [],
  amplitude: [],
  // The pipeline: bytes in, events out.
  read: ['currents', 'json'],
  'record-text': ['json'],
  scan: ['json'],
  cut: ['read', 'scan', 'currents', 'json'],
  mapping: ['currents', 'amplitude', 'json'],
  map: ['record-text', 'mapping', 'currents', 'amplitude', 'json'],
  // The upload.
  schedule: [],
  state: ['read', 'schedule', 'amplitude', 'json'],
  sink: ['state'],
  pipeline: ['read', 'cut', 'map', 'mapping', 'state', 'sink'],
  upload: ['schedule', 'state', 'amplitude', 'json', 'sink', 'record-text'],
  // What people see.
  check: ['map', 'mapping', 'currents', 'amplitude', 'json'],
  inspect: ['map', 'mapping', 'schedule', 'amplitude', 'json'],
  report: ['inspect', 'state', 'currents', 'amplitude'],
  session: [
    'pipeline',
    'sink',
    'read',
    'mapping',
    'schedule',
    'state',
    'upload',
    'report',
    'currents',
    'amplitude',
    'json',
  ],
  completion: [],
  // It judges the upload, so it must not share the upload's errors.
  emulator: [],
  commands: [
    'session',
    'pipeline',
    'read',
    'record-text',
    'map',
    'mapping',
    'state',
    'upload',
    'report',
    'check',
    'inspect',
    'currents',
    'amplitude',
    'json',
    'completion',
    'emulator',
  ],
  // It reads what is compiled, and imports none of it.
  bundle: [],
  main: ['commands', 'report', 'currents'],
}

/** The emulator keeps a copy of its own of everything about Amplitude. */
const EMULATOR_LEAVES = ['clock', 'errors']

/** The folders of folders: what is in them belongs to the folder above. */
const ROOMS_WITHIN = ['commands/options', 'report/findings', 'scan/assembly']

const FILES = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(SRC, join(entry.parentPath, entry.name)))
  .filter((file) => file.endsWith('.ts'))

/** The folder directly in `src` that a file is in; of a file directly in `src`, its name. */
function roomOf(file: string): string {
  const [first = ''] = file.split('/')
  return first.replace(/\.ts$/, '')
}

/** Files of `src` that a file imports, also only as types, also later. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  return Array.from(text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g), ([, path]) =>
    normalize(join(dirname(file), path ?? '')),
  )
}

describe('the rooms of src', () => {
  test('are those that are known', () => {
    const rooms = new Set(FILES.map(roomOf))
    assert.deepEqual([...rooms].toSorted(), [...LEAVES, ...Object.keys(MAY_IMPORT)].toSorted())
    const within = new Set(FILES.map(dirname).filter((folder) => folder.includes('/')))
    assert.deepEqual([...within].toSorted(), ROOMS_WITHIN)
  })

  for (const room of [...LEAVES, ...Object.keys(MAY_IMPORT)]) {
    test(`${room} imports what it may`, () => {
      const allowed = new Set([room, ...(MAY_IMPORT[room] ?? []), ...(room === 'emulator' ? EMULATOR_LEAVES : LEAVES)])
      const wrong = FILES.filter((file) => roomOf(file) === room).flatMap((file) =>
        importsOf(file)
          .filter((imported) => !allowed.has(roomOf(imported)))
          .map((imported) => `${file} imports ${imported}`),
      )
      assert.deepEqual(wrong, [])
    })
  }

  test('allow no more than is needed', () => {
    const used = (room: string) =>
      new Set(FILES.filter((file) => roomOf(file) === room).flatMap((file) => importsOf(file).map(roomOf)))
    const unused = Object.entries(MAY_IMPORT).flatMap(([room, may]) =>
      may.filter((other) => !used(room).has(other)).map((other) => `${room} does not import ${other}`),
    )
    assert.deepEqual(unused, [])
  })
})

describe('the files of src', () => {
  test('have a name each', () => {
    const names = FILES.map((file) => basename(file))
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
    )
  })

  test('import one another in no circle', () => {
    const done = new Set<string>()
    const under = new Set<string>()
    const visit = (file: string, path: readonly string[]): void => {
      assert.ok(!under.has(file), [...path, file].join(' → '))
      if (done.has(file)) return
      under.add(file)
      for (const imported of importsOf(file)) visit(imported, [...path, file])
      under.delete(file)
      done.add(file)
    }
    for (const file of FILES) visit(file, [])
  })
})
