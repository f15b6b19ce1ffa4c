import assert from 'node:assert/strict'
import { test } from 'node:test'
import { braze2amp } from '../harness.ts'
import { oddLines } from '../scan/odd-lines.ts'

const WORDS = [
  'replay',
  '-',
  '--dry-run',
  '--event-type',
  'users.messages.email.Click',
  '--format',
  'ndjson',
  '--quiet',
]

test('without WebAssembly, by wish or where there is none, the events are the same', async () => {
  const stdin = oddLines(1, 2_000)
  const { code, stdout } = await braze2amp(WORDS, { stdin })
  assert.ok(stdout.split('\n').length > 300)
  for (const env of [{ BRAZE2AMP_SCANNER: 'js' }, { NODE_OPTIONS: '--jitless' }]) {
    const without = await braze2amp(WORDS, { stdin, env: env as Record<string, string> })
    assert.equal(without.stdout, stdout)
    assert.equal(without.code, code)
  }
})
