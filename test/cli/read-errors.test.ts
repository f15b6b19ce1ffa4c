import assert from 'node:assert/strict'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { braze2amp } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { exportsOf, KEY } from './upload-harness.ts'

/** A file that opens, and whose first read fails with EIO, by whoever reads it. */
const UNREADABLE = '/proc/self/mem'
const skip = existsSync(UNREADABLE) ? false : 'needs /proc'

const BROKEN = join('exports', 'users.messages.email.Send.ndjson')

for (const words of [
  ['replay', 'exports', '--dry-run'],
  ['replay', 'exports', '--endpoint', 'http://127.0.0.1:1'],
  ['validate', 'exports'],
  ['validate', 'exports', '--golden', '.'],
  ['inspect', 'exports'],
  ['explain', 'exports'],
]) {
  test(`${words.join(' ')}: an input that cannot be read ends it with 4, and is named`, { skip }, async () => {
    const cwd = exportsOf([])
    symlinkSync(UNREADABLE, join(cwd, BROKEN))
    const { code, stderr } = await braze2amp(words, { cwd, env: KEY })
    assert.equal(code, 4, stderr)
    assert.match(stderr, /error: reading exports\/users\.messages\.email\.Send\.ndjson failed: EIO.*\n.*goes on/)
  })
}

test('the summary says that an input stopped the run, with what came before it', { skip }, async () => {
  const cwd = exportsOf(records(3))
  symlinkSync(UNREADABLE, join(cwd, BROKEN))
  const { code } = await braze2amp(['replay', 'exports', '--dry-run', '--quiet', '--summary', 'summary.json'], { cwd })
  const { stopped, read, accepted, exit_code } = JSON.parse(readFileSync(join(cwd, 'summary.json'), 'utf8'))
  assert.deepEqual(
    { code, stopped, read, accepted, exit_code },
    { code: 4, stopped: 'input', read: 3, accepted: 3, exit_code: 4 },
  )
})
