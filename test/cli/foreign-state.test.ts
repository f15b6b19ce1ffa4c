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
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { braze2amp, contentOf, someOf, temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { exportsOf, KEY, replay, replayed, stopped, unlimited, write } from './upload-harness.ts'

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

  test('a directory named as a log beside a checkpoint of ours', async () => {
    const cwd = begun()
    rmSync(join(cwd, '.braze2amp', 'seen-b.bin'), { force: true })
    write(cwd, '.braze2amp/seen-b.bin/a.txt', 'mine')
    for (const words of [[], ['--fresh', '--yes']])
      await refuses(cwd, /holds seen-b\.bin, and that is a directory/, words)
  })

  test('an empty lock alone, which could be anybody’s', async () => {
    const cwd = exportsOf(records(3))
    write(cwd, '.braze2amp/lock', '')
    const path = join(cwd, '.braze2amp', 'lock')
    utimesSync(path, new Date(), new Date(Date.now() - 120_000))
    for (const words of [[], ['--fresh', '--yes']])
      await refuses(cwd, /lock is empty.*\n.*delete .*lock.*--state/, words)
    rmSync(path)
    await replayed(0, { cwd, url })
  })
})

describe('without a checkpoint, what is left of a run of ours is refused until --fresh moves it', () => {
  for (const name of ['dead-letters.ndjson', 'seen-a.bin', 'lanes']) {
    test(name, async () => {
      const cwd = exportsOf(records(3))
      mkdirSync(join(cwd, '.braze2amp'))
      cpSync(join(original, '.braze2amp', name), join(cwd, '.braze2amp', name), { recursive: true })
      await refuses(cwd, /checkpoint\.json is gone.*\n.*put back.*--fresh.*--state/)
      await replayed(0, { cwd, url, words: ['--fresh', '--yes', '--resend'] })
    })
  }
})

describe('a damaged checkpoint alone is one of ours', () => {
  for (const [what, content] of [
    ['empty', ''],
    ['zeros', Buffer.alloc(100)],
    ['torn', '{"version":1,"run":{"id"'],
    ['of another version', '{"version":2}'],
    ['of no version', '{"run":{}}'],
  ] as const) {
    test(what, async () => {
      const cwd = exportsOf(records(3))
      write(cwd, '.braze2amp/checkpoint.json', content)
      await refuses(cwd, /checkpoint\.json (is|has) .*\n.*put back.*--fresh.*--state/)
      await replayed(0, { cwd, url, words: ['--fresh', '--yes', '--resend'] })
    })
  }
})

describe('a --fresh that was ended in the middle', () => {
  const old = 'old-2026-01-01T00-00-00.000Z'

  /** A state beside a file of somebody else, with these names moved already; all, when there are none. */
  function halfMoved(...moved: readonly string[]): string {
    const cwd = begun()
    const state = join(cwd, '.braze2amp')
    write(cwd, '.braze2amp/notes.txt', 'mine')
    mkdirSync(join(state, old))
    const all = names(state).filter((name) => !['files.ndjson', 'notes.txt', old].includes(name))
    for (const name of moved.length === 0 ? all : moved) renameSync(join(state, name), join(state, old, name))
    return cwd
  }

  test('behind the checkpoint: nothing goes on, and --fresh does', async () => {
    const cwd = halfMoved('checkpoint.json')
    await refuses(cwd, new RegExp(`checkpoint\\.json is gone, but .*; ${old} has one\n.*put back.*${old}.*--fresh`))
    await replayed(3, { cwd, url, words: ['--fresh', '--yes', '--resend', '--limit', '1'] })
    assert.equal(readFileSync(join(cwd, '.braze2amp', 'notes.txt'), 'utf8'), 'mine')
  })

  test('behind all: a run begins', async () => {
    const cwd = halfMoved()
    await replayed(3, { cwd, url, words: ['--resend', '--limit', '1'] })
    assert.equal(readFileSync(join(cwd, '.braze2amp', 'notes.txt'), 'utf8'), 'mine')
  })

  for (const name of ['dead-letters.ndjson', 'lanes', 'seen-a.bin']) {
    test(`before the checkpoint, as an older version left it: ${name} is gone`, async () => {
      const cwd = halfMoved(name)
      const gone = new RegExp(`${name} is gone, but the checkpoint .*; ${old} has one\n.*${old}.*--fresh`)
      await refuses(cwd, gone)
      const before = contentOf(cwd)
      const retried = await braze2amp(['retry', '--endpoint', url], { cwd, env: KEY })
      assert.equal(retried.code, 2, retried.stderr)
      assert.match(retried.stderr, gone)
      assert.deepEqual(contentOf(cwd), before)
      await refuses(cwd, /--fresh leaves \d+ events \(\d+ pending, 1 dead letters\)/, ['--fresh'])
      const fresh = temporaryDirectory()
      cpSync(cwd, fresh, { recursive: true })
      await replayed(3, { cwd: fresh, url, words: ['--fresh', '--yes', '--resend', '--limit', '1'] })

      renameSync(join(cwd, '.braze2amp', old, name), join(cwd, '.braze2amp', name))
      const { summary } = await replayed(3, { cwd, url })
      assert.deepEqual([summary.read, summary.accepted, summary.resumed], [201, 200, true])
    })
  }
})

describe('a backup of hard links', () => {
  /** Every file of the state gets another name in `backup`. */
  function backedUp(only: (name: string) => boolean): string {
    const cwd = begun()
    const state = join(cwd, '.braze2amp')
    // Delivered files, too.
    writeFileSync(join(state, 'files.ndjson'), readFileSync(join(state, 'files.ndjson'), { flag: 'a+' }))
    for (const name of (readdirSync(state, { recursive: true }) as string[]).filter(only)) {
      if (!lstatSync(join(state, name)).isFile()) continue
      mkdirSync(dirname(join(cwd, 'backup', name)), { recursive: true })
      linkSync(join(state, name), join(cwd, 'backup', name))
    }
    return cwd
  }

  /** What the files hold; how many names they have is what changes. */
  function backupOf(cwd: string): object {
    const paths = readdirSync(join(cwd, 'backup'), { recursive: true, withFileTypes: true }).filter((at) => at.isFile())
    return paths.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'base64')])
  }

  test('of the checkpoint is left as it is, and the run goes on', async () => {
    const cwd = backedUp((name) => name === 'checkpoint.json')
    const before = backupOf(cwd)
    await replayed(3, { cwd, url })
    assert.deepEqual(backupOf(cwd), before)
  })

  test('of all is left as it is by --fresh, which only renames', async () => {
    const cwd = backedUp((name) => name !== 'files.ndjson')
    const before = backupOf(cwd)
    await refuses(cwd, /hard link/)
    await replayed(3, { cwd, url, words: ['--fresh', '--yes', '--resend', '--limit', '1'] })
    assert.deepEqual(backupOf(cwd), before)
  })

  test('of the delivered files is refused by --fresh too, which goes on writing to them', async () => {
    const cwd = backedUp((name) => name === 'files.ndjson')
    await refuses(cwd, /files\.ndjson has another name elsewhere \(a hard link\)/, ['--fresh', '--yes', '--resend'])
  })
})

describe('a path that cannot be a state directory says what to do', () => {
  test('its name is too long', async () => {
    const cwd = exportsOf(records(1))
    const run = await replay({ cwd, url, words: ['--state', 'x'.repeat(300)] })
    assert.equal(run.code, 2, run.stderr)
    assert.match(run.stderr, /ENAMETOOLONG.*\n.*shorter/)
    assert.doesNotMatch(run.stderr, /permissions/)
  })

  test('it is a file', async () => {
    const cwd = exportsOf(records(1))
    write(cwd, 'state', 'mine')
    const run = await replay({ cwd, url, words: ['--state', 'state'] })
    assert.equal(run.code, 2, run.stderr)
    assert.match(run.stderr, /ENOTDIR.*\n.*Move away/)
    assert.doesNotMatch(run.stderr, /permissions/)
  })
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
  /** Those that are written in place. */
  const targets: readonly string[] = [
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
    for (const name of someOf(kind === 'a link' ? ['checkpoint.json', ...targets] : targets, 3)) {
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
