import assert from 'node:assert/strict'
import { mkdirSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  diskFileSystem,
  type FileSystem,
  mustBeOwnFile,
  readWhole,
  refusedByDisk,
  replaceFile,
} from '../../src/state/file-system.ts'
import { createMemoryDisk, systemError } from '../crash/memory-disk.ts'
import { temporaryDirectory } from '../harness.ts'

/** One suite for both: what the crash tests prove holds only as far as the disk in memory behaves as this machine's does. */
const KINDS: readonly (readonly [string, () => { readonly fileSystem: FileSystem; readonly at: string }])[] = [
  ['this machine', () => ({ fileSystem: diskFileSystem, at: temporaryDirectory() })],
  [
    'memory',
    () => {
      const disk = createMemoryDisk(Date.now)
      disk.plant('/state/there', '')
      return { fileSystem: disk.boot(), at: '/state' }
    },
  ],
]

for (const [name, open] of KINDS) {
  describe(`the file system of ${name}`, () => {
    test('writes at a place, fills holes with zeros, shortens, and reads as far as the file goes', async () => {
      const { fileSystem, at } = open()
      const file = await fileSystem.open(join(at, 'a'), 'write')
      await file.write(Buffer.from('hello'), 2)
      await file.write(Buffer.from('L'), 4)
      await file.sync()
      const into = Buffer.alloc(10, '.')
      assert.equal(await file.read(into, 0), 7)
      assert.equal(into.toString('latin1'), '\0\0heLlo...')
      assert.equal(await file.read(into, 7), 0)
      assert.equal(await file.read(into.subarray(0, 2), 5), 2)
      assert.equal(into.toString('latin1', 0, 2), 'lo')
      await file.truncate(3)
      assert.equal(await file.size(), 3)
      await file.close()
      assert.equal((await readWhole(fileSystem, join(at, 'a')))?.toString('latin1'), '\0\0h')
    })

    test('opens as asked', async () => {
      const { fileSystem, at } = open()
      const path = join(at, 'a')
      await assert.rejects(fileSystem.open(path, 'read'), { code: 'ENOENT' })
      await assert.rejects(fileSystem.open(join(at, 'missing', 'a'), 'write'), { code: 'ENOENT' })
      const made = await fileSystem.open(path, 'create')
      await made.write(Buffer.from('one'), 0)
      await made.close()
      await assert.rejects(fileSystem.open(path, 'create'), { code: 'EEXIST' })
      await (await fileSystem.open(path, 'write')).close()
      assert.equal((await readWhole(fileSystem, path))?.toString(), 'one')
      await (await fileSystem.open(path, 'replace')).close()
      assert.equal((await readWhole(fileSystem, path))?.length, 0)
      assert.equal(await readWhole(fileSystem, join(at, 'b')), null)
    })

    test('renames over what is there, unlinks, lists and makes directories', async () => {
      const { fileSystem, at } = open()
      const [a, b] = [join(at, 'lanes', 'a'), join(at, 'lanes', 'b')]
      await fileSystem.mkdir(join(at, 'lanes'))
      await fileSystem.mkdir(join(at, 'lanes'))
      for (const path of [a, b]) await replaceFile(fileSystem, path, Buffer.from(path))
      assert.deepEqual([...(await fileSystem.readdir(join(at, 'lanes')))].sort(), ['a', 'b'])
      await fileSystem.rename(a, b)
      assert.deepEqual(await fileSystem.readdir(join(at, 'lanes')), ['b'])
      assert.equal((await readWhole(fileSystem, b))?.toString(), a)
      await fileSystem.unlink(b)
      await fileSystem.syncDirectory(join(at, 'lanes'))
      assert.deepEqual(await fileSystem.readdir(join(at, 'lanes')), [])
      await assert.rejects(fileSystem.unlink(b), { code: 'ENOENT' })
      await assert.rejects(fileSystem.rename(a, b), { code: 'ENOENT' })
      await assert.rejects(fileSystem.readdir(a), { code: 'ENOENT' })
    })

    test('tells size and time of a file, and null when there is none', async () => {
      const { fileSystem, at } = open()
      await replaceFile(fileSystem, join(at, 'a'), Buffer.from('four'))
      assert.equal((await fileSystem.stat(join(at, 'a')))?.size, 4)
      assert.equal(await fileSystem.stat(join(at, 'b')), null)
      assert.equal(await fileSystem.stat(join(at, 'b', 'c')), null)
      await fileSystem.touch(join(at, 'a'), 1_767_225_600_000)
      assert.equal((await fileSystem.stat(join(at, 'a')))?.mtimeMs, 1_767_225_600_000)
      await assert.rejects(fileSystem.touch(join(at, 'b'), 0), { code: 'ENOENT' })
    })
  })
}

test('directories and files of this machine are their owner’s alone, whatever the umask allows', async () => {
  const at = join(temporaryDirectory(), 'open')
  mkdirSync(at)
  const before = process.umask(0)
  try {
    await diskFileSystem.mkdir(join(at, 'state', 'lanes'))
    for (const how of ['write', 'create', 'replace'] as const) {
      await (await diskFileSystem.open(join(at, 'state', how), how)).close()
      assert.equal(statSync(join(at, 'state', how)).mode & 0o777, 0o600)
    }
  } finally {
    process.umask(before)
  }
  for (const path of [join(at, 'state'), join(at, 'state', 'lanes')]) assert.equal(statSync(path).mode & 0o777, 0o700)
})

test('a file system that syncs no directories is used as it is', async (t) => {
  const { code } = await sync('/proc/self').catch((error: NodeJS.ErrnoException) => error)
  if (code !== 'EINVAL') return t.skip('there is none here')
  await diskFileSystem.syncDirectory('/proc/self')
  await assert.rejects(diskFileSystem.syncDirectory('/proc/self/nothing'), { code: 'ENOENT' })
})

/** As the system answers. */
async function sync(path: string): Promise<{ readonly code?: string | undefined }> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
    return {}
  } finally {
    await handle.close()
  }
}

test('a file of which a mount counts no names is our own; one of two names is not', () => {
  const facts = { isFile: true, isDirectory: false, size: 0, mtimeMs: 0 }
  mustBeOwnFile('file', { ...facts, links: 0 })
  assert.throws(() => mustBeOwnFile('file', { ...facts, links: 2 }), /hard link/)
})

test('only what permissions forbid says that they are to be mended', () => {
  const hintOf = (code: string) => refusedByDisk('x', systemError(code, '/x')).hint ?? ''
  for (const code of ['EACCES', 'EPERM', 'EROFS']) assert.match(hintOf(code), /permissions/)
  for (const code of ['EISDIR', 'ENOTDIR', 'EEXIST', 'ELOOP', 'ENOENT', 'ENAMETOOLONG', 'EINVAL', 'ENOSPC']) {
    assert.doesNotMatch(hintOf(code), /permissions/)
  }
})
