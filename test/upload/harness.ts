import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { API_LIMITS, DAILY_QUOTA, GIVE_UP_AFTER_MS } from '../../src/amplitude/limits.ts'
import type { Clock } from '../../src/clock.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import { unexplained } from '../../src/report/summary.ts'
import { createDailyQuota } from '../../src/schedule/quota.ts'
import type { Counts } from '../../src/state/books.ts'
import { createDeadLetters } from '../../src/state/dead-letters.ts'
import { diskFileSystem } from '../../src/state/file-system.ts'
import { createLaneFiles, type LaneFiles } from '../../src/state/lane-file.ts'
import { createLedger } from '../../src/state/ledger.ts'
import { createSeen } from '../../src/state/seen.ts'
import { createHttpClient } from '../../src/upload/http-client.ts'
import { createTraffic } from '../../src/upload/traffic.ts'
import { eventsPerSecondOf, type UploadSettings } from '../../src/upload/upload-settings.ts'
import { createUploader, type UploaderOptions, type UploadFigures } from '../../src/upload/uploader.ts'
import { PLAIN, rawChunk, temporaryDirectory, ticketFor } from '../harness.ts'

export const SETTINGS: UploadSettings = {
  api: 'http',
  concurrency: 'auto',
  batchSize: null,
  deviceEventsPerSecond: null,
  deviceBurst: null,
  maxEventsPerSecond: null,
  maxRequestsPerSecond: null,
  onQuota: 'wait',
  giveUpAfterMs: GIVE_UP_AFTER_MS,
}

export interface Letter {
  readonly reason: string
  readonly detail: string
  readonly status: number | null
  readonly source: { readonly file: string; readonly position: number; readonly line: number | null }
  readonly event_type: string | null
  readonly record: { readonly id: string } | string
  readonly event: { readonly insert_id: string } | null
  readonly at: number
}

export interface Uploaded {
  readonly counts: Counts
  readonly letters: readonly Letter[]
  readonly figures: UploadFigures
  /** Why the uploader gave up; null when it did not. */
  readonly error: Error | null
  readonly told: readonly string[]
  readonly state: string
}

interface Upload {
  readonly url: string
  readonly records: readonly string[]
  readonly settings?: Partial<UploadSettings>
  readonly key?: string
  readonly gzip?: boolean
  readonly clock?: Clock
  readonly timeoutMs?: number
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** A clock that runs `speed` times as fast as the wall's: backoffs of seconds take milliseconds. */
export function createFastClock(speed: number): Clock {
  const startMs = performance.now()
  const now = () => (performance.now() - startMs) * speed
  return {
    now,
    wallClock: () => Date.UTC(2026, 0, 1) + now(),
    sleep: (forMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const timer = setTimeout(resolve, forMs / speed)
        signal?.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      }),
  }
}

/** `count` records of as many users, of an email Open. */
export function records(count: number, more: (index: number) => object = () => ({})): readonly string[] {
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({ id: `e${i}`, external_user_id: `user-${i}`, time: 1_767_225_600 + i, ...more(i) }),
  )
}

/** The counts of a process that has sent nothing. */
export function nothingSent(clock: Clock): Pick<UploaderOptions, 'traffic' | 'quota'> {
  const wallClockOffsetMs = clock.wallClock() - clock.now()
  return {
    traffic: createTraffic(clock),
    quota: createDailyQuota({ limit: DAILY_QUOTA, wallClockOffsetMs, saved: [] }),
  }
}

/** What a checkpoint does for lane files. */
export async function saveLanes(lanes: LaneFiles): Promise<void> {
  const snapshot = lanes.snapshot()
  await lanes.flush()
  await lanes.saved(snapshot)
}

/** Uploads records to a server in this process; everything but the clock is what the command uses. */
export async function uploadTo(options: Upload): Promise<Uploaded> {
  const { url, key = 'test-key', clock = createFastClock(50), signal = new AbortController().signal } = options
  const settings = { ...SETTINGS, ...options.settings }
  const state = temporaryDirectory()
  const letters = createDeadLetters(join(state, 'dead-letters.ndjson'))
  const ledger = createLedger({ limit: Infinity, maxErrors: null, seen: createSeen() })
  const mapping = compileMapping(PLAIN)
  mkdirSync(join(state, 'lanes'))
  const lanes: LaneFiles = createLaneFiles({
    fileSystem: diskFileSystem,
    directory: join(state, 'lanes'),
    saved: [],
    isClean: true,
    ledger,
    eventsPerSecond: eventsPerSecondOf(settings),
    save: () => saveLanes(lanes),
    typeName: (type) => mapping.typeNames[type] ?? null,
    onFailure: (error) => failure.abort(error),
  })
  const told: string[] = []
  const failure = new AbortController()
  const client = createHttpClient({
    url: new URL(url + API_LIMITS[settings.api].path),
    connections: 32,
    gzip: options.gzip ?? false,
    version: 'test',
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    proxy: null,
  })
  const uploader = createUploader({
    settings,
    key,
    client,
    ledger,
    letters,
    lanes,
    ...nothingSent(clock),
    types: mapping,
    clock,
    random: Math.random,
    rejectsUnknown: false,
    onSettled: () => {},
    signal,
    failure,
    tell: (line) => told.push(line),
  })
  const source = { fileType: 'users.messages.email.Open', path: 'opens.ndjson' }
  const chunk = createChunkMapper(mapping)(
    rawChunk(
      options.records.map((record) => Buffer.from(record)),
      source,
    ),
  )
  const ticket = ticketFor(chunk.count)
  ledger.book(chunk, ticket)
  await uploader.put(chunk, ticket)
  await uploader.end(signal)
  await client.close()
  await saveLanes(lanes)
  await letters.close()
  const counts = ledger.counts()
  if (unexplained(counts) !== 0) throw new Error('the books do not balance')
  return {
    counts,
    letters: letters.length() === 0 ? [] : lettersIn(letters.path),
    figures: uploader.figures(),
    error: uploader.failed.aborted ? uploader.failed.reason : null,
    told,
    state,
  }
}

export function lettersIn(path: string): readonly Letter[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}
