import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { UsageError } from '../../src/errors.ts'
import { discover } from '../../src/read/discover.ts'
import { createFileList } from '../../src/read/file-list.ts'
import { temporaryDirectory } from '../harness.ts'

function tree(paths: readonly string[]): string {
  const root = temporaryDirectory()
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), '')
  }
  return root
}

async function found(root: string, ...paths: readonly string[]): Promise<readonly string[]> {
  const discovery = await discover(paths.map((path) => join(root, path)))
  return Array.from(discovery.sources(), ({ path }) => path.replace(`${root}/`, ''))
}

describe('the order of inputs', () => {
  test('is date partition, event type, path; without a date first; all arguments together', async () => {
    const root = tree([
      'b/event_type=users.messages.email.Send/date=2026-01-02-00/z.avro',
      'a/event_type=users.messages.email.Send/date=2026-01-02-01/a.avro',
      'a/event_type=users.messages.email.Open/date=2026-01-02-01/b.avro',
      'a/event_type=users.messages.email.Open/date=2026-01-02-01/a.avro',
      'c/undated.ndjson',
    ])
    assert.deepEqual(await found(root, 'a', 'b', 'c'), [
      'c/undated.ndjson',
      'b/event_type=users.messages.email.Send/date=2026-01-02-00/z.avro',
      'a/event_type=users.messages.email.Open/date=2026-01-02-01/a.avro',
      'a/event_type=users.messages.email.Open/date=2026-01-02-01/b.avro',
      'a/event_type=users.messages.email.Send/date=2026-01-02-01/a.avro',
    ])
  })
})

describe('what is found', () => {
  test('leaves out hidden files and plain non-data, and says so', async () => {
    const root = tree([
      'a.ndjson',
      '_SUCCESS',
      '.hidden',
      '.a.ndjson.crc',
      'x/_committed_123',
      'x/manifest.json',
      'x/b.csv',
      '.git/c',
    ])
    assert.deepEqual(await found(root, '.'), ['a.ndjson', 'x/b.csv'])
    assert.equal((await discover([root])).leftOut.count, 6)
  })

  test('takes a file that is named, whatever it is called', async () => {
    const root = tree(['.hidden.ndjson', '_SUCCESS'])
    assert.deepEqual(await found(root, '.hidden.ndjson', '_SUCCESS'), ['.hidden.ndjson', '_SUCCESS'])
  })

  test('takes every file once, however often it is given', async () => {
    const root = tree(['a/b/x.ndjson', 'a/y.ndjson'])
    assert.deepEqual(await found(root, 'a', 'a/b', 'a/b/x.ndjson', 'a/y.ndjson', './a'), ['a/b/x.ndjson', 'a/y.ndjson'])
  })

  test('takes a directory once, given relative and absolute', async () => {
    const root = tree(['a/x.ndjson'])
    const discovery = await discover([join(root, 'a'), relative(process.cwd(), join(root, 'a'))])
    assert.equal(discovery.count, 1)
  })

  test('includes what a glob matches, and a file whose name looks like one', async () => {
    const root = tree(['x/1.ndjson', 'x/y/2.ndjson', 'x/3.csv', 'a[1].ndjson'])
    assert.deepEqual(await found(root, 'x/**/*.ndjson'), ['x/1.ndjson', 'x/y/2.ndjson'])
    assert.deepEqual(await found(root, 'a[1].ndjson'), ['a[1].ndjson'])
  })

  test('follows links to files and folders, and is not caught in a circle', async () => {
    const root = tree(['data/a.ndjson', 'in/b.ndjson'])
    symlinkSync(join(root, 'data'), join(root, 'in/linked'))
    symlinkSync(join(root, 'in'), join(root, 'in/circle'))
    symlinkSync(join(root, 'nowhere'), join(root, 'in/broken'))
    symlinkSync(join(root, 'in/b.ndjson'), join(root, 'in/again.ndjson'))
    symlinkSync(root, join(root, 'in/above'))
    assert.deepEqual(await found(root, 'in'), ['in/b.ndjson', 'in/linked/a.ndjson'])
  })

  test('is standard input first', async () => {
    const root = tree(['a.ndjson'])
    const discovery = await discover([join(root, 'a.ndjson'), '-', '-'])
    assert.deepEqual(Array.from(discovery.sources(), ({ path }) => path)[0], '-')
    assert.equal(discovery.count, 2)
  })
})

describe('a wrong path', () => {
  for (const [path, message] of [
    ['missing.ndjson', /no such file or directory/],
    ['*.parquet', /nothing matches/],
    ['empty', /no input files in/],
  ] as const) {
    test(`${path} is a usage error`, async () => {
      const root = tree(['a.ndjson', 'empty/_SUCCESS'])
      await assert.rejects(discover([join(root, path)]), (error: unknown) => {
        assert.ok(error instanceof UsageError)
        assert.match(error.message, message)
        return true
      })
    })
  }
})

test('a discovered file costs less than 400 bytes', () => {
  assert.ok(globalThis.gc, 'the tests run with --expose-gc')
  const list = createFileList()
  const count = 100_000
  globalThis.gc()
  const before = process.memoryUsage()
  for (let i = 0; i < count; i++) {
    const hour = `${2024 + (i % 2)}-${String((i % 12) + 1).padStart(2, '0')}-10-${String(i % 24).padStart(2, '0')}`
    const integration = 'dataexport.prod-03.S3.integration.60e5d5a7c8b2'
    list.add(
      Buffer.from(
        `exports/${integration}/event_type=users.messages.email.Open/date=${hour}/437/prod-03/${integration}+3+${i}.avro`,
      ).toString(),
    )
  }
  const ordered = list.inOrder()[Symbol.iterator]()
  ordered.next()
  globalThis.gc()
  const now = process.memoryUsage()
  const perFile = (now.heapUsed + now.arrayBuffers - before.heapUsed - before.arrayBuffers) / count
  assert.ok(perFile < 400, `${perFile} bytes`)
  assert.equal(list.count(), count)
})
