import assert from 'node:assert/strict'
import { chmodSync, cpSync, existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { start } from '../emulator/harness.ts'
import { temporaryDirectory } from '../harness.ts'
import { replayed, unlimited } from './upload-harness.ts'

/** Runs that version 0.1.0 began, as it left them: its exports, and a state for each way to leave one. */
const STATES = fileURLToPath(new URL('../../../fixtures/states-0.1.0/', import.meta.url))
const AGES_MS = 3_600_000

/** A working directory in which version 0.1.0 began a run into `url`. */
function begunBefore(state: string, url: string): string {
  const cwd = temporaryDirectory()
  cpSync(join(STATES, 'exports'), join(cwd, 'exports'), { recursive: true })
  cpSync(join(STATES, state), join(cwd, '.braze2amp'), { recursive: true })
  chmodSync(join(cwd, '.braze2amp'), 0o700)
  const checkpoint = join(cwd, '.braze2amp', 'checkpoint.json')
  writeFileSync(checkpoint, readFileSync(checkpoint, 'utf8').replaceAll('http://127.0.0.1:8799', url))
  const lock = join(cwd, '.braze2amp', 'lock')
  const longAgo = (Date.now() - AGES_MS) / 1000
  if (existsSync(lock)) utimesSync(lock, longAgo, longAgo)
  return cwd
}

describe('a run that version 0.1.0 began goes on', () => {
  // `accepted`: what the state says that Amplitude has; of what it had not heard, `killed` may have sent one more.
  for (const { state, accepted } of [
    { state: 'limit', accepted: 43 },
    { state: 'interrupted', accepted: 32 },
    { state: 'killed', accepted: 31 },
  ]) {
    test(`after ${state}`, async (t) => {
      const emulator = await start(t, unlimited)
      const cwd = begunBefore(state, emulator.url)
      const invocation = {
        cwd,
        url: emulator.url,
        words: ['--unknown', 'resend', '--device-eps', '1000'],
        env: { AMPLITUDE_API_KEY: 'any' },
      }
      const first = await replayed(3, invocation)
      const { summary } = first
      assert.deepEqual(
        [summary.read, summary.accepted, summary.rejected.by_reason, summary.skipped.total, summary.pending],
        [90, 88, { malformed: 2 }, 0, 0],
      )
      assert.ok(summary.resumed)
      assert.match(first.stderr, /the catalogue of event types has changed/)
      assert.equal(emulator.stats().unique, 88 - accepted)
      assert.equal(emulator.stats().duplicates, 0)
      const again = await replayed(3, invocation)
      assert.match(again.stderr, /nothing new/)
      assert.equal(emulator.stats().unique, 88 - accepted)
    })
  }
})
