import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startEmulator } from '../../src/emulator/server.ts'
import { temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { replay, replayed, slowly, stopped, summaryIn, textOf, unlimited } from './upload-harness.ts'

/** Standard input that is given again (state/README.md §4). */

const emulator = await startEmulator({ ...unlimited, latencyMs: [20, 20] })
after(() => emulator.close())
const { url } = emulator

const TYPE = ['--event-type', 'users.messages.email.Open']

/** A stream of its own for each test, of so many records, longer than what identifies its beginning, gzipped too. */
function streamOf(name: string, count: number, from = 0): string {
  const wide = (i: number) => createHash('shake256', { outputLength: 300 }).update(`${name}${i}`).digest('base64')
  return textOf(records(from + count, (i) => ({ id: `${name}${i}`, subject: wide(i) })).slice(from))
}

const paths = ['-']

/** A run that was stopped in the middle of its stream. */
async function stoppedIn(stdin: string | Uint8Array): Promise<string> {
  const cwd = temporaryDirectory()
  const { accepted } = emulator.stats()
  const isTime = () => emulator.stats().accepted >= accepted + 50
  const run = await stopped('SIGINT', isTime, { cwd, url, paths, stdin, words: [...TYPE, ...slowly(10)] })
  assert.equal(run.code, 130, run.stderr)
  const { read, pending } = summaryIn(run.stdout)
  assert.ok(pending > 0 && read > 50)
  return cwd
}

for (const [name, encode] of [
  ['', (text: string) => text],
  [', gzipped', gzipSync],
] as const) {
  test(`the same stream goes on after Ctrl-C${name}`, async () => {
    const stdin = encode(streamOf(`same${name}`, 400))
    const cwd = await stoppedIn(stdin)
    const { unique, duplicates } = emulator.stats()
    const before = unique
    const { summary } = await replayed(0, { cwd, url, paths, stdin, words: TYPE })
    assert.deepEqual([summary.read, summary.accepted, summary.resumed, summary.skipped.total], [400, 400, true, 0])
    assert.ok(emulator.stats().unique > before)
    assert.equal(emulator.stats().duplicates, duplicates)
  })
}

test('another stream is refused, nothing of it is sent, the summary is written, and the right one goes on', async () => {
  const stdin = streamOf('right', 400)
  const cwd = await stoppedIn(stdin)
  const { total } = emulator.stats().requests
  for (const other of [streamOf('wrong', 400), streamOf('wrong', 2), '']) {
    const run = await replay({ cwd, url, paths, stdin: other, words: [...TYPE, '--summary', 'summary.json'] })
    assert.equal(run.code, 2, run.stderr)
    assert.match(
      run.stderr,
      /standard input (is not|ends earlier than) the stream that was read before\n.*--fresh.*--state/,
    )
    const { exit_code, stopped: why, resumed } = summaryIn(readFileSync(join(cwd, 'summary.json'), 'utf8'))
    assert.deepEqual([exit_code, why, resumed], [2, 'error', true])
  }
  assert.equal(emulator.stats().requests.total, total)
  const { summary } = await replayed(0, { cwd, url, paths, stdin, words: TYPE })
  assert.equal(summary.accepted, 400)
})

test('a stream that was delivered is nothing new, goes on where it grew, and another one is sent', async () => {
  const cwd = temporaryDirectory()
  const stdin = streamOf('whole', 200)
  await replayed(0, { cwd, url, paths, stdin, words: TYPE })
  const { accepted } = emulator.stats()
  assert.match((await replayed(0, { cwd, url, paths, stdin, words: TYPE })).stderr, /nothing new/)
  assert.equal(emulator.stats().accepted, accepted)

  const grown = stdin + streamOf('whole', 20, 200)
  const second = await replayed(0, { cwd, url, paths, stdin: grown, words: TYPE })
  assert.deepEqual([second.summary.read, emulator.stats().accepted], [220, accepted + 20])

  const third = await replayed(0, { cwd, url, paths, stdin: streamOf('another', 30), words: TYPE })
  assert.deepEqual([third.summary.read, third.summary.accepted], [250, 250])

  const fresh = await replay({ cwd, url, paths, stdin, words: [...TYPE, '--fresh'] })
  assert.equal(fresh.code, 2, fresh.stderr)
  assert.match(fresh.stderr, /standard input was delivered into this project by another run: 220 events.*\n.*--resend/)
  const resent = await replayed(0, { cwd, url, paths, stdin, words: [...TYPE, '--fresh', '--resend'] })
  assert.equal(resent.summary.accepted, 200)
})
