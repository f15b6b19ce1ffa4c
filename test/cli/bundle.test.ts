import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { start } from '../emulator/harness.ts'
import { braze2amp, temporaryDirectory } from '../harness.ts'
import { KEY, summaryIn, unlimited } from './upload-harness.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const SHAPES = join(ROOT, 'fixtures/shapes')

/** The modules in each file of the bundle, by `src/bundle/bundle.ts`. */
const BUNDLE: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(join(ROOT, 'dist/bundle.json'), 'utf8'),
)

/** What a run had loaded when it ended. */
interface Loaded {
  /** Of `src`, without the suffix: `cut/lines`. */
  readonly modules: readonly string[]
  readonly libraries: readonly string[]
  /** Parts of Node. */
  readonly builtins: readonly string[]
  /** Modules of WebAssembly. */
  readonly compiled: number
}

describe('what a run loads', () => {
  const folder = temporaryDirectory()
  const hook = join(folder, 'hook.cjs')
  const listed = join(folder, 'loaded.json')
  writeFileSync(
    hook,
    `let compiled = 0
     const { Module } = WebAssembly
     WebAssembly.Module = class extends Module {
       constructor(code) {
         super(code)
         compiled++
       }
     }
     process.on('exit', () => {
       const loaded = [Object.keys(require.cache), process.moduleLoadList, compiled]
       require('fs').writeFileSync(${JSON.stringify(listed)}, JSON.stringify(loaded))
     })`,
  )

  async function loadedBy(words: readonly string[], stdin: string | Uint8Array = ''): Promise<Loaded> {
    const env = { NODE_OPTIONS: `--require=${hook}`, BRAZE2AMP_SCANNER: '' }
    const { code, stderr } = await braze2amp(words, { cwd: folder, stdin, env })
    assert.equal(code, 0, stderr)
    const listing: [readonly string[], readonly string[], number] = JSON.parse(readFileSync(listed, 'utf8'))
    const [files, builtins, compiled] = listing
    const modules = files.flatMap((file) => BUNDLE[basename(file)] ?? [])
    return {
      modules: modules.flatMap((module) => /^dist\/src\/(.*)\.js$/.exec(module)?.[1] ?? []).sort(),
      libraries: [
        ...new Set(modules.flatMap((module) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module)?.[1] ?? [])),
      ].sort(),
      builtins: builtins.flatMap((name) => /^NativeModule ([a-z_]+)$/.exec(name)?.[1] ?? []),
      compiled,
    }
  }

  /** Of `cut/`, `map/` and so on, what a dry run of these records loads. */
  const dryRun = (records: string | Uint8Array) =>
    loadedBy(['replay', '-', '--dry-run', '--event-type', 'users.messages.email.Open'], records)

  test('--version: the command line and nothing behind it', async () => {
    assert.deepEqual((await loadedBy(['--version'])).modules, [
      'commands/commands',
      'commands/with-signals',
      'currents/catalogue-version',
      'errors',
      'main',
      'report/style',
      'version',
    ])
  })

  test('a dry run of NDJSON: no other format, and nothing that sends', async () => {
    const { modules, libraries, builtins, compiled } = await dryRun(readShape('ndjson'))
    assert.deepEqual(libraries, ['chalk', 'commander'])
    assert.deepEqual(modulesIn(modules, 'cut'), ['cut', 'lines', 'record-limits', 'split-lines'])
    // It is scanned in JavaScript, without a word, where the file with the other scanner is missing.
    assert.equal(compiled, 1)
    for (const name of ['read/gunzip', 'read/unzstd', 'read/fingerprint', 'mapping/mapping-file']) {
      assert.ok(!modules.includes(name), name)
    }
    for (const room of ['check', 'completion', 'emulator', 'inspect', 'schedule', 'upload']) {
      assert.deepEqual(modulesIn(modules, room), [], room)
    }
    for (const name of ['crypto', 'http', 'https', 'perf_hooks', 'tls', 'worker_threads', 'zlib']) {
      assert.ok(!builtins.includes(name), name)
    }
  })

  for (const [what, records, needed] of [
    ['CSV', readShape('csv'), []],
    ['NDJSON in gzip', gzipSync(readShape('ndjson')), []],
    ['an array', readShape('array'), ['stream-chain', 'stream-json']],
  ] as const) {
    test(`a dry run of ${what}: its own libraries`, async () => {
      assert.deepEqual((await dryRun(records)).libraries, ['chalk', 'commander', ...needed].sort())
    })
  }

  test('a dry run with a mapping file: what reads it', async () => {
    const words = ['replay', join(SHAPES, 'ndjson'), '--dry-run', '--mapping', 'mapping.yaml']
    writeFileSync(join(folder, 'mapping.yaml'), 'defaults:\n  properties:\n    drop: [app_id]\n')
    assert.deepEqual((await loadedBy(words)).libraries, ['chalk', 'commander', 'yaml', 'zod'])
  })
})

function modulesIn(modules: readonly string[], room: string): readonly string[] {
  return modules.filter((module) => module.startsWith(`${room}/`)).map((module) => module.slice(room.length + 1))
}

function readShape(shape: string): Buffer {
  const [file = ''] = readdirSync(join(SHAPES, shape), { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? join(entry.parentPath, entry.name) : [],
  )
  return readFileSync(file)
}

describe('the package as it is published', () => {
  const folder = temporaryDirectory()
  const binary = join(folder, 'bin/braze2amp.js')

  before(() => {
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
    for (const { path } of JSON.parse(packed.toString())[0].files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      copyFileSync(join(ROOT, path), join(folder, path))
    }
  })

  test('has the scanner in WebAssembly', () => {
    assert.ok(existsSync(join(folder, 'dist/bundle/scan.wasm')))
  })

  test('has the licences of the libraries in it', () => {
    const licences = readFileSync(join(folder, 'dist/bundle/LICENSES.txt'), 'utf8')
    for (const library of ['commander', 'undici', 'zod']) assert.match(licences, new RegExp(`^${library}$`, 'm'))
  })

  const stdin = "id,external_user_id,time\n'1','u',1767319200\n"
  for (const words of [
    ['--version'],
    ['replay', join(SHAPES, '*'), '--dry-run', '--quiet'],
    ['replay', '-', '--dry-run', '--quiet', '--event-type', 'users.messages.email.Open', '--csv-quote', "'"],
    ['mapping', 'schema'],
    ['completion', 'bash'],
  ]) {
    test(`${words.join(' ').replaceAll(SHAPES, 'shapes')} does what it does here`, async () => {
      const here = await braze2amp(words, { stdin })
      assert.notEqual(here.stdout, '')
      assert.deepEqual(await braze2amp(words, { stdin, binary }), here)
    })
  }

  test('sends', async (t) => {
    const { url, stats } = await start(t, unlimited)
    const words = ['replay', join(SHAPES, 'ndjson'), '--endpoint', url, '--state', join(folder, 'state'), '--json']
    const { code, stdout, stderr } = await braze2amp(words, { binary, env: KEY })
    assert.equal(code, 0, stderr)
    assert.equal(stats().unique, summaryIn(stdout).accepted)
    assert.ok(stats().unique > 0)
  })
})
