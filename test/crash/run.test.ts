import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../src/clock.ts'
import { appendText } from '../../src/json/bytes.ts'
import { createAppendLog } from '../../src/state/append-log.ts'
import { type Checkpoint, resumeCheckpoint } from '../../src/state/checkpoint.ts'
import { createCheckpointing } from '../../src/state/checkpointing.ts'
import { openDeliveredFiles } from '../../src/state/delivered-files.ts'
import type { FileSystem } from '../../src/state/file-system.ts'
import { openSeenLogs } from '../../src/state/seen-logs.ts'
import {
  type ChunkTicket,
  createSettled,
  isSettled,
  NOTHING_SETTLED,
  type Settled,
  settle,
} from '../../src/state/settled.ts'
import { CHECKPOINT } from './checkpoints.ts'
import { type Call, type Fate, KILL_POINTS, type KillPoint, killAt, PASS, withFaults } from './faults.ts'
import { createMemoryDisk } from './memory-disk.ts'

/**
 * A run in small: it reads, settles in any order, rejects, skips, finishes files and takes checkpoints, with the modules that the real
 * one has. Everything but the file layer is simpler; nothing that concerns a crash is.
 */
type Kind = 'event' | 'malformed' | 'refused' | 'duplicate'

interface Input {
  readonly path: string
  readonly records: readonly { readonly id: number; readonly kind: Kind }[]
}

interface Pending {
  readonly open: OpenInput
  readonly ticket: ChunkTicket
  readonly index: number
  readonly id: number
  readonly kind: Kind
}

interface OpenInput {
  readonly input: Input
  readonly settled: Settled
  next: number
  accepted: number
}

/** What the world outside knows: it does not forget in a crash. */
interface World {
  readonly sent: number[]
  /** Events whose answer is in a durable checkpoint. */
  safe: ReadonlySet<number>
}

const RUN = { id: 'run-1', keyFingerprint: 'key' }
const CHUNK = 5
/** Records that may be read beyond the last durable checkpoint. */
const RESERVED = 12

type Next = (options: number) => number

/** One process, from its start to the end of the run, or to its death. */
async function runProcess(
  fileSystem: FileSystem,
  inputs: readonly Input[],
  world: World,
  next: Next,
): Promise<Checkpoint> {
  const saved = await resumeCheckpoint(fileSystem, '/state')
  const logs = saved?.logs ?? {}
  const letters = createAppendLog({
    fileSystem,
    path: '/state/dead-letters.ndjson',
    length: logs['dead-letters.ndjson'] ?? 0,
  })
  await letters.open()
  const seen = await openSeenLogs({ fileSystem, directory: '/state', lengths: logs, generation: 8 })
  const files = await openDeliveredFiles({
    fileSystem,
    directory: '/state',
    length: logs['files.ndjson'] ?? 0,
    run: RUN,
  })
  const counts = { read: 0, accepted: 0, rejected: 0, skipped: 0, pending: 0 }
  if (saved !== null) {
    const { read, accepted, pending, rejected, skipped } = saved.counts
    const again = saved.counts.unsettled.byType[''] ?? 0
    counts.read = read - again
    counts.pending = pending - again
    counts.accepted = accepted
    counts.rejected = rejected.malformed ?? 0
    counts.skipped = skipped.duplicate ?? 0
  }

  let open: OpenInput[] = (saved?.open ?? []).map((input) => ({
    input: inputs.find(({ path }) => path === input.path) as Input,
    settled: createSettled(input, { kind: 'input', accepted: 0 }),
    next: input.from.ordinal,
    accepted: input.accepted,
  }))
  const isDelivered = (path: string) => files.byPath({ path, size: 0, mtimeMs: 0 })?.byThisRun === true
  const unread = inputs.filter(({ path }) => !isDelivered(path) && !open.some(({ input }) => input.path === path))
  const pending: Pending[] = []
  /** Records that may still be read before a checkpoint. */
  let reserved = 0
  let isComplete = false
  /** By earlier processes: what of it no checkpoint knows is sent again. */
  const sentBefore = world.sent.length
  let answered: readonly number[] = []

  function finish({ input, accepted }: OpenInput): void {
    files.add({
      path: input.path,
      size: 0,
      mtime: 0,
      head: input.path,
      tail: '',
      records: input.records.length,
      accepted,
      run: RUN.id,
      keyFingerprint: RUN.keyFingerprint,
      mappingHash: '',
      at: 0,
    })
  }

  const checkpointing = createCheckpointing({
    fileSystem,
    directory: '/state',
    clock: systemClock,
    takePicture() {
      answered = world.sent.slice(sentBefore)
      for (const each of open) if (each.settled.isComplete()) finish(each)
      open = open.filter(({ settled }) => !settled.isComplete())
      assert.equal(counts.read, counts.accepted + counts.rejected + counts.skipped + counts.pending)
      return {
        ...CHECKPOINT,
        complete: isComplete,
        open: open.map(({ input, settled, accepted }) => ({
          path: input.path,
          kind: 'input' as const,
          fingerprint: { byte: 0, head: '', tail: '' },
          ...settled.save(),
          accepted,
        })),
        lanes: [],
        logs: { 'dead-letters.ndjson': letters.length(), 'files.ndjson': files.length(), ...seen.picture() },
        counts: {
          ...CHECKPOINT.counts,
          read: counts.read,
          accepted: counts.accepted,
          pending: counts.pending,
          rejected: { malformed: counts.rejected },
          skipped: { duplicate: counts.skipped },
          unsettled: { byType: { '': counts.pending }, warnings: {} },
        },
      }
    },
    async flush(picture) {
      await letters.flush()
      await files.flush()
      await seen.flush()
      return picture
    },
    async saved({ logs }) {
      seen.saved(logs)
      world.safe = new Set([...world.safe, ...answered])
      reserved = RESERVED
    },
    onFailure: assert.ifError,
  })

  function readChunk(from: OpenInput): void {
    const { input, settled } = from
    const records = input.records.slice(from.next, from.next + CHUNK)
    const byte = Math.floor(from.next / CHUNK) * CHUNK
    const ticket = settled.take(records.length, { byte, ordinal: from.next, line: null })
    from.next += records.length
    reserved -= records.length
    for (const [index, { id, kind }] of records.entries()) {
      if (isSettled(ticket, index)) continue
      counts.read += 1
      const isDuplicate = kind !== 'malformed' && index >= ticket.rereadTo && seen.has(id, 1)
      if (isDuplicate) {
        counts.skipped += 1
        settle(ticket, index)
      } else if (kind === 'malformed') {
        reject({ open: from, ticket, index, id, kind })
      } else {
        counts.pending += 1
        pending.push({ open: from, ticket, index, id, kind })
      }
    }
    if (from.next === input.records.length) settled.end()
  }

  function reject({ ticket, index, open: { input } }: Pending): void {
    counts.rejected += 1
    letters.add((out) => appendText(out, `${input.path} ${ticket.first + index}\n`))
    settle(ticket, index)
  }

  function answer(): void {
    const [event] = pending.splice(next(pending.length), 1) as [Pending]
    counts.pending -= 1
    assert.equal(world.safe.has(event.id), false, `event ${event.id} is sent again, but a checkpoint has its answer`)
    world.sent.push(event.id)
    if (event.kind === 'refused') {
      reject(event)
      return
    }
    counts.accepted += 1
    event.open.accepted += 1
    settle(event.ticket, event.index)
  }

  await checkpointing.save()
  for (;;) {
    const reading = open.find(({ input, next: at, settled }) => at < input.records.length && !settled.isComplete())
    const action = next(8)
    if (action === 0) await checkpointing.save()
    else if (action < 4 && pending.length > 0) answer()
    else if (reading !== undefined) {
      if (reserved < CHUNK) await checkpointing.save()
      assert.ok(reserved >= CHUNK)
      readChunk(reading)
    } else if (unread.length > 0) {
      const input = unread.shift() as Input
      const begun = {
        input,
        settled: createSettled(NOTHING_SETTLED, { kind: 'input', accepted: 0 }),
        next: 0,
        accepted: 0,
      }
      if (input.records.length === 0) begun.settled.end()
      open.push(begun)
    } else if (pending.length > 0) answer()
    else break
  }
  isComplete = true
  await checkpointing.save()
  await checkpointing.close()
  return checkpointing.last() as Checkpoint
}

const KINDS: readonly Kind[] = ['event', 'event', 'event', 'malformed', 'refused', 'duplicate']

/** Ids are unique but for duplicates, which have the id of a record some places before. */
function inputsOf(kinds: readonly (readonly number[])[]): readonly Input[] {
  const ids: number[] = []
  return kinds.map((each, number) => ({
    path: `in/${number}`,
    records: each.map((pick) => {
      const kind = KINDS[pick % KINDS.length] as Kind
      const before = ids.at(-1 - (pick % 4))
      if (kind === 'duplicate' && before !== undefined) return { id: before, kind }
      const id = ids.length + 1
      if (kind !== 'malformed') ids.push(id)
      return { id, kind: kind === 'duplicate' ? 'event' : kind }
    }),
  }))
}

interface Life {
  readonly fate: (call: Call) => Fate
  readonly losesPower: boolean
}

async function liveThrough(inputs: readonly Input[], lives: readonly Life[], next: Next): Promise<void> {
  const disk = createMemoryDisk()
  disk.plant('/state/lock', '')
  const world: World = { sent: [], safe: new Set() }
  for (const { fate, losesPower } of lives) {
    const { fileSystem, hasCrashed } = withFaults(disk.boot(), fate)
    try {
      await runProcess(fileSystem, inputs, world, next)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (!hasCrashed() && code !== 'ENOSPC' && !/ENOSPC/.test(String(error))) throw error
    }
    if (losesPower) disk.powerFailure(next)
    else disk.kill()
  }
  const last = await runProcess(disk.boot(), inputs, world, next)
  disk.powerFailure(() => 1)
  assertAllDone(inputs, world, last, disk.files())
}

function assertAllDone(
  inputs: readonly Input[],
  { sent }: World,
  last: Checkpoint,
  files: ReadonlyMap<string, Buffer>,
): void {
  const first = new Set<number>()
  const expected = { accepted: 0, skipped: 0, letters: [] as string[], ids: [] as number[] }
  for (const { path, records } of inputs) {
    for (const [ordinal, { id, kind }] of records.entries()) {
      const isDuplicate = kind !== 'malformed' && first.has(id)
      if (kind !== 'malformed') first.add(id)
      if (isDuplicate) expected.skipped += 1
      else if (kind === 'malformed') expected.letters.push(`${path} ${ordinal}`)
      else {
        expected.ids.push(id)
        if (kind === 'refused') expected.letters.push(`${path} ${ordinal}`)
        else expected.accepted += 1
      }
    }
  }
  const total = inputs.reduce((sum, { records }) => sum + records.length, 0)
  const { counts, open } = last
  assert.deepEqual(
    [counts.read, counts.accepted, counts.pending, counts.rejected, counts.skipped, open],
    [total, expected.accepted, 0, { malformed: expected.letters.length }, { duplicate: expected.skipped }, []],
  )
  assert.deepEqual([...new Set(sent)].sort(), expected.ids.sort(), 'events that reached Amplitude')
  const linesOf = (name: string) => files.get(`/state/${name}`)?.toString().split('\n').filter(Boolean) ?? []
  assert.deepEqual(linesOf('dead-letters.ndjson').sort(), expected.letters.sort(), 'dead letters, each once')
  const delivered = linesOf('files.ndjson').map((line) => JSON.parse(line).path)
  assert.deepEqual(delivered.sort(), inputs.map(({ path }) => path).sort(), 'delivered files, each once')
}

const kinds = fc.array(fc.array(fc.nat(23), { maxLength: 40 }), { minLength: 1, maxLength: 4 })

test('a run that crashes at any calls ends as one that does not: figures, dead letters, files, nothing lost', async () => {
  const life = fc.record({
    call: fc.integer({ min: 1, max: 120 }),
    fate: fc.constantFrom<Fate>(
      { do: 'crash', when: 'before' },
      { do: 'crash', when: 'after' },
      { do: 'crash', when: 'torn' },
      { do: 'fail', code: 'ENOSPC' },
    ),
    losesPower: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      kinds,
      fc.array(life, { maxLength: 6 }),
      fc.infiniteStream(fc.nat()),
      async (all, lives, picks) => {
        await liveThrough(
          inputsOf(all),
          lives.map(({ call, fate, losesPower }) => ({
            fate: ({ number }: Call) => (number === call ? fate : PASS),
            losesPower,
          })),
          (options) => (picks.next().value as number) % options,
        )
      },
    ),
    { numRuns: 600 },
  )
})

for (const point of Object.keys(KILL_POINTS) as KillPoint[]) {
  test(`a run that is killed again and again ${point} ends as one that is not`, async () => {
    await fc.assert(
      fc.asyncProperty(kinds, fc.boolean(), fc.infiniteStream(fc.nat()), async (all, losesPower, picks) => {
        const lives = Array.from({ length: 6 }, (_, i) => ({ fate: killAt(point, i + 1), losesPower }))
        await liveThrough(inputsOf(all), lives, (options) => (picks.next().value as number) % options)
      }),
      { numRuns: 20 },
    )
  })
}
