import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * The whole main job with no account: starts the local Amplitude, replays the example exports into it, and shows what arrived.
 */
const root = fileURLToPath(new URL('../../', import.meta.url))
const state = mkdtempSync(join(tmpdir(), 'braze2amp-demo-'))

function run(words: readonly string[], stderr: 'inherit' | 'pipe'): ChildProcess {
  process.stderr.write(`\n$ braze2amp ${words.join(' ')}\n`)
  return spawn(process.execPath, ['bin/braze2amp.js', ...words], {
    cwd: root,
    stdio: ['ignore', 'inherit', stderr],
    env: { ...process.env, AMPLITUDE_API_KEY: 'demo' },
  })
}

const emulator = run(['emulator', '--port', '0'], 'pipe')
try {
  if (emulator.stderr === null) throw new Error('the emulator has no standard error')
  const lines = createInterface({ input: emulator.stderr })
  const [greeting] = await once(lines, 'line')
  lines.on('line', (line) => process.stderr.write(`${line}\n`))
  process.stderr.write(`${greeting}\n`)
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(greeting)?.[0] ?? ''

  const replay = run(['replay', 'fixtures/exports', '--endpoint', url, '--state', state], 'inherit')
  const [code] = await once(replay, 'close')
  process.stderr.write(
    `(exit code ${code}: 3 means done, with the broken records of the fixtures in the dead-letter file, which this demo deletes)\n`,
  )
  process.stderr.write(`\n$ curl ${url}/stats\n`)
  const stats = await fetch(`${url}/stats`)
  const { requests, accepted, unique, duplicates, refused } = (await stats.json()) as Record<string, unknown>
  process.stderr.write(`${JSON.stringify({ requests, accepted, unique, duplicates, refused })}\n`)
  process.exitCode = code === 3 && unique === accepted ? 0 : 1
} finally {
  emulator.kill('SIGINT')
  await once(emulator, 'close')
  rmSync(state, { recursive: true, force: true })
}
