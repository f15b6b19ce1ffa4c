import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { startEmulator } from '../../src/emulator/server.ts'
import type { Summary } from '../../src/report/summary.ts'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { BINARY, braze2amp } from '../harness.ts'
import { avro } from '../shapes/avro.ts'
import { csv } from '../shapes/csv.ts'
import type { StoredRecord } from '../shapes/records.ts'

/**
 * The real binary is killed again and again in the middle of an upload, and run once more to its end. What it says and leaves then must
 * be what a run without kills says and leaves.
 */

export const KILL_FORMATS = ['ndjson', 'gzip', 'csv', 'avro'] as const
export type KillFormat = (typeof KILL_FORMATS)[number]

export interface KillOptions {
  readonly format: KillFormat
  readonly kills: number
  readonly seed: number
  /** One user has half of the events, so that they go through a lane file. */
  readonly hot?: boolean
}

export interface Killed {
  /** Kills that met the run before its end. */
  readonly kills: number
  /** Events that reached the emulator more than once. */
  readonly resent: number
  /** Events that it had taken, at all kills, and no checkpoint knew of. */
  readonly unknown: number
}

const OPEN = 'users.messages.email.Open'
const FILES = 4
/** Of each life from its first checkpoint on, in ms: further ones come every 2 s, and some lives must see none. */
const LONGEST_LIFE_MS = 3000
/** Share of lives that end before that, in ms from their start. */
const EARLY_SHARE = 0.15
const EARLY_MS = 600
/** What one life gets done at most is a small part of the whole. */
const EVENTS_PER_KILL = 1500

/** @throws AssertionError when something was lost, doubled or counted wrongly */
export async function killAgainAndAgain(options: KillOptions): Promise<Killed> {
  const root = mkdtempSync(join(tmpdir(), 'braze2amp-kill-'))
  const limit = options.hot ? 300 : 100_000
  const emulator = await startEmulator({ port: 0, httpEventsPerSecond: limit, latencyMs: [5, 60], seed: options.seed })
  try {
    const expected = writeExports(root, options)
    const words = ['replay', 'exports', '--endpoint', emulator.url, '--no-progress', '--quiet']
    const limits = ['--device-eps', String(limit), '--batch-size', '25', '--concurrency', '2']
    const env = { ...process.env, AMPLITUDE_API_KEY: 'test', NO_COLOR: '1' }
    const random = randomOf(options.seed)
    let kills = 0
    let unknown = 0
    while (kills < options.kills) {
      const child = spawn(process.execPath, [BINARY, ...words, ...limits], { cwd: root, env, stdio: 'ignore' })
      const isEarly = random() < EARLY_SHARE
      if (!isEarly) await firstCheckpoint(root, child)
      if (await endsWithin(child, random() * (isEarly ? EARLY_MS : LONGEST_LIFE_MS))) break
      child.kill('SIGKILL')
      await once(child, 'exit')
      kills += 1
      unknown += emulator.stats().unique - acceptedIn(root)
    }
    const last = await braze2amp([...words, ...limits, '--json'], { cwd: root, env: { AMPLITUDE_API_KEY: 'test' } })
    assert.equal(last.code, expected.malformed > 0 ? 3 : 0, last.stderr)
    const summary: Summary = JSON.parse(last.stdout)
    assert.deepEqual(
      {
        read: summary.read,
        accepted: summary.accepted,
        rejected: summary.rejected.by_reason,
        skipped: summary.skipped.by_reason,
        pending: summary.pending,
        resumed: summary.resumed,
      },
      {
        read: expected.read,
        accepted: expected.unique,
        rejected: expected.malformed === 0 ? {} : { malformed: expected.malformed },
        skipped: { duplicate: expected.duplicates, no_identity: expected.anonymous },
        pending: 0,
        resumed: kills > 0,
      },
    )
    const { unique, duplicates, refused } = emulator.stats()
    assert.deepEqual([unique, refused], [expected.unique, {}])
    assert.ok(duplicates <= unknown, `${duplicates} events were sent again, but only ${unknown} were unknown`)
    assertLetters(root, expected.malformed)
    return { kills, resent: duplicates, unknown }
  } finally {
    await emulator.close()
    rmSync(root, { recursive: true, force: true })
  }
}

/** Resolves when the process has written a checkpoint, or has ended. */
async function firstCheckpoint(root: string, child: ChildProcess): Promise<void> {
  const path = join(root, '.braze2amp', 'checkpoint.json')
  const changedAt = () => statSync(path, { throwIfNoEntry: false })?.mtimeMs
  const before = changedAt()
  while (changedAt() === before && child.exitCode === null) await sleep(10)
}

async function endsWithin(child: ChildProcess, ms: number): Promise<boolean> {
  if (child.exitCode !== null) return true
  const timer = new AbortController()
  const ended = once(child, 'exit').then(() => true)
  const late = sleep(ms, false, { signal: timer.signal }).catch(() => false)
  const isOver = await Promise.race([ended, late])
  timer.abort()
  return isOver
}

/** What the last durable checkpoint knows of. */
function acceptedIn(root: string): number {
  const path = join(root, '.braze2amp', 'checkpoint.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).counts.accepted : 0
}

function assertLetters(root: string, malformed: number): void {
  const path = join(root, '.braze2amp', 'dead-letters.ndjson')
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  const places = lines.map((line) => {
    const { source } = JSON.parse(line)
    return `${source.file}:${source.position}`
  })
  assert.deepEqual([places.length, new Set(places).size], [malformed, malformed], 'dead letters, each once')
}

interface Expected {
  readonly read: number
  readonly unique: number
  readonly malformed: number
  readonly duplicates: number
  readonly anonymous: number
}

/** Every 10th record is malformed (where the format can hold one), anonymous, or the one before once more. */
function writeExports(root: string, { format, kills, seed, hot = false }: KillOptions): Expected {
  const count = Math.ceil(((kills + 4) * EVENTS_PER_KILL) / FILES)
  const random = randomOf(seed)
  const entry = entryOf(OPEN)
  const expected = { read: 0, unique: 0, malformed: 0, duplicates: 0, anonymous: 0 }
  for (let number = 0; number < FILES; number++) {
    const directory = join(root, 'exports', `date=2026-01-0${number + 1}`)
    mkdirSync(directory, { recursive: true })
    const records: StoredRecord[] = []
    const broken = new Set<number>()
    for (let i = 0; i < count; i++) {
      const user = hot && i % 2 === 0 ? 'hot' : `user-${Math.floor(random() * 500)}`
      const record = { ...recordOf(entry, random, i, 0), external_user_id: user } as StoredRecord
      const before = records.at(-1)
      expected.read += 1
      if (i % 30 === 10 && format !== 'avro') {
        broken.add(records.length)
        expected.malformed += 1
        records.push(record)
      } else if (i % 30 === 20) {
        expected.anonymous += 1
        records.push({ ...record, external_user_id: null, device_id: null })
      } else if (i % 30 === 29 && before !== undefined) {
        expected.duplicates += 1
        records.push(before)
      } else {
        expected.unique += 1
        records.push(record)
      }
    }
    writeFileSync(...fileOf(directory, format, records, broken))
  }
  return expected
}

function fileOf(
  directory: string,
  format: KillFormat,
  records: readonly StoredRecord[],
  broken: ReadonlySet<number>,
): [path: string, content: string | Buffer] {
  const entry = entryOf(OPEN)
  const path = join(directory, OPEN)
  const lines = () => records.map((record, i) => (broken.has(i) ? '{"id":"broken' : JSON.stringify(record)))
  switch (format) {
    case 'ndjson':
      return [`${path}.ndjson`, `${lines().join('\n')}\n`]
    case 'gzip':
      return [`${path}.ndjson.gz`, gzipSync(`${lines().join('\n')}\n`)]
    case 'csv': {
      const [header, ...rows] = csv({ entry, records }).trimEnd().split('\n')
      return [`${path}.csv`, `${[header, ...rows.map((row, i) => (broken.has(i) ? 'a,b' : row))].join('\n')}\n`]
    }
    case 'avro':
      return [`${path}.avro`, avro({ entry, records }, 'deflate', 100)]
  }
}
