import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { type CurrentsRecord, entryOf, randomOf, recordOf } from '../bench/generate.ts'
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
  const summary = JSON.parse(stdout)
  assert.equal(code, summary.rejected.total > 0 ? 3 : 0, stderr)
  return summary
}

interface Dirt {
  readonly root: string
  /** The `insert_id`s of each user, in input order. */
  readonly sent: ReadonlyMap<string, readonly string[]>
  readonly malformed: number
  readonly skipped: { readonly duplicate: number; readonly no_identity: number; readonly unknown_event_type: number }
}

/** `count` records of `users` users; among them broken lines, repeats of the record before last, records without identity, unknown types. */
function dirtyExport(count: number, users: number): Dirt {
  const root = temporaryDirectory()
  const random = randomOf(11)
  const lines: string[] = []
  const sent = new Map<string, string[]>()
  let malformed = 0
  const skipped = { duplicate: 0, no_identity: 0, unknown_event_type: 0 }
  for (let i = 0; i < count; i++) {
    const user = `user-${(i * 7919) % users}`
    const record: CurrentsRecord = { ...recordOf(entryOf(OPEN), random, i), external_user_id: user }
    lines.push(JSON.stringify(record))
    sent.set(user, [...(sent.get(user) ?? []), String(record['id'])])
    if (i % 17 === 0) {
      lines.push(`${JSON.stringify(record).slice(0, 80)}`)
      malformed += 1
    }
    if (i % 13 === 0) {
      lines.push(JSON.stringify(record))
      skipped.duplicate += 1
    }
    if (i % 19 === 0) {
      lines.push(
        JSON.stringify({ ...record, id: `nobody-${i}`, external_user_id: null, device_id: null, user_id: null }),
      )
      skipped.no_identity += 1
    }
    if (i % 23 === 0) {
      lines.push(JSON.stringify({ ...record, id: `unknown-${i}`, event_type: 'users.messages.email.Invented' }))
      skipped.unknown_event_type += 1
    }
  }
  writeFileSync(join(root, `${OPEN}.ndjson`), `${lines.join('\n')}\n`)
  return { root, sent, malformed, skipped }
}

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
    // How many depends on the machine; were the others to wait for the hot user, all would have come.
    assert.ok(users.lastIndexOf('hot') > lastOther, "all of the hot user's events came before the last of the others")
  } finally {
    await emulator.close()
  }
})

for (const cap of [
  ['--max-eps', '1000'],
  ['--max-rps', '10', '--batch-size', '100'],
] as const) {
  test(`where ${cap.join(' ')} is as short as the limit of a user with a tenth of all events, the user does not go last`, async () => {
    const keepEvents = join(temporaryDirectory(), 'arrived.ndjson')
    const emulator = await startEmulator({ port: 0, httpEventsPerSecond: 100, keepEvents })
    try {
      const root = exportOf(4000, (i) => (i % 10 === 0 ? 'hot' : `user-${i}`))
      const summary = await upload(root, emulator.url, '--device-eps', '100', ...cap)
      const { unique, duplicates, out_of_order, refused } = emulator.stats()
      assert.deepEqual([summary.accepted, unique, duplicates, out_of_order, refused], [4000, 4000, 0, 0, {}])
      const arrived = readFileSync(keepEvents, 'utf8').trim().split('\n')
      const isHot = arrived.map((line) => JSON.parse(line).user_id === 'hot')
      // Its own limit lets it have so many in time however slow the machine is; it had 13 when it waited with all the others.
      const early = isHot.slice(0, 3000).filter(Boolean).length
      assert.ok(early >= 100, `${early} of its 400 events came among the first 3,000`)
      const alone = isHot.length - 1 - isHot.lastIndexOf(false)
      assert.ok(alone <= 200, `${alone} of its 400 events came behind all others`)
    } finally {
      await emulator.close()
    }
  })
}

test('30,000 events among broken lines, repeats, unknown types and records of nobody: no refusal, nothing twice, each user in order', async () => {
  const keepEvents = join(temporaryDirectory(), 'arrived.ndjson')
  const emulator = await startEmulator({ port: 0, keepEvents })
  try {
    const { root, sent, malformed, skipped } = dirtyExport(30_000, 6000)
    const summary = await upload(root, emulator.url)
    const stats = emulator.stats()
    assert.deepEqual([summary.accepted, stats.unique, stats.duplicates, stats.out_of_order], [30_000, 30_000, 0, 0])
    assert.deepEqual([stats.refused, summary.rejected.by_reason], [{}, { malformed }])
    assert.deepEqual(summary.skipped.by_reason, skipped)
    const arrived = new Map<string, string[]>()
    for (const line of readFileSync(keepEvents, 'utf8').trim().split('\n')) {
      const { user_id: user, insert_id: id } = JSON.parse(line)
      const ids = arrived.get(user)
      if (ids === undefined) arrived.set(user, [id])
      else ids.push(id)
    }
    assert.deepEqual(arrived.size, sent.size)
    for (const [user, ids] of sent) assert.deepEqual(arrived.get(user), ids)
  } finally {
    await emulator.close()
  }
})
