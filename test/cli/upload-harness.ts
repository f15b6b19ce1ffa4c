import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Summary } from '../../src/report/summary.ts'
import { BINARY, braze2amp, type Finished, temporaryDirectory } from '../harness.ts'
import { type Letter, lettersIn } from '../upload/harness.ts'
import { ok, type ScriptedAnswer, type ScriptedRequest } from '../upload/scripted-server.ts'

/** What the tests of uploads by the real binary share: a directory with exports in it, and its state. */

export const KEY = { AMPLITUDE_API_KEY: 'secret+key/9' }
export const unlimited = { httpEventsPerSecond: 1e6 }
export const OPENS = 'exports/users.messages.email.Open.ndjson'

/** A directory with these files in it. */
export function directoryOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const cwd = temporaryDirectory()
  for (const [path, content] of Object.entries(files)) write(cwd, path, content)
  return cwd
}

export function write(cwd: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true })
  writeFileSync(join(cwd, path), content)
}

/** A directory with one file of records in it. */
export function exportsOf(lines: readonly string[]): string {
  return directoryOf({ [OPENS]: textOf(lines) })
}

export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

export function summaryIn(stdout: string): Summary {
  const summary: Summary = JSON.parse(stdout)
  const { read, accepted, rejected, skipped, pending } = summary
  assert.equal(read, accepted + rejected.total + skipped.total + pending, 'the books do not balance')
  return summary
}

/** What must be the same however often a run was stopped: not how long it took, nor how often it asked. */
export function figuresOf({ read, accepted, rejected, skipped, pending, warnings, by_event_type }: Summary): object {
  return { read, accepted, rejected, skipped, pending, warnings, by_event_type }
}

export interface Uploaded extends Finished {
  readonly summary: Summary
}

interface Invocation {
  readonly cwd: string
  readonly url: string
  readonly words?: readonly string[]
  readonly paths?: readonly string[]
  readonly env?: Record<string, string>
  readonly stdin?: string | Uint8Array
}

function wordsOf({ url, words = [], paths = ['exports'] }: Invocation): string[] {
  return ['replay', ...paths, '--endpoint', url, '--json', '--no-progress', ...words]
}

/** Runs `replay` to its end. */
export function replay(invocation: Invocation): Promise<Finished> {
  const { cwd, env = {}, stdin = '' } = invocation
  return braze2amp(wordsOf(invocation), { cwd, env: { ...KEY, ...env }, stdin })
}

/** The same, when it must end with this code and a summary. */
export async function replayed(code: number, invocation: Invocation): Promise<Uploaded> {
  const finished = await replay(invocation)
  assert.equal(finished.code, code, finished.stderr)
  return { ...finished, summary: summaryIn(finished.stdout) }
}

interface Stopped extends Finished {
  /** What ended the process; null when it ended by itself. */
  readonly signal: NodeJS.Signals | null
}

/** Starts `replay`, and gives it a signal as soon as `isTime`; resolves when it has ended. */
export function stopped(signal: NodeJS.Signals, isTime: () => boolean, invocation: Invocation): Promise<Stopped> {
  return runUntil(signal, isTime, wordsOf(invocation), invocation)
}

/** The same for any command. */
export async function runUntil(
  signal: NodeJS.Signals,
  isTime: () => boolean,
  words: readonly string[],
  { cwd, env = {}, stdin }: Pick<Invocation, 'cwd' | 'env' | 'stdin'>,
): Promise<Stopped> {
  const child = spawn(process.execPath, [BINARY, ...words], {
    cwd,
    env: { ...process.env, ...KEY, NO_COLOR: '1', ...env },
  })
  // Whoever stops in the middle of a stream does not close it.
  if (stdin !== undefined) child.stdin.write(stdin)
  child.stdin.on('error', () => {})
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (text) => {
      output[name] += text
    })
  }
  const ended = once(child, 'close')
  await until(() => isTime() || child.exitCode !== null)
  assert.equal(child.exitCode, null, `it ended before it was stopped: ${output.stderr}`)
  child.kill(signal)
  const [code, by] = await ended
  return { ...output, code, signal: by }
}

/** The same with kill -9, once the state's checkpoint says what `isTime` asks for. */
export async function killed(isTime: (checkpoint: SavedState) => boolean, invocation: Invocation): Promise<void> {
  const state = stateOf(invocation)
  await stopped(
    'SIGKILL',
    () => hasCheckpoint(invocation.cwd, state) && isTime(checkpointIn(invocation.cwd, state)),
    invocation,
  )
}

function stateOf({ words = [] }: Invocation): string | undefined {
  const at = words.indexOf('--state')
  return at < 0 ? undefined : words[at + 1]
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5)
}

export interface SavedState {
  savedAt: number | string
  unknownSince: number | null
  clean: boolean
  complete: boolean
  reservedTo: { path: string; byte: number } | null
  open: { path: string; readTo: number }[]
  lanes: object[]
  counts: { read: number; accepted: number; pending: number }
}

const STATE = '.braze2amp'

function hasCheckpoint(cwd: string, state = STATE): boolean {
  return existsSync(join(cwd, state, 'checkpoint.json'))
}

export function checkpointIn(cwd: string, state = STATE): SavedState {
  return JSON.parse(readFileSync(join(cwd, state, 'checkpoint.json'), 'utf8'))
}

/** Changes the checkpoint as a person with an editor would. */
export function editCheckpoint(cwd: string, change: (checkpoint: SavedState) => void, state = STATE): void {
  const checkpoint = checkpointIn(cwd, state)
  change(checkpoint)
  writeFileSync(join(cwd, state, 'checkpoint.json'), JSON.stringify(checkpoint))
}

/** The dead letters of a state; none when there is no file. */
export function deadLettersIn(cwd: string, state = STATE): readonly Letter[] {
  const path = join(cwd, state, 'dead-letters.ndjson')
  return existsSync(path) && readFileSync(path).length > 0 ? lettersIn(path) : []
}

/** Answers so many requests, and leaves the others without an answer. */
export function silentAfter(requests: number): (request: ScriptedRequest) => ScriptedAnswer {
  return ({ number, events }) => (number < requests ? ok(events) : 'silent')
}

/** One request at a time, of so many events: so a test knows what is where. */
export function slowly(events: number): readonly string[] {
  return ['--batch-size', String(events), '--concurrency', '1']
}
