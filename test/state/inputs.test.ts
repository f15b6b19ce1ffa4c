import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { EMPTY_FINGERPRINT } from '../../src/read/fingerprint.ts'
import type { SavedInput } from '../../src/state/checkpoint.ts'
import { openDeliveredFiles } from '../../src/state/delivered-files.ts'
import { diskFileSystem } from '../../src/state/file-system.ts'
import { createInputs } from '../../src/state/inputs.ts'
import { temporaryDirectory } from '../harness.ts'

function savedAs(kind: SavedInput['kind'], path: string): SavedInput {
  const from = { byte: 0, ordinal: 0, line: 1 }
  return { path, kind, fingerprint: EMPTY_FINGERPRINT, from, settled: [[0, 5]], readTo: 5, accepted: 5 }
}

test('an input that cannot be opened now keeps what was known of it; one that was never begun is forgotten', async () => {
  const directory = temporaryDirectory()
  const run = { id: 'run', keyFingerprint: 'key', mappingHash: 'mapping' }
  const resumed = [savedAs('retry', join(directory, 'retrying.ndjson')), savedAs('input', 'gone.ndjson.gz')].map(
    (saved) => ({ path: saved.path, saved, expected: null, wasOpen: true }),
  )
  const inputs = createInputs({
    plan: { resumed, parked: [], fresh: ['new.ndjson'], deliveredBytes: 0, streams: [] },
    delivered: await openDeliveredFiles({ fileSystem: diskFileSystem, directory, length: null, run }),
    run,
    unknownTo: null,
    resend: false,
    wallClock: () => 0,
    save: async () => {},
    onFailure: (error) => assert.fail(String(error)),
    stop: new AbortController().signal,
  })
  for (const source of inputs.sources()) inputs.refused(source)
  assert.deepEqual(
    inputs.snapshot().open.map(({ kind, settled }) => [kind, settled]),
    [
      ['retry', [[0, 5]]],
      ['input', [[0, 5]]],
    ],
  )
  assert.equal(inputs.isRetryDone(), false)
})
