import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Summary } from '../../src/report/summary.ts'
import type { Checkpoint } from '../../src/state/checkpoint.ts'
import { randomOf } from '../bench/generate.ts'
import { BINARY, braze2amp } from '../harness.ts'
import { lettersIn, records } from '../upload/harness.ts'
import { ok, type ScriptedAnswer, type ScriptedRequest, startScripted } from '../upload/scripted-server.ts'

/**
 * `retry --reason` of the real binary is killed again and again while letters of other reasons lie between those that it sends. The
 * same command must go on each time, and leave what a retry without kills leaves.
 */

export interface KilledRetries {
  /** Kills that met a retry before its end. */
  readonly kills: number
  /** States that were retried to their end. */
  readonly states: number
  /** Kills that left a checkpoint of a retry of which no letter was known to be read. */
  readonly early: number
  /** Events that reached the server more than once. */
  readonly resent: number
}

const REASON = 'invalid_event'
const EVENTS = 60
const BATCH = 5
/** So many kills in a row meet one state at most. */
const MOST_IN_A_ROW = 3
/** A life that is killed at a random moment ends after so many ms at most. */
const LONGEST_LIFE_MS = 1500
/** From a named moment on. */
const LONGEST_DELAY_MS = 100

/** What the server thinks of an event, by its place among the records. */
const MEANT = ['accepted', 'invalid', 'silenced', 'invalid', 'accepted'] as const
/** Behind every so many records comes one that is no JSON. */
const BROKEN_EVERY = 6

const PLACES = new Map(records(EVENTS).map((line, place) => [JSON.parse(line).id as string, place]))
const count = (meaning: (typeof MEANT)[number]) =>
  [...PLACES.values()].filter((place) => meant(place) === meaning).length
const FIRST = { accepted: count('accepted'), invalid: count('invalid'), silenced: count('silenced') }
const BROKEN = EVENTS / BROKEN_EVERY

function meant(place: number): (typeof MEANT)[number] {
  return MEANT[place % MEANT.length] as (typeof MEANT)[number]
}

/** The server: as long as it is strict it refuses what it is meant to; then it takes all, slowly. */
function answerOf({ events }: ScriptedRequest, isStrict: boolean): ScriptedAnswer {
  if (!isStrict) return ok(events)
  const at = (meaning: string) =>
    events.flatMap(({ insert_id: id }, i) => (meant(PLACES.get(id) ?? 0) === meaning ? [i] : []))
  const [invalid, silenced] = [at('invalid'), at('silenced')]
  const refusal = (body: object) => ({ status: 400, body: { code: 400, error: 'refused', ...body } })
  if (invalid.length > 0) return refusal({ events_with_invalid_fields: { time: invalid } })
  return silenced.length > 0 ? refusal({ silenced_events: silenced }) : ok(events)
}

/** @throws AssertionError when a state does not go on, or something was lost, doubled or counted wrongly */
export async function killRetries(options: { readonly kills: number; readonly seed: number }): Promise<KilledRetries> {
  const root = mkdtempSync(join(tmpdir(), 'braze2amp-kill-'))
  const endings: (() => void)[] = []
  let isStrict = true
  const server = await startScripted({ after: (end) => endings.push(end) }, (request) => answerOf(request, isStrict))
  const env = { AMPLITUDE_API_KEY: 'test' }
  const random = randomOf(options.seed)
  let [kills, states, early, resent] = [0, 0, 0, 0]
  try {
    const original = join(root, 'original')
    mkdirSync(join(original, 'exports'), { recursive: true })
    const lines = records(EVENTS).flatMap((line, i) => (i % BROKEN_EVERY === 0 ? [line, '{"id":"broken'] : [line]))
    writeFileSync(join(original, 'exports', 'users.messages.email.Open.ndjson'), `${lines.join('\n')}\n`)
    const words = ['--quiet', '--no-progress', '--batch-size', String(BATCH), '--concurrency', '1', '--max-rps', '15']
    const first = await braze2amp(['replay', 'exports', '--endpoint', server.url, ...words], { cwd: original, env })
    assert.equal(first.code, 3, first.stderr)
    isStrict = false

    while (kills < options.kills) {
      const cwd = join(root, String(states))
      cpSync(original, cwd, { recursive: true })
      const before = server.accepted.length
      const inARow = Math.min(options.kills - kills, 1 + Math.floor(random() * MOST_IN_A_ROW))
      let unknown = 0
      for (let kill = 0; kill < inARow; kill++) {
        const child = spawn(process.execPath, [BINARY, 'retry', '--reason', REASON, ...words], {
          cwd,
          env: { ...process.env, ...env },
          stdio: 'ignore',
        })
        const accepted = server.accepted.length
        const isOver = await momentIn(child, { cwd, hasSent: () => server.accepted.length > accepted, random })
        if (isOver) break
        child.kill('SIGKILL')
        await once(child, 'exit')
        kills += 1
        const { counts, open } = checkpointIn(cwd)
        unknown += server.accepted.length - before - (counts.accepted - FIRST.accepted) + BATCH
        if (open.some(({ kind, readTo, settled }) => kind === 'retry' && readTo < (settled.at(-1)?.[1] ?? 0)))
          early += 1
      }
      const last = await braze2amp(['retry', '--reason', REASON, '--json', ...words], { cwd, env })
      assert.equal(last.code, 3, last.stderr)
      // Of a retry that was over before it could be killed nothing is left to be said.
      if (last.stdout !== '') assertBooks(JSON.parse(last.stdout))
      assertLetters(cwd)
      const sent = server.accepted.slice(before)
      const unique = new Set(sent)
      assert.deepEqual(
        [...unique].map((id) => meant(PLACES.get(id) ?? 0)),
        Array(FIRST.invalid).fill('invalid'),
      )
      assert.ok(sent.length - unique.size <= unknown, `${sent.length - unique.size} sent again, ${unknown} unknown`)
      resent += sent.length - unique.size
      states += 1
    }
    return { kills, states, early, resent }
  } finally {
    for (const end of endings) end()
    rmSync(root, { recursive: true, force: true })
  }
}

/** Waits for a moment to kill at; true when the process has ended before. */
async function momentIn(
  child: ChildProcess,
  { cwd, hasSent, random }: { readonly cwd: string; readonly hasSent: () => boolean; readonly random: () => number },
): Promise<boolean> {
  const state = join(cwd, '.braze2amp')
  const changedAt = () => statSync(join(state, 'checkpoint.json')).mtimeMs
  const before = changedAt()
  const moments = [() => true, () => existsSync(join(state, 'retrying.ndjson')), () => changedAt() !== before, hasSent]
  const which = Math.floor(random() * moments.length)
  const delayMs = random() * (which === 0 ? LONGEST_LIFE_MS : LONGEST_DELAY_MS)
  const hasCome = moments[which] ?? (() => true)
  while (!hasCome() && child.exitCode === null) await sleep(1)
  await sleep(delayMs)
  return child.exitCode !== null
}

function checkpointIn(cwd: string): Checkpoint {
  return JSON.parse(readFileSync(join(cwd, '.braze2amp', 'checkpoint.json'), 'utf8'))
}

function assertBooks({ read, accepted, rejected, pending }: Summary): void {
  assert.deepEqual(
    { read, accepted, rejected: rejected.by_reason, pending },
    {
      read: EVENTS + BROKEN,
      accepted: FIRST.accepted + FIRST.invalid,
      rejected: { malformed: BROKEN, silenced_device: FIRST.silenced },
      pending: 0,
    },
  )
}

function assertLetters(cwd: string): void {
  const letters = lettersIn(join(cwd, '.braze2amp', 'dead-letters.ndjson'))
  const places = new Set(letters.map(({ source }) => source.position))
  const reasons = letters.map(({ reason }) => reason).sort()
  const expected = [...Array(BROKEN).fill('malformed'), ...Array(FIRST.silenced).fill('silenced_device')]
  assert.deepEqual(
    [reasons, places.size],
    [expected, BROKEN + FIRST.silenced],
    'the letters of other reasons, each once',
  )
}
