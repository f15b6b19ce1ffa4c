import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoppedError } from '../../src/errors.ts'
import { whileHeld } from '../../src/state/lock.ts'
import { createMemoryDisk } from './memory-disk.ts'

test('a process that lost its lock changes nothing any more, and can still read and close', async () => {
  const disk = createMemoryDisk()
  disk.plant('/state/log', 'theirs')
  const lost = new AbortController()
  const fileSystem = whileHeld(disk.boot(), async () => lost.signal.throwIfAborted())
  const file = await fileSystem.open('/state/log', 'write')
  await file.write(Buffer.from('T'), 0)
  lost.abort(new StoppedError('another process has taken it', { stopped: 'state' }))
  const bytes = Buffer.alloc(6)
  await file.read(bytes, 0)
  assert.equal(bytes.toString(), 'Theirs')
  const changes = [
    file.write(bytes, 0),
    file.truncate(0),
    fileSystem.open('/state/new', 'replace'),
    fileSystem.rename('/state/log', '/state/other'),
    fileSystem.unlink('/state/log'),
  ]
  for (const change of await Promise.allSettled(changes)) assert.equal(change.status, 'rejected')
  await file.close()
  assert.deepEqual([...disk.files()], [['/state/log', Buffer.from('Theirs')]])
})
