import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** The real program over `fixtures/shapes/`: from files, from a pipe that dribbles, and over a damaged file among good ones. */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FIXTURES = join(ROOT, 'fixtures/shapes')
const PATHS = readdirSync(FIXTURES).map((shape) => {
  const [name = ''] = readdirSync(join(FIXTURES, shape))
  return join(FIXTURES, shape, name)
})
const TYPE = 'users.behaviors.CustomEvent'

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function braze2amp(options: readonly string[], stdin: readonly Uint8Array[] = []): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, 'bin/braze2amp.js'), 'replay', '--dry-run', ...options])
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const feed = async () => {
    for (const bytes of stdin) await new Promise((resolve) => child.stdin.write(bytes, resolve))
    child.stdin.end()
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    feed().catch(reject)
  })
}

function piecesOf(bytes: Uint8Array, size: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}

const expected = braze2amp([PATHS.find((path) => path.includes('/ndjson/')) ?? ''])

for (const path of PATHS) {
  const shape = path.slice(FIXTURES.length + 1)
  test(`${shape} gives the same bytes as a file and from standard input`, async () => {
    const { stdout } = await expected
    assert.equal(stdout.trim().split('\n').length, 12)
    const fromFile = await braze2amp([path, '--quiet'])
    assert.deepEqual(fromFile, { code: 0, stdout, stderr: '' })
    const pieces = piecesOf(readFileSync(path), 97)
    assert.deepEqual(await braze2amp(['-', '--event-type', TYPE, '--quiet'], pieces), fromFile)
  })
}

test('--format csv and --format tsv read either', async () => {
  for (const format of ['csv', 'tsv']) {
    for (const path of PATHS.filter((candidate) => /\/(csv|tsv)\//.test(candidate))) {
      assert.equal((await braze2amp([path, '--quiet', '--format', format])).stdout, (await expected).stdout)
    }
  }
})

test('a file that is refused or damaged costs itself, the others go on, and the exit code is 3', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'braze2amp-'))
  try {
    const good = readFileSync(join(FIXTURES, 'array', `${TYPE}.json`))
    writeFileSync(join(folder, `a-${TYPE}.json`), good.subarray(0, good.length / 2))
    writeFileSync(join(folder, `b-${TYPE}.csv`), 'colour,shape\nred,round\n')
    writeFileSync(join(folder, `c-${TYPE}.json`), good)
    writeFileSync(join(folder, `d-${TYPE}.json`), '')
    const { code, stdout, stderr } = await braze2amp([folder, '--no-dedupe'])
    assert.equal(code, 3)
    assert.ok(stdout.endsWith((await expected).stdout))
    assert.match(stderr, /refused .*b-users\.behaviors\.CustomEvent\.csv is not NDJSON, JSON, CSV or Avro/)
    assert.match(stderr, /damaged_input .*a-users\.behaviors\.CustomEvent\.json:1: the input ends too early/)
    assert.match(stderr, /rejected +1 +damaged_input 1/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
