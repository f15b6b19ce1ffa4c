import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { UsageError } from '../../src/errors.ts'
import { claimState } from '../../src/state/claim.ts'
import { diskFileSystem } from '../../src/state/file-system.ts'
import { systemProcesses } from '../../src/state/processes.ts'
import { contentOf, temporaryDirectory } from '../harness.ts'

const CASES: readonly (readonly [what: string, files: Readonly<Record<string, string>>])[] = [
  ['a project with lanes of its own', { 'README.md': 'mine', 'lanes/a.txt': 'mine', 'lanes/1.ndjson': '{}\n' }],
  ['lanes of its own', { 'lanes/a.txt': 'mine' }],
  ['lanes of its own among numbers', { 'lanes/1.ndjson': '{}\n', 'lanes/b/2.ndjson': '{}\n' }],
  ['any file', { 'notes.txt': 'mine' }],
  ['a hidden file', { '.gitignore': '*' }],
  ['delivered files of its own', { 'files.ndjson': '{"path":"a"}\n{"path":"b"}' }],
  ['delivered files without an end', { 'files.ndjson': 'mine' }],
  ['a lock of its own', { lock: 'mine' }],
  ['a new checkpoint of its own', { 'checkpoint.json.new': 'mine' }],
  ['a checkpoint of another program', { 'checkpoint.json': '{"epoch":3}', 'model.bin': 'mine', 'lanes/a.txt': 'mine' }],
  ['a checkpoint of another program alone', { 'checkpoint.json': '{"epoch":3}' }],
  ['a checkpoint of another program, a list', { 'checkpoint.json': '[]' }],
  ['a checkpoint of another program with an empty lock', { 'checkpoint.json': '{"epoch":3}', lock: '' }],
  ['a directory named as the checkpoint', { 'checkpoint.json/model.bin': 'mine' }],
  ['a directory named as dead letters', { 'dead-letters.ndjson/a.txt': 'mine' }],
  ['a directory named as a lock', { 'lock/a.txt': 'mine' }],
  ['a file named as lanes', { lanes: 'mine' }],
  ['dead letters of its own', { 'dead-letters.ndjson': '{"mine":1}\n' }],
  ['dead letters of its own without an end', { 'dead-letters.ndjson': 'mine' }],
  ['retried letters of its own', { 'retrying.ndjson': '{"reason":"mine"}\n' }],
  ['seen events of its own', { 'seen-a.bin': 'mine' }],
  ['lane files of its own', { 'lanes/1.ndjson': 'mine' }],
  ['a checkpoint of another program with a version', { 'checkpoint.json': '{"version":1}', 'model.bin': 'mine' }],
  ['what is named as a state that was moved aside', { 'old-2026': 'mine' }],
]

describe('a directory of somebody else is refused, and nothing in it is touched', () => {
  for (const [what, files] of CASES) {
    test(what, async () => {
      const directory = temporaryDirectory()
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(directory, name)), { recursive: true })
        writeFileSync(join(directory, name), content)
      }
      const before = contentOf(directory)
      const { signal } = new AbortController()
      const place = { fileSystem: diskFileSystem, directory, clock: systemClock, processes: systemProcesses, signal }
      for (const isFresh of [false, true]) {
        await assert.rejects(claimState({ ...place, isFresh, tell: () => {} }), (error: UsageError) => {
          assert.ok(error instanceof UsageError)
          assert.match(`${error.message}\n${error.hint}`, /is not a state directory: it holds .*\n.*--state DIR/)
          return true
        })
        assert.deepEqual(contentOf(directory), before)
      }
    })
  }
})
