import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SavedLane } from '../../src/state/checkpoint.ts'
import {
  createLaneFiles,
  type LaneFiles,
  type LaneOwner,
  prepareLaneFiles,
  type RecalledLine,
} from '../../src/state/lane-file.ts'
import type { BookedEvent } from '../../src/state/ledger.ts'
import { settle } from '../../src/state/settled.ts'
import { type Call, type Fate, PASS, withFaults } from '../crash/faults.ts'
import { createMemoryDisk, type MemoryDisk } from '../crash/memory-disk.ts'
import { ticketFor } from '../harness.ts'

const DIRECTORY = '/state/lanes'
const OWNER: LaneOwner = { kind: 'device', id: 'd/../"1"' }

type LaneEvent = Parameters<LaneFiles['append']>[1]

function eventOf(position: number, record = '{}'): LaneEvent {
  const data = Buffer.from(`{}${record}`)
  const place = { path: 'in.ndjson', position, line: position + 1, type: 0 }
  return {
    data,
    eventStart: 0,
    eventEnd: 2,
    recordStart: 2,
    recordEnd: data.length,
    ...place,
    ticket: ticketFor(1),
    index: 0,
    warnings: 0,
  }
}

interface Scene {
  readonly disk: MemoryDisk
  readonly lanes: LaneFiles
  /** Lines read back, in order. */
  readonly back: RecalledLine[]
  readonly failures: Error[]
  /** The last snapshot that became durable. */
  readonly saved: () => readonly SavedLane[]
  readonly save: () => Promise<void>
  readonly read: (count: number, owner?: LaneOwner) => Promise<void>
}

/** Lane files of one process; `before` is what the process before left. */
async function open({
  before = null,
  fate = () => PASS,
  eventsPerSecond = 30,
}: {
  before?: { readonly disk: MemoryDisk; readonly saved: readonly SavedLane[] } | null
  fate?: (call: Call) => Fate
  eventsPerSecond?: number
} = {}): Promise<Scene> {
  const disk = before?.disk ?? createMemoryDisk()
  if (before === null) disk.plant('/state/lock', '')
  const { fileSystem } = withFaults(disk.boot(), fate)
  let saved = before?.saved ?? []
  const back: RecalledLine[] = []
  const failures: Error[] = []
  await prepareLaneFiles(fileSystem, DIRECTORY, saved)
  const lanes = createLaneFiles({
    fileSystem,
    directory: DIRECTORY,
    saved,
    isClean: false,
    ledger: { deferEvent: ({ ticket, index }: BookedEvent) => settle(ticket, index) },
    eventsPerSecond,
    typeName: () => 'users.X',
    save,
    onFailure: (error) => failures.push(error),
  })

  async function save(): Promise<void> {
    const snapshot = lanes.snapshot()
    await lanes.flush()
    saved = snapshot
    await lanes.saved(snapshot)
  }

  async function read(count: number, owner = OWNER): Promise<void> {
    back.push(...(await lanes.read(owner, count)))
  }

  return { disk, lanes, back, failures, saved: () => saved, save, read }
}

function filesOf(disk: MemoryDisk): string[] {
  return [...disk.files().keys()].filter((path) => path.startsWith(DIRECTORY))
}

const numbers = (count: number, first = 0) => Array.from({ length: count }, (_, n) => first + n)
const positions = (lines: readonly RecalledLine[]) => lines.map(({ position }) => position)

describe('lane files', () => {
  test('give back what was appended, in order, while more is appended', async () => {
    const { lanes, back, read } = await open()
    const record = JSON.stringify({ text: 'x'.repeat(3000) })
    for (const n of numbers(100)) lanes.append(OWNER, eventOf(n, record))
    assert.ok(lanes.pendingBytes > 0)
    assert.equal(lanes.longest(), 100)
    while (back.length < 40) await read(7)
    for (const n of numbers(50, 100)) lanes.append(OWNER, eventOf(n, record))
    while (back.length < 150) await read(7)
    assert.deepEqual(positions(back), numbers(150))
    assert.equal(lanes.pendingBytes, 0)
  })

  test('settle the record as one of its input', async () => {
    const { lanes } = await open()
    const event = eventOf(1)
    lanes.append(OWNER, event)
    assert.equal(event.ticket.left, 0)
  })

  test('are deleted when all is settled, and no sooner than a durable checkpoint leaves them out', async () => {
    const { disk, lanes, back, read, save, saved } = await open()
    lanes.append(OWNER, eventOf(1))
    await read(1)
    lanes.delete(OWNER)
    await save()
    assert.deepEqual([saved().length, filesOf(disk)], [1, [`${DIRECTORY}/1.ndjson`]], 'its line is in flight')
    const [line] = back as [RecalledLine]
    settle(line.ticket, line.index)
    lanes.snapshot()
    await lanes.flush()
    assert.deepEqual(filesOf(disk), [`${DIRECTORY}/1.ndjson`], 'the checkpoint is not durable')
    await save()
    assert.deepEqual([saved(), filesOf(disk)], [[], []])
  })

  test('begin anew after they were deleted, under another name', async () => {
    const { lanes, back, read, saved } = await open()
    for (const n of [1, 2]) {
      lanes.append(OWNER, eventOf(n))
      await read(1)
      lanes.delete(OWNER)
    }
    assert.deepEqual(
      [
        positions(back),
        saved()
          .map(({ file }) => file)
          .sort(),
      ],
      [
        [1, 2],
        ['1.ndjson', '2.ndjson'],
      ],
    )
  })

  test('keep users and devices of one name apart', async () => {
    const { lanes, back, read } = await open()
    lanes.append({ kind: 'user', id: 'x' }, eventOf(1))
    lanes.append({ kind: 'device', id: 'x' }, eventOf(2))
    await read(1, { kind: 'device', id: 'x' })
    assert.deepEqual(positions(back), [2])
  })

  test('read a line that is longer than a block, and than all that is reserved', async () => {
    const { lanes, back, read } = await open({ eventsPerSecond: 0.1 })
    for (const n of numbers(20)) lanes.append(OWNER, eventOf(n))
    lanes.append(OWNER, eventOf(20, JSON.stringify('y'.repeat(1_000_000))))
    while (back.length < 21) await read(5)
    assert.deepEqual(positions(back), numbers(21))
  })

  test('read a line beyond what was reserved when a checkpoint comes during the read', async () => {
    const { lanes, back, failures, read, save } = await open({ eventsPerSecond: 0.195 })
    lanes.append(OWNER, eventOf(0))
    lanes.append(OWNER, eventOf(1, JSON.stringify({ text: 'x'.repeat(3000) })))
    await read(1)
    const second = read(1)
    await save()
    await second
    assert.deepEqual([positions(back), failures], [[0, 1], []])
  })

  test('take little more memory for the lines that are read than these have', async () => {
    const { lanes, back, read } = await open()
    for (const n of numbers(1000)) lanes.append(OWNER, eventOf(n, JSON.stringify({ text: 'x'.repeat(1000) })))
    await read(2)
    assert.equal(back.length, 2)
    assert.ok(back.every(({ data }) => data.buffer.byteLength < 4096))
  })

  test('are read no further than the next ten seconds of the last durable checkpoint', async () => {
    const { lanes, saved, save, read, back } = await open({ eventsPerSecond: 3 })
    for (const n of numbers(200)) lanes.append(OWNER, eventOf(n))
    await save()
    const [lane] = saved() as [SavedLane]
    const bytesOfLine = lane.bytes / 200
    assert.ok(Math.abs(lane.reservedTo - 30 * bytesOfLine) <= 2 * bytesOfLine, `${lane.reservedTo} of ${lane.bytes}`)
    await read(500)
    assert.ok(back.length >= 28 && back.length <= 32, `${back.length} lines were read`)
    assert.equal(saved()[0], lane, 'nothing asked for another checkpoint')
    await read(1)
    assert.notEqual(saved()[0], lane, 'the next line needs one')
  })

  test('say when the disk fails', async () => {
    const fate = ({ operation }: Call): Fate => (operation === 'write' ? { do: 'fail', code: 'ENOSPC' } : PASS)
    const { lanes, failures, read } = await open({ fate })
    lanes.append(OWNER, eventOf(1))
    await assert.rejects(read(1), { code: 'ENOSPC' })
    for (const n of numbers(100)) lanes.append(OWNER, eventOf(n, JSON.stringify({ text: 'x'.repeat(3000) })))
    await lanes.idle()
    assert.deepEqual(
      failures.map((error) => (error as NodeJS.ErrnoException).code),
      ['ENOSPC'],
    )
  })
})

describe('lane files of a process that was killed', () => {
  test('go on behind what is settled, without the lines settled out of order', async () => {
    const first = await open()
    for (const n of numbers(10)) first.lanes.append(OWNER, eventOf(n))
    await first.read(4)
    await first.read(4)
    for (const at of [0, 1, 2, 3, 5]) {
      const { ticket, index } = first.back[at] as RecalledLine
      settle(ticket, index)
    }
    await first.save()
    first.disk.kill()
    const second = await open({ before: { disk: first.disk, saved: first.saved() } })
    assert.deepEqual(second.lanes.restored(), [{ owner: OWNER, unread: 5 }])
    while (second.back.length < 5) await second.read(3)
    assert.deepEqual(positions(second.back), [4, 6, 7, 8, 9])
    assert.ok(second.back.every(({ ticket }) => ticket.isUnknown))
  })

  test('lose what no checkpoint names: lines behind its bytes, and whole files', async () => {
    const first = await open()
    first.lanes.append(OWNER, eventOf(1))
    await first.save()
    first.lanes.append(OWNER, eventOf(2))
    first.lanes.append({ kind: 'user', id: 'other' }, eventOf(3))
    await first.lanes.flush()
    first.disk.kill()
    const second = await open({ before: { disk: first.disk, saved: first.saved() } })
    assert.deepEqual(filesOf(second.disk), [`${DIRECTORY}/1.ndjson`])
    assert.deepEqual(second.lanes.restored(), [{ owner: OWNER, unread: 1 }])
    second.lanes.append(OWNER, eventOf(4))
    await second.read(5)
    await second.read(5)
    assert.deepEqual(positions(second.back), [1, 4])
  })

  test('that are settled whole are deleted', async () => {
    const first = await open()
    first.lanes.append(OWNER, eventOf(1))
    await first.read(1)
    const [line] = first.back as [RecalledLine]
    settle(line.ticket, line.index)
    await first.save()
    first.disk.kill()
    const second = await open({ before: { disk: first.disk, saved: first.saved() } })
    assert.deepEqual(second.lanes.restored(), [])
    await second.save()
    assert.deepEqual([second.saved(), filesOf(second.disk)], [[], []])
  })

  test('that are shorter than the checkpoint says are an error that names them', async () => {
    const first = await open()
    first.lanes.append(OWNER, eventOf(1))
    await first.save()
    const saved = first.saved().map((lane) => ({ ...lane, bytes: lane.bytes + 1 }))
    await assert.rejects(open({ before: { disk: first.disk, saved } }), /lanes\/1\.ndjson has \d+ bytes, but/)
  })
})
