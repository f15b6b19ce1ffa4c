import assert from 'node:assert/strict'
import {
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { contentOf, temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { exportsOf, replay, replayed, stopped, unlimited, write } from './upload-harness.ts'

/** Directories that are not ours, or not ours alone, given as state directories: nothing in them is touched (state/README.md §1). */

const emulator = await startEmulator(unlimited)
after(() => emulator.close())
const { url } = emulator

/** A run that was stopped with dead letters, and with lane files. */
const original = exportsOf(['{"id":"broken', ...records(200, () => ({ external_user_id: 'hot' }))])
await stopped(
  'SIGINT',
  () => names(join(original, '.braze2amp', 'lanes')).length > 0 && emulator.stats().accepted > 0,
  {
    cwd: original,
    url,
    words: ['--device-eps', '5'],
  },
)

function begun(): string {
  const cwd = temporaryDirectory()
  cpSync(original, cwd, { recursive: true })
  return cwd
}

function names(path: string): readonly string[] {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(path) : []
}

async function refuses(cwd: string, message: RegExp, words: readonly string[] = []): Promise<void> {
  const before = contentOf(cwd)
  const { total } = emulator.stats().requests
  const run = await replay({ cwd, url, words: ['--state', '.braze2amp', ...words] })
  assert.equal(run.code, 2, run.stderr)
  assert.match(run.stderr, message)
  assert.doesNotMatch(run.stderr, /unexpected error/)
  assert.deepEqual(contentOf(cwd), before)
  assert.equal(emulator.stats().requests.total, total, 'something was sent')
}

describe('a directory of somebody else is refused, and nothing in it is touched', () => {
  // The other cases are in test/state/ownership.test.ts, without a process each.
  test('whether it begins anew or not', async () => {
    const cwd = exportsOf(records(3))
    for (const name of ['README.md', 'lanes/a.txt', 'lanes/1.ndjson']) write(cwd, `.braze2amp/${name}`, '{}\n')
    const message = /is not a state directory: it holds .*\n.*--state DIR/
    await refuses(cwd, message)
    await refuses(cwd, message, ['--fresh', '--yes'])
  })

  for (const [what, files] of [
    ['dead letters', { 'dead-letters.ndjson': '{"mine":1}\n' }],
    ['seen events', { 'seen-a.bin': 'mine' }],
    ['lane files', { 'lanes/1.ndjson': 'mine' }],
  ] as const) {
    test(`${what} without a checkpoint`, async () => {
      const cwd = exportsOf(records(3))
      for (const [path, content] of Object.entries(files)) write(cwd, `.braze2amp/${path}`, content)
      await refuses(cwd, /checkpoint\.json is gone.*\n.*put back.*--fresh.*--state/)
    })
  }
})

test('a state whose checkpoint is gone is refused; it goes on when that is back, and --fresh moves the rest aside', async () => {
  const cwd = begun()
  const [path, away] = [join(cwd, '.braze2amp', 'checkpoint.json'), join(cwd, 'checkpoint')]
  renameSync(path, away)
  const gone = /checkpoint\.json is gone, but .*dead-letters\.ndjson.*\n.*put back.*--fresh.*--state/
  await refuses(cwd, gone)
  await refuses(cwd, /an unknown number of events/, ['--fresh'])
  const fresh = temporaryDirectory()
  cpSync(cwd, fresh, { recursive: true })
  const begunAnew = await replayed(3, { cwd: fresh, url, words: ['--fresh', '--yes', '--resend', '--limit', '1'] })
  assert.deepEqual([begunAnew.summary.read, begunAnew.summary.resumed], [1, false])
  const old = names(join(fresh, '.braze2amp')).find((name) => name.startsWith('old-')) ?? ''
  assert.ok(readFileSync(join(fresh, '.braze2amp', old, 'dead-letters.ndjson'), 'utf8').includes('malformed'))

  renameSync(away, path)
  const { summary } = await replayed(3, { cwd, url })
  assert.deepEqual([summary.read, summary.accepted, summary.resumed], [201, 200, true])
})

describe('in a state of ours', () => {
  const targets: readonly string[] = [
    'checkpoint.json',
    'checkpoint.json.new',
    'dead-letters.ndjson',
    'files.ndjson',
    'seen-a.bin',
    'seen-b.bin',
    'lanes/1.ndjson',
    'lanes/77.ndjson',
    'retrying.ndjson',
  ]
  for (const [kind, link] of [
    ['a link', symlinkSync],
    ['a hard link', linkSync],
  ] as const) {
    for (const name of targets) {
      test(`${name} that is ${kind} is not followed`, async () => {
        const cwd = begun()
        const path = join(cwd, '.braze2amp', name)
        const target = join(cwd, 'target')
        // As it was, or something else.
        if (lstatSync(path, { throwIfNoEntry: false }) === undefined) writeFileSync(target, 'mine')
        else renameSync(path, target)
        link(target, path)
        await refuses(cwd, /(is a link|hard link)/)
      })
    }
  }

  test('lanes that are a link are not followed', async () => {
    const cwd = begun()
    renameSync(join(cwd, '.braze2amp', 'lanes'), join(cwd, 'elsewhere'))
    write(cwd, 'elsewhere/99.ndjson', 'mine')
    symlinkSync(join(cwd, 'elsewhere'), join(cwd, '.braze2amp', 'lanes'))
    await refuses(cwd, /lanes is a link/)
  })

  test('a lock that is a link is not followed', async () => {
    const cwd = begun()
    write(cwd, 'target', 'mine')
    symlinkSync(join(cwd, 'target'), join(cwd, '.braze2amp', 'lock'))
    await refuses(cwd, /lock is a link/)
  })

  test('names that are not ours stay, also when it begins anew', async () => {
    const cwd = begun()
    const others = ['key.txt', 'lanes/notes.txt', 'lanes/a/1.ndjson', 'old-notes/a.txt']
    for (const name of others) write(cwd, `.braze2amp/${name}`, 'mine')
    await replayed(3, { cwd, url })
    for (const name of others) assert.equal(readFileSync(join(cwd, '.braze2amp', name), 'utf8'), 'mine')
    await replayed(3, { cwd, url, words: ['--fresh', '--yes', '--resend', '--limit', '1'] })
    for (const name of ['key.txt', 'old-notes/a.txt']) {
      assert.equal(readFileSync(join(cwd, '.braze2amp', name), 'utf8'), 'mine')
    }
  })

  test('the directory itself may lie behind a link', async () => {
    const cwd = begun()
    renameSync(join(cwd, '.braze2amp'), join(cwd, 'disk'))
    symlinkSync('disk', join(cwd, '.braze2amp'))
    await replayed(3, { cwd, url })
  })
})

test('what a crash leaves before the first checkpoint is ours, also behind --fresh', async () => {
  const cwd = exportsOf(records(3))
  const state = join(cwd, '.braze2amp')
  await replayed(0, { cwd, url })
  const files = readFileSync(join(state, 'files.ndjson'))
  for (const torn of [Buffer.alloc(0), Buffer.alloc(5), Buffer.from('{"vers')]) {
    rmSync(state, { recursive: true })
    mkdirSync(join(state, 'lanes'), { recursive: true })
    mkdirSync(join(state, 'lost+found'))
    mkdirSync(join(state, 'old-2026-01-01T00-00-00.000Z'))
    writeFileSync(join(state, 'checkpoint.json.new'), torn)
    writeFileSync(join(state, 'seen-a.bin'), Buffer.from('SEEN\x01').subarray(0, torn.length))
    writeFileSync(join(state, 'files.ndjson'), files)
    const { summary } = await replayed(0, { cwd, url, words: ['--resend'] })
    assert.deepEqual([summary.read, summary.resumed], [3, false])
  }
})
