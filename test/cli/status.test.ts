import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { start } from '../emulator/harness.ts'
import { braze2amp, temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'

/** A directory with the state of an upload that is done. */
async function uploaded(t: TestContext): Promise<string> {
  const emulator = await start(t, { httpEventsPerSecond: 1e6 })
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, 'exports'))
  writeFileSync(join(cwd, 'exports', 'users.messages.email.Open.ndjson'), `${records(20).join('\n')}\n`)
  const words = ['replay', 'exports', '--endpoint', emulator.url]
  const { code, stderr } = await braze2amp(words, { cwd, env: { AMPLITUDE_API_KEY: 'k' } })
  assert.equal(code, 0, stderr)
  return cwd
}

async function stateOf(cwd: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await braze2amp(['status', ...words], { cwd })
  assert.equal(code, 0, stderr)
  return /^ {2}state +(.*), as of /m.exec(stdout)?.[1] ?? stdout
}

function lock(cwd: string, pid: number, host: string): void {
  writeFileSync(join(cwd, '.braze2amp/lock'), JSON.stringify({ pid, host, startedAt: 1_767_225_600_000 }))
}

describe('the state that status shows', () => {
  test('is that of the run, whichever way its directory is named', async (t) => {
    const cwd = await uploaded(t)
    assert.equal(await stateOf(cwd), 'complete')
    assert.equal(await stateOf(cwd, '.braze2amp'), 'complete')
    assert.equal(await stateOf(cwd, '--state', '.braze2amp'), 'complete')
  })

  test('names the process that works on it, but not one that is dead', async (t) => {
    const cwd = await uploaded(t)
    lock(cwd, process.pid, hostname())
    assert.match(await stateOf(cwd), new RegExp(`^in use by process ${process.pid}\\b`))
    lock(cwd, spawnSync('true').pid, hostname())
    assert.equal(await stateOf(cwd), 'complete')
    lock(cwd, 7, 'elsewhere')
    assert.match(await stateOf(cwd), /^in use by process 7 on host elsewhere/)
  })

  test('says how many events wait in lane files', async (t) => {
    const cwd = await uploaded(t)
    const path = join(cwd, '.braze2amp/checkpoint.json')
    const checkpoint = JSON.parse(readFileSync(path, 'utf8'))
    const place = { bytes: 9, settledTo: 3, reservedTo: 9, lines: 3, settledLines: 1, settled: [], readTo: 1 }
    const lane = { identity: { kind: 'device', id: 'd' }, file: '1.ndjson', ...place }
    writeFileSync(path, JSON.stringify({ ...checkpoint, lanes: [lane] }))
    const { stdout } = await braze2amp(['status'], { cwd })
    assert.match(stdout, /^ {2}waiting {3}2 events in 1 lane file, each of a device or user over its limit$/m)
  })

  test('tells a run that was killed from one that was stopped', async (t) => {
    const cwd = await uploaded(t)
    const path = join(cwd, '.braze2amp/checkpoint.json')
    const checkpoint = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...checkpoint, complete: false }))
    assert.equal(await stateOf(cwd), 'stopped, can be resumed')
    writeFileSync(path, JSON.stringify({ ...checkpoint, complete: false, clean: false }))
    assert.equal(await stateOf(cwd), 'ended before all answers came, can be resumed')
  })
})
