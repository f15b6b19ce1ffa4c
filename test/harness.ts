import { spawn } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createChunkMapper } from '../src/map/map-chunk.ts'
import { compileMapping, type MappingOptions } from '../src/mapping/plan.ts'
import { BEGINNING, type MappedChunk, type OpenSource, type RawChunk } from '../src/model.ts'
import { OUTCOMES, WARNINGS } from '../src/outcomes.ts'
import { type ChunkTicket, createSettled, NOTHING_SETTLED } from '../src/state/settled.ts'

/** What became of one record. */
export interface Mapped {
  /** The event as it would be sent; null when there is none. */
  readonly line: string | null
  /** `event`, or the reason in the summary's words. */
  readonly outcome: string
  readonly detail: string | undefined
  readonly warnings: readonly string[]
}

export const PLAIN: MappingOptions = {
  profile: 'braze',
  include: [],
  exclude: [],
  sinceMs: Number.NEGATIVE_INFINITY,
  untilMs: Number.POSITIVE_INFINITY,
  eventType: null,
  skipUserPropertiesSync: false,
  nowMs: Date.UTC(2026, 10, 28),
}

/** Maps records given as JSON text, as one chunk of a file whose name says the event type. */
export function mapRecords(
  records: readonly string[],
  { options = {}, source = {} }: { options?: Partial<MappingOptions>; source?: Partial<OpenSource> } = {},
): readonly Mapped[] {
  return mapBytes(
    records.map((record) => Buffer.from(record)),
    { options, source },
  )
}

/** The same for records that may be no text. */
export function mapBytes(
  records: readonly Uint8Array[],
  { options = {}, source = {} }: { options?: Partial<MappingOptions>; source?: Partial<OpenSource> } = {},
): readonly Mapped[] {
  return outcomesOf(mapperOf({ ...PLAIN, ...options })(rawChunk(records, source)))
}

const MAPPERS = new Map<string, ReturnType<typeof createChunkMapper>>()

/** Compiling a mapping takes longer than mapping a record: property tests share it. */
function mapperOf(options: MappingOptions): ReturnType<typeof createChunkMapper> {
  const key = JSON.stringify([options, String(options.sinceMs), String(options.untilMs)])
  const known = MAPPERS.get(key)
  if (known) return known
  const mapper = createChunkMapper(compileMapping(options))
  MAPPERS.set(key, mapper)
  return mapper
}

export function mapRecord(record: string, fileType: string | null, options: Partial<MappingOptions> = {}): Mapped {
  return mapRecords([record], { options, source: { fileType } })[0] as Mapped
}

export function rawChunk(records: readonly Uint8Array[], source: Partial<OpenSource> = {}): RawChunk {
  const starts: number[] = []
  const ends: number[] = []
  let at = 0
  for (const record of records) {
    starts.push(at)
    at += record.length
    ends.push(at++)
  }
  return {
    source: {
      path: 'test',
      number: 0,
      fileType: null,
      isShare: false,
      candidates: [],
      isEncoded: false,
      headHash: () => 'head',
      ...source,
    },
    bytes: Buffer.concat(records.flatMap((record) => [record, Buffer.from('\n')])),
    count: records.length,
    restart: BEGINNING,
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
    positions: Float64Array.from(starts),
    lines: Float64Array.from(starts.keys(), (i) => i + 1),
    faults: [],
  }
}

/** A ticket for the first `count` records of an input. */
export function ticketFor(count: number): ChunkTicket {
  return createSettled(NOTHING_SETTLED, { kind: 'input', accepted: 0 }).take(count, BEGINNING)
}

export function outcomesOf(chunk: MappedChunk): readonly Mapped[] {
  return Array.from({ length: chunk.count }, (_, i) => {
    const start = i === 0 ? 0 : (chunk.eventEnds[i - 1] as number)
    const text = Buffer.from(chunk.bytes.subarray(start, chunk.eventEnds[i])).toString()
    const outcome = OUTCOMES[chunk.outcomes[i] as number]
    return {
      line: outcome?.is === 'event' ? text.replace(/\n$/, '') : null,
      outcome: outcome === undefined || outcome.is === 'event' ? 'event' : outcome.reason,
      detail: chunk.details.get(i),
      warnings: WARNINGS.filter((_name, bit) => ((chunk.warnings[i] as number) & (1 << bit)) !== 0),
    }
  })
}

/** `THOROUGH=1 npm test` tries everything. */
export const isThorough = process.env['THOROUGH'] === '1'

/** Without `THOROUGH=1` the heaviest tests take a part, another one in each process where they can. */
export function tries(all: number, some: number): number {
  return isThorough ? all : some
}

/** One of `oneOf` cases, others in each process; all of them with `THOROUGH=1`. For cases that are much alike, and heavy. */
export function someOf<T>(cases: readonly T[], oneOf: number): readonly T[] {
  const step = tries(1, oneOf)
  return cases.filter((_case, i) => (i + process.pid) % step === 0)
}

/** A directory that is gone after the tests of this file. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'braze2amp-test-'))
  after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export const BINARY = fileURLToPath(new URL('../../bin/braze2amp.js', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Started {
  readonly stdin?: string | Uint8Array
  readonly cwd?: string
  readonly env?: Record<string, string>
  readonly binary?: string
}

/** Runs the real binary to its end. */
export function braze2amp(
  words: readonly string[],
  { stdin = '', cwd, env = {}, binary = BINARY }: Started = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [binary, ...words], { cwd, env: { ...process.env, NO_COLOR: '1', ...env } })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() })
    })
  })
}

/** Every name below a directory, with what it is, and points to or holds. Taking a lock and giving it back changes a directory's time. */
export function contentOf(root: string): object {
  return (readdirSync(root, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(root, name)
    const stats = lstatSync(path)
    const content = stats.isSymbolicLink() ? readlinkSync(path) : stats.isFile() ? readFileSync(path, 'base64') : null
    return [name, stats.mode, content === null ? null : [stats.nlink, stats.mtimeMs, content]]
  })
}
