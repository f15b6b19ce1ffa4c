import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../emulator/harness.ts'
import { BINARY } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { checkpointIn, exportsOf, KEY, replayed, summaryIn, unlimited } from './upload-harness.ts'

/** A terminal that is closed while the real binary runs in it: a clean stop, exit 129 (state/README.md §7). */

/**
 * Runs the words in a terminal of their own, which it closes when its standard input ends; says how they ended: `exit 129`, or the
 * signal, as `signal 6`.
 */
const IN_TERMINAL = `
import os, pty, select, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    ready, _, _ = select.select([terminal, 0], [], [])
    if terminal in ready:
        try:
            os.write(2, os.read(terminal, 65536))
        except OSError:
            break
    if 0 in ready and os.read(0, 1) == b'':
        break
os.close(terminal)
_, status = os.waitpid(child, 0)
print('signal %d' % os.WTERMSIG(status) if os.WIFSIGNALED(status) else 'exit %d' % os.WEXITSTATUS(status))
`

const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

/** Resolves to how the binary ended once its terminal was closed, as soon as `isTime`. */
async function closed(
  cwd: string,
  words: readonly string[],
  isTime: (shown: string) => boolean,
): Promise<{ readonly end: string; readonly shown: string }> {
  const env = { ...process.env, ...KEY }
  const child = spawn('python3', ['-c', IN_TERMINAL, process.execPath, BINARY, ...words], { cwd, env })
  let [end, shown] = ['', '']
  child.stdout.on('data', (text) => {
    end += text
  })
  child.stderr.on('data', (text) => {
    shown += text
  })
  const ended = once(child, 'close')
  while (!isTime(shown) && child.exitCode === null) await sleep(20)
  assert.equal(child.exitCode, null, `it ended before its terminal was closed: ${shown}`)
  child.stdin.end()
  await ended
  return { end: end.trim(), shown }
}

async function slowUpload(t: TestContext) {
  const emulator = await start(t, { ...unlimited, latencyMs: [100, 100] })
  const cwd = exportsOf(records(2000))
  const words = ['replay', 'exports', '--endpoint', emulator.url, '--batch-size', '10', '--concurrency', '2']
  return { emulator, cwd, words }
}

test('an upload whose terminal is closed stops cleanly, exit 129, and goes on', async (t) => {
  if (!hasPython) return t.skip('a terminal needs python3')
  const { emulator, cwd, words } = await slowUpload(t)
  const summary = join(cwd, 'summary.json')
  const { end } = await closed(cwd, [...words, '--summary', summary], () => emulator.stats().accepted >= 20)
  assert.equal(end, 'exit 129')
  assert.equal(checkpointIn(cwd).clean, true)
  const { stopped, accepted } = summaryIn(readFileSync(summary, 'utf8'))
  assert.deepEqual([stopped, accepted], ['signal', emulator.stats().unique])
  await replayed(0, { cwd, url: emulator.url })
  assert.deepEqual([emulator.stats().unique, emulator.stats().duplicates], [2000, 0])
})

test('a question whose terminal is closed is answered with no, exit 129, and nothing is changed', async (t) => {
  if (!hasPython) return t.skip('a terminal needs python3')
  const emulator = await start(t, unlimited)
  const cwd = exportsOf(['{"id":"broken', ...records(3)])
  await replayed(3, { cwd, url: emulator.url })
  const before = checkpointIn(cwd)
  const { total } = emulator.stats().requests
  const words = ['replay', 'exports', '--endpoint', emulator.url, '--fresh', '--resend']
  const { end } = await closed(cwd, words, (shown) => shown.includes('[y/N]'))
  assert.equal(end, 'exit 129')
  assert.deepEqual([checkpointIn(cwd), emulator.stats().requests.total], [before, total])
})
