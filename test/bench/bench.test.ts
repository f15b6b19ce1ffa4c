import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BINARY, isThorough, temporaryDirectory } from '../harness.ts'
import { DATA_SETS, type DataSetName } from './data-sets.ts'
import { ended } from './measure.ts'
import { storeData } from './stored-data.ts'

const BENCH = fileURLToPath(new URL('bench.js', import.meta.url))
const REPOSITORY = fileURLToPath(new URL('../../../.git', import.meta.url))
const NAMES = Object.keys(DATA_SETS) as DataSetName[]
const NEVER = new AbortController().signal

/** The bench, with a folder of its own for all that it makes on the way. */
function start(words: readonly string[], scratch: string) {
  return spawn(process.execPath, [BENCH, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: scratch },
  })
}

async function bench(...words: readonly string[]) {
  const scratch = temporaryDirectory()
  const child = start(words, scratch)
  const [code, stdout, stderr] = await Promise.all([ended(child), text(child.stdout), text(child.stderr)])
  assert.deepEqual(readdirSync(scratch), [], 'nothing is left')
  return { code, stdout, stderr }
}

/** What a program of Node.js writes, by way of a file: it may be more than a pipe takes at once. */
function outputOf(...words: readonly string[]): string {
  const path = join(temporaryDirectory(), 'output')
  const output = openSync(path, 'w')
  const { status, stderr } = spawnSync(process.execPath, words, { stdio: ['ignore', output, 'pipe'] })
  closeSync(output)
  assert.equal(status, 0, stderr.toString())
  return readFileSync(path, 'utf8')
}

describe('the bench', { concurrency: true }, () => {
  test('prints a line for each case that is asked for, and for those that it is compared with', async () => {
    const asked = ['--only', 'avro-null,csv-spark,dirty,rules,inspect,validate,upload,one-record']
    const { code, stdout, stderr } = await bench('--records', '300', '--runs', '1', ...asked)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /Node\.js \d+\.\d+\.\d+\n300 records; in MB: .*csv-spark \d/)
    const rate = ' +[\\d,]+ +[\\d,]+'
    const figures = ' +\\d+\\.\\d{3} +\\d+\\.\\d\\d +\\d+'
    const over = (name: string) => `\\d+\\.\\d\\d x ${name}`
    const lines = [
      `plain-floor${rate}${figures}`,
      `avsc-floor${rate}${figures} +${over('plain-floor')}`,
      `ndjson${rate}${figures} +${over('plain-floor')}`,
      `csv-spark${rate}${figures} +${over('plain-floor')}`,
      `avro-null${rate}${figures} +${over('plain-floor')}, ${over('avsc-floor')}`,
      `dirty${rate}${figures} +${over('ndjson')}`,
      `rules${rate}${figures} +${over('plain-floor')}, ${over('ndjson')}`,
      `inspect${rate}${figures} +${over('ndjson')}`,
      `validate${rate}${figures} +${over('ndjson')}`,
      `upload${rate}${figures} +${over('ndjson')}`,
      `node${figures}`,
      `one-record${figures} +${over('node')}`,
    ]
    const table = stdout.slice(stdout.indexOf('case ')).split('\n').slice(1)
    for (const [i, line] of lines.entries()) assert.match(table[i] ?? '', new RegExp(`^${line}$`))
    assert.match(table.slice(lines.length).join('\n'), /^\nsdk is left out: /)
  })

  test('prints the table as Markdown, and keeps the data', async () => {
    const data = temporaryDirectory()
    const words = ['--records', '12', '--runs', '2', '--only', 'read-floor', '--markdown', '--data', data]
    const first = await bench(...words)
    assert.equal(first.code, 0, first.stderr)
    assert.match(
      first.stdout,
      /\n\| case \| .*\n\| --- \| ---: .*\n\| plain-floor \| .*\n\| read-floor \| .* x plain-floor \|\n$/,
    )
    assert.deepEqual(readdirSync(data).toSorted(), ['ndjson', 'ndjson.json'])
    const { mtimeMs } = statSync(join(data, 'ndjson.json'))
    assert.equal((await bench(...words)).code, 0)
    assert.equal(statSync(join(data, 'ndjson.json')).mtimeMs, mtimeMs)
  })

  test('refuses what it does not know', async () => {
    for (const [words, message] of [
      [['--only', 'ndjson,xml'], /no case xml; there are: plain-floor, /],
      [['--records', '1e3'], /--records takes a number from 1 on, not 1e3/],
      [['--loud'], /--loud/],
    ] as const) {
      const { code, stdout, stderr } = await bench(...words)
      assert.equal(code, 1)
      assert.equal(stdout, '')
      assert.match(stderr, message)
    }
  })

  test('leaves nothing behind when it is stopped', async () => {
    const scratch = temporaryDirectory()
    const child = start(['--records', '2000', '--only', 'ndjson'], scratch)
    child.stderr.on('data', (chunk: Buffer) => {
      if (chunk.includes('round 1')) child.kill('SIGINT')
    })
    assert.equal(await ended(child), 130)
    assert.deepEqual(readdirSync(scratch), [])
  })

  // To build a commit takes as long as many tests.
  test('pairs our cases with another commit', { skip: !isThorough || !existsSync(REPOSITORY) }, async () => {
    const asked = ['--only', 'version', '--against', 'HEAD']
    const { code, stdout, stderr } = await bench('--records', '12', '--runs', '1', ...asked)
    assert.equal(code, 0, stderr)
    assert.match(
      stdout,
      /\nnode +[^\n]+\nversion +[^\n]+ x node, \d+\.\d\d x version at HEAD\nversion at HEAD +[^\n]+\n$/,
    )
  })
})

describe('the data', () => {
  test('of a typical account give the same events in every format', async () => {
    const root = temporaryDirectory()
    const typical = NAMES.filter((name) => name !== 'dirty')
    await storeData(root, new Set(typical), 400, NEVER)
    const events = typical.map((name) => outputOf(BINARY, 'replay', join(root, name), '--dry-run', '--quiet'))
    assert.equal(events[0]?.split('\n').length, 401)
    for (const [i, name] of typical.entries()) assert.equal(events[i], events[0], name)
  })

  test('are written once, and again when they are not whole or not as many', async () => {
    const root = temporaryDirectory()
    const stored = async (records: number) => {
      const bytes = await storeData(root, new Set(['csv'] as const), records, NEVER)
      const files = readdirSync(join(root, 'csv'), { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      )
      const paths = files.map((file) => join(file.parentPath, file.name))
      assert.equal(
        bytes.get('csv'),
        paths.reduce((sum, path) => sum + statSync(path).size, 0),
      )
      return paths.map((path) => [path, readFileSync(path, 'utf8'), statSync(path, { bigint: true }).mtimeNs])
    }
    const first = await stored(20)
    assert.deepEqual(await stored(20), first)
    rmSync(join(root, 'csv.json'))
    const again = await stored(20)
    assert.deepEqual(
      again.map(([path, content]) => [path, content]),
      first.map(([path, content]) => [path, content]),
    )
    assert.notDeepEqual(again, first)
    rmSync(String(again[0]?.[0]))
    assert.equal((await stored(20)).length, again.length)
    assert.notDeepEqual(await stored(30), again)
  })
})

test('the floor that copies bytes writes what the plain one writes', async () => {
  const root = temporaryDirectory()
  // More than it reads at once.
  await storeData(root, new Set(['ndjson'] as const), 8000, NEVER)
  const hard = {
    id: 'a"',
    list: ['],"id":"b', '\\'],
    time: 1,
    platform: '\\',
    note: '"',
    app_id: null,
    send_id: '\\"}\n',
  }
  writeFileSync(join(root, 'ndjson', 'hard.ndjson'), `${JSON.stringify(hard)}\n`)
  const program = (name: string) => fileURLToPath(new URL(`programs/${name}.js`, import.meta.url))
  const plain = outputOf(program('plain-floor'), join(root, 'ndjson'))
  assert.equal(plain.split('\n').length, 8002)
  assert.ok(plain === outputOf(program('copying-floor'), join(root, 'ndjson')))
})
