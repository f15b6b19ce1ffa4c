import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { braze2amp, temporaryDirectory } from '../harness.ts'

const OPEN = 'users.messages.email.Open'

/** Records in time order, whose users `userOf` names. */
function exportOf(count: number, userOf: (i: number) => string): string {
  const root = temporaryDirectory()
  const random = randomOf(7)
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({ ...recordOf(entryOf(OPEN), random, i), external_user_id: userOf(i) }),
  )
  writeFileSync(join(root, `${OPEN}.ndjson`), `${lines.join('\n')}\n`)
  return root
}

async function upload(root: string, url: string, ...options: readonly string[]) {
  const state = temporaryDirectory()
  const words = ['replay', root, '--endpoint', url, '--state', state, '--json', '--quiet', ...options]
  const { code, stdout, stderr } = await braze2amp(words, { env: { AMPLITUDE_API_KEY: 'test' } })
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

test('30,000 events of 6,000 users go in without one refusal, nothing twice, each user in order', async () => {
  const emulator = await startEmulator({ port: 0 })
  try {
    const root = exportOf(30_000, (i) => `user-${(i * 7919) % 6000}`)
    const summary = await upload(root, emulator.url)
    const stats = emulator.stats()
    assert.deepEqual([summary.accepted, stats.unique, stats.duplicates, stats.out_of_order], [30_000, 30_000, 0, 0])
    assert.deepEqual(stats.refused, {})
  } finally {
    await emulator.close()
  }
})

test('a user with a tenth of all events delays nobody else, and is never refused', async () => {
  const keepEvents = join(temporaryDirectory(), 'arrived.ndjson')
  const emulator = await startEmulator({ port: 0, httpEventsPerSecond: 120, keepEvents })
  try {
    const root = exportOf(12_000, (i) => (i % 10 === 0 ? 'hot' : `user-${i}`))
    const summary = await upload(root, emulator.url, '--device-eps', '120')
    const stats = emulator.stats()
    assert.deepEqual([summary.accepted, stats.unique, stats.duplicates, stats.out_of_order], [12_000, 12_000, 0, 0])
    assert.deepEqual([stats.refused, summary.throttled.identities], [{}, 0])
    const arrived = readFileSync(keepEvents, 'utf8').trim().split('\n')
    const users: string[] = arrived.map((line) => JSON.parse(line).user_id)
    const lastOther = users.findLastIndex((user) => user !== 'hot')
    const hotBefore = users.slice(0, lastOther).filter((user) => user === 'hot').length
    assert.ok(hotBefore < 600, `${hotBefore} of the hot user's 1,200 events came before the last of the others`)
    assert.ok(summary.efficiency === null || summary.efficiency <= 1.25, `efficiency ${summary.efficiency}`)
  } finally {
    await emulator.close()
  }
})
