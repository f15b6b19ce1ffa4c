import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { start } from '../emulator/harness.ts'
import { BINARY } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { exportsOf, KEY, unlimited } from './upload-harness.ts'

/** The reader of an output is gone at once, as with `| true`. */
async function withoutReaderOf(gone: 'stdout' | 'stderr', words: readonly string[], cwd?: string) {
  const child = spawn(process.execPath, [BINARY, ...words], { cwd, env: { ...process.env, ...KEY, NO_COLOR: '1' } })
  child.stdin.end()
  child[gone].destroy()
  const output = gone === 'stdout' ? child.stderr : child.stdout
  let text = ''
  output.on('data', (data) => {
    text += data
  })
  const [code] = await once(child, 'close')
  return { code, text }
}

describe('a summary that cannot be written', { skip: process.platform !== 'linux' }, () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['of a dry run', ['--dry-run', '--summary', '/dev/full']],
    ['of an upload', ['--summary', '/dev/full']],
    ['on standard output', ['--json']],
  ]
  for (const [name, words] of cases) {
    test(`${name} ends with 4 and says so, after the books`, async (t) => {
      const emulator = await start(t, unlimited)
      const cwd = exportsOf(records(10))
      const full = openSync('/dev/full', 'w')
      const to = words.includes('--json') ? full : 'ignore'
      const child = spawn(process.execPath, [BINARY, 'replay', 'exports', '--endpoint', emulator.url, ...words], {
        cwd,
        env: { ...process.env, ...KEY, NO_COLOR: '1' },
        stdio: ['ignore', to, 'pipe'],
      })
      closeSync(full)
      let text = ''
      child.stderr?.on('data', (data) => {
        text += data
      })
      const [code] = await once(child, 'close')
      assert.equal(code, 4, text)
      assert.match(text, /accepted +10\n[\s\S]*error: cannot write .*ENOSPC/)
      assert.doesNotMatch(text, /unexpected/)
      assert.equal(emulator.stats().unique, words.includes('--dry-run') ? 0 : 10)
    })
  }
})

test('a dry run whose summary cannot be written to standard error ends with 4', {
  skip: process.platform !== 'linux',
}, async () => {
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [BINARY, 'replay', 'exports', '--dry-run', '--json'], {
    cwd: exportsOf(records(10)),
    stdio: ['ignore', 'ignore', full],
  })
  closeSync(full)
  assert.deepEqual(await once(child, 'close'), [4, null])
})

describe('when nobody reads any more', () => {
  for (const words of [['--help'], ['replay', '--help'], ['help', 'retry'], ['--version'], ['completion', 'bash']]) {
    test(`${words.join(' ')} ends quietly`, async () => {
      assert.deepEqual(await withoutReaderOf('stdout', words), { code: 0, text: '' })
    })
  }

  test('what is wrong with the command line is still told by the exit code', async () => {
    assert.equal((await withoutReaderOf('stderr', ['replay', '--no-such-option'])).code, 2)
  })

  test('an upload whose messages nobody reads delivers everything', async (t) => {
    const emulator = await start(t, unlimited)
    const cwd = exportsOf(records(5000, (i) => ({ external_user_id: `user-${i}` })))
    const words = ['replay', 'exports', '--endpoint', emulator.url, '--summary', 'summary.json']
    const { code } = await withoutReaderOf('stderr', words, cwd)
    assert.equal(code, 0)
    assert.equal(JSON.parse(readFileSync(join(cwd, 'summary.json'), 'utf8')).accepted, 5000)
    assert.equal(emulator.stats().unique, 5000)
  })
})
