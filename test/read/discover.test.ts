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

  test('leaves out what is no data, half copied, or a table without events', async () => {
    const data = [
      '_a=1/x.ndjson',
      'event_type=users.messages.email.Open/x.ndjson',
      'opens.ndjson.20260102',
      'opens.ndjson.partab',
      'opens.ndjson.Backup',
      'x.partition.ndjson',
    ]
    const root = tree([
      ...data,
      '_spark_metadata/0',
      'x/_delta_log/0.json',
      'event_type=users.messages.email.Open_$folder$',
      ...['tmp', 'part', 'partial', 'crdownload', '_COPYING_', '6eF3ab12', 'Ab1Cd2', 'kQzRtW'].map(
        (end) => `opens.ndjson.${end}`,
      ),
      'opens.avro~',
      '.opens.ndjson.AbC123',
      'SNAPSHOTS_CANVAS_STEP_SHARED.csv',
      'CHANGELOGS_CAMPAIGN_SHARED/data_0.csv',
    ])
    assert.deepEqual((await found(root, '.')).toSorted(), data.toSorted())
    assert.equal((await discover([root])).leftOut.count, 15)
    assert.deepEqual((await found(root, '**/*')).toSorted(), data.toSorted())
    // A folder counts once, whatever is in it; what is hidden no glob matches.
    assert.equal((await discover([join(root, '**/*'), join(root, '**/*.ndjson*')])).leftOut.count, 14)
    assert.deepEqual(await found(root, 'opens.ndjson.tmp', '_spark_metadata'), [
      '_spark_metadata/0',
      'opens.ndjson.tmp',
    ])
  })

  test('tells each name once of which only the end of a type was taken', async () => {
    const root = tree(['email_open_1.csv', 'email_open_2.csv', 'purchase/1.csv', 'users.messages.email.Click.csv'])
    const { takenNames } = await discover([root])
    assert.deepEqual(
      takenNames.map(({ spelled, type }) => [spelled, type]),
      [['email_open', 'users.messages.email.Open']],
    )
  })

  test('takes what is in the folders that a glob names', async () => {
    const root = tree([
      'e/date=2026-01-01-00/437/a.avro',
      'e/date=2026-01-01-01/b.avro',
      'e/date=2026-01-01-01/.b.crc',
      'c.avro',
    ])
    mkdirSync(join(root, 'e/date=2026-01-02-00'))
    assert.deepEqual(await found(root, '**/date=*'), ['e/date=2026-01-01-00/437/a.avro', 'e/date=2026-01-01-01/b.avro'])
    assert.deepEqual(await found(root, '**'), [
      'c.avro',
      'e/date=2026-01-01-00/437/a.avro',
      'e/date=2026-01-01-01/b.avro',
    ])
    await assert.rejects(discover([join(root, '**/date=2026-01-02*')]), /no input files match/)
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

describe('an address of object storage', () => {
  const type = 'event_type=users.messages.email.Open'
  for (const [address, lines] of [
    [
      `s3://bucket/${type}/`,
      [`aws s3 sync s3://bucket/${type}/ exports && braze2amp replay exports --event-type`, 'mount-s3'],
    ],
    [
      's3a://bucket/a/*.avro',
      ['aws s3 sync s3://bucket/a/ exports && braze2amp replay exports', 'aws s3 cp s3://bucket/a/FILE - |'],
    ],
    ['s3://bucket/a b.avro', ["aws s3 cp 's3://bucket/a b.avro' - | braze2amp replay -"]],
    ['gs://bucket/a', ['gcloud storage rsync --recursive gs://bucket/a exports', 'gcsfuse']],
    [
      'az://container/a',
      ['azcopy copy https://ACCOUNT.blob.core.windows.net/container/a exports --recursive', 'blobfuse2'],
    ],
    [
      'abfss://c@acme.dfs.core.windows.net/a',
      ['azcopy copy https://acme.blob.core.windows.net/c/a exports --recursive'],
    ],
    [
      'https://acme.blob.core.windows.net/c/a.avro',
      ['azcopy copy https://acme.blob.core.windows.net/c/a.avro --from-to BlobPipe |'],
    ],
    [
      'https://example.com/opens.csv',
      ['curl --fail --silent --show-error --location https://example.com/opens.csv | braze2amp'],
    ],
  ] as const) {
    test(`${address} is answered with the lines to type`, async () => {
      await assert.rejects(discover([address]), (error: unknown) => {
        assert.ok(error instanceof UsageError)
        for (const line of lines) assert.ok(error.hint?.includes(line), error.hint)
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
