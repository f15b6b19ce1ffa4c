import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { start } from '../emulator/harness.ts'
import { braze2amp } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { exportsOf, KEY, replay, replayed, summaryIn, unlimited } from './upload-harness.ts'

/** Dead letters that a person has changed in place. */

const LETTERS = '.braze2amp/dead-letters.ndjson'

async function runWithLetters(t: Parameters<typeof start>[0]) {
  const emulator = await start(t, unlimited)
  const cwd = exportsOf([...records(5), '{"id":"broken","external_user_id":"u","time":"soon"}', '{"id":"hopeless'])
  await replayed(3, { cwd, url: emulator.url })
  const edit = (change: (text: string) => string) => {
    const path = join(cwd, LETTERS)
    writeFileSync(path, change(readFileSync(path, 'utf8')))
  }
  const retry = (...words: string[]) => braze2amp(['retry', '--json', '--no-progress', ...words], { cwd, env: KEY })
  return { emulator, cwd, edit, retry }
}

test('a mended record is sent by retry, also when its letter is longer than it was', async (t) => {
  const { emulator, cwd, edit, retry } = await runWithLetters(t)
  edit((text) => text.replace('\\"time\\":\\"soon\\"', '\\"time\\":   1767225600   '))
  const { code, stdout, stderr } = await retry()
  assert.equal(code, 3, stderr)
  const summary = summaryIn(stdout)
  assert.deepEqual(
    [summary.read, summary.accepted, summary.rejected.by_reason, summary.pending],
    [7, 6, { malformed: 1 }, 0],
  )
  assert.equal(emulator.stats().unique, 6)
  const left = readFileSync(join(cwd, LETTERS), 'utf8').trim().split('\n')
  assert.deepEqual(left.length, 1)
})

test('replay does not cut a mended letter: it says what takes it', async (t) => {
  const { emulator, cwd, edit } = await runWithLetters(t)
  edit((text) => text.replace('\\"time\\":\\"soon\\"', '\\"time\\":   1767225600   '))
  const before = readFileSync(join(cwd, LETTERS), 'utf8')
  const { code, stderr } = await replay({ cwd, url: emulator.url })
  assert.equal(code, 2)
  assert.match(stderr, /dead-letters\.ndjson was changed since the run was stopped.*\n.*braze2amp retry/)
  assert.equal(readFileSync(join(cwd, LETTERS), 'utf8'), before)
})

test('letters that a person took out stay rejected, and the run goes on without them', async (t) => {
  const { emulator, cwd, edit, retry } = await runWithLetters(t)
  edit(() => '')
  const { code, stdout, stderr } = await retry()
  assert.equal(code, 3, stderr)
  assert.deepEqual(summaryIn(stdout).rejected.by_reason, { malformed: 2 })
  const again = await replay({ cwd, url: emulator.url })
  assert.equal(again.code, 3, again.stderr)
  assert.match(again.stderr, /nothing new/)
})

test('the last letter counts also when an editor left it without its newline', async (t) => {
  const { cwd, edit, retry } = await runWithLetters(t)
  edit((text) => text.trimEnd())
  const { code, stderr } = await retry('--reason', 'forbidden')
  assert.equal(code, 3, stderr)
  edit((text) => text.replace('"malformed"', '"forbidden"').trimEnd())
  const uncounted = await retry('--reason', 'forbidden')
  assert.equal(uncounted.code, 2, uncounted.stderr)
  edit((text) =>
    text.replace('"forbidden"', '"malformed"').replace('\\"time\\":\\"soon\\"', '\\"time\\":1767225600').trimEnd(),
  )
  const last = await retry('--reason', 'malformed')
  assert.equal(last.code, 3, last.stderr)
  assert.deepEqual(summaryIn(last.stdout).rejected.by_reason, { malformed: 1 })
  assert.equal(readFileSync(join(cwd, LETTERS), 'utf8').trim().split('\n').length, 1)
})

test('letters of a run that was killed are not cut before they are looked at', async (t) => {
  const { cwd, edit, retry } = await runWithLetters(t)
  const path = join(cwd, '.braze2amp', 'checkpoint.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), clean: false }))
  edit((text) => text.replace('"soon"', '"soon, or so"').replace('soon\\"', 'soon, or so\\"'))
  const before = readFileSync(join(cwd, LETTERS), 'utf8')
  const { code, stderr } = await retry()
  assert.equal(code, 2, stderr)
  assert.equal(readFileSync(join(cwd, LETTERS), 'utf8'), before)
})

test('letters that were never counted are refused, and nothing is changed', async (t) => {
  const { emulator, cwd, edit, retry } = await runWithLetters(t)
  edit((text) => `${text}${text.split('\n')[0]}\n`)
  const before = readFileSync(join(cwd, '.braze2amp', 'checkpoint.json'), 'utf8')
  const { code, stderr } = await retry()
  assert.equal(code, 2)
  assert.match(stderr, /holds more letters of malformed .* than were rejected/)
  assert.equal(readFileSync(join(cwd, '.braze2amp', 'checkpoint.json'), 'utf8'), before)
  assert.equal(emulator.stats().unique, 5)
})
