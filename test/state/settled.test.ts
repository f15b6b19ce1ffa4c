import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type ChunkTicket,
  createSettled,
  isSettled,
  NOTHING_SETTLED,
  type SavedSettled,
  settle,
} from '../../src/state/settled.ts'

const ORIGIN = { kind: 'input' as const, accepted: 0 }

/** As if each record were ten bytes on a line of its own. */
function restartAt(ordinal: number) {
  return { byte: ordinal * 10, ordinal, line: ordinal + 1 }
}

function indexes(count: number, holds: (index: number) => boolean = () => true): number[] {
  return [...Array(count).keys()].filter(holds)
}

describe('settled records', () => {
  test('below the first unsettled chunk are forgotten; above it they are ranges', () => {
    const settled = createSettled(NOTHING_SETTLED, ORIGIN)
    const [a, b, c] = [0, 100, 200].map((first) => settled.take(100, restartAt(first))) as [
      ChunkTicket,
      ChunkTicket,
      ChunkTicket,
    ]
    for (const index of indexes(100)) settle(a, index)
    for (const index of indexes(100, (i) => i < 3 || i >= 40)) settle(b, index)
    for (const index of indexes(100, (i) => i !== 64)) settle(c, index)
    assert.deepEqual(settled.save(), {
      from: restartAt(100),
      settled: [
        [100, 103],
        [140, 264],
        [265, 300],
      ],
      readTo: 300,
    })
  })

  test('all of them: reading goes on behind the last, which is dropped', () => {
    const settled = createSettled(NOTHING_SETTLED, ORIGIN)
    const ticket = settled.take(40, restartAt(0))
    for (const index of indexes(40)) settle(ticket, index)
    assert.deepEqual(settled.save(), { from: restartAt(0), settled: [[0, 40]], readTo: 40 })
    assert.equal(settled.isComplete(), false)
    settled.end()
    assert.equal(settled.isComplete(), true)
  })

  test('of an input that is always read from its start are one range from there', () => {
    const settled = createSettled(NOTHING_SETTLED, ORIGIN)
    const start = { byte: 0, ordinal: 0, line: null }
    const first = settled.take(10, start)
    settled.take(10, start)
    for (const index of indexes(10)) settle(first, index)
    assert.deepEqual(settled.save(), { from: start, settled: [[0, 10]], readTo: 20 })
  })

  test('cannot be settled twice, nor beyond their chunk', () => {
    const ticket = createSettled(NOTHING_SETTLED, ORIGIN).take(3, restartAt(0))
    settle(ticket, 1)
    assert.throws(() => settle(ticket, 1), /record 1 was settled twice/)
    assert.throws(() => settle(ticket, 99), /twice/)
  })

  test('of an empty input are all of them', () => {
    const settled = createSettled(NOTHING_SETTLED, ORIGIN)
    settled.end()
    assert.equal(settled.isComplete(), true)
    assert.deepEqual(settled.save(), NOTHING_SETTLED)
  })

  test('of a shortened chunk end where reading stopped', () => {
    const settled = createSettled({ ...NOTHING_SETTLED, settled: [[4, 9]], readTo: 12 }, ORIGIN)
    const ticket = settled.take(20, restartAt(0))
    settled.shorten(ticket, 6)
    for (const index of indexes(4)) settle(ticket, index)
    settled.end()
    assert.equal(settled.isComplete(), true)
    assert.deepEqual(settled.save().settled, [[0, 9]])
    assert.equal(settled.readTo(), 6)
  })

  test('that wait do not keep the chunks behind them in memory', () => {
    const settled = createSettled(NOTHING_SETTLED, ORIGIN)
    settled.take(1000, restartAt(0))
    const held: WeakRef<ChunkTicket>[] = []
    for (let first = 1000; first < 400_000; first += 1000) {
      const ticket = settled.take(1000, restartAt(first))
      for (let index = 0; index < 1000; index++) settle(ticket, index)
      if (first === 2000) held.push(new WeakRef(ticket))
    }
    assert.deepEqual(settled.save().settled, [[1000, 400_000]])
    return new Promise<void>((resolve) => {
      setImmediate(() => {
        globalThis.gc?.()
        assert.equal(globalThis.gc === undefined ? undefined : held[0]?.deref(), undefined)
        resolve()
      })
    })
  })
})

test('however a run is cut into processes and chunks, each record is settled once and comes again until it is', () => {
  const chunk = fc.record({
    count: fc.integer({ min: 0, max: 70 }),
    /** Reading can begin at the chunk, or only at the one before it, as within an Avro block. */
    restartsHere: fc.boolean(),
    settles: fc.array(fc.nat(69), { maxLength: 60 }),
    /** Settled later, after the chunks that follow. */
    later: fc.array(fc.nat(69), { maxLength: 30 }),
    stops: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 40 }), fc.boolean(), (chunks, restartsNowhere) => {
      const done = new Set<number>()
      let saved: SavedSettled = NOTHING_SETTLED
      let settled = createSettled(saved, ORIGIN)
      let ordinal = 0
      let restart = restartAt(0)
      let waiting: [ChunkTicket, number][] = []
      let readTo = 0

      const settleOnce = (ticket: ChunkTicket, index: number) => {
        if (index >= ticket.count || isSettled(ticket, index)) return
        assert.equal(done.has(ticket.first + index), false)
        settle(ticket, index)
        done.add(ticket.first + index)
      }
      for (const { count, restartsHere, settles, later, stops } of chunks) {
        if (restartsHere && !restartsNowhere) restart = restartAt(ordinal)
        const ticket = settled.take(count, restart)
        assert.equal(ticket.first, ordinal)
        for (let index = 0; index < count; index++) {
          assert.equal(isSettled(ticket, index), done.has(ordinal + index), `record ${ordinal + index}`)
          assert.equal(index < ticket.rereadTo, ordinal + index < saved.readTo)
        }
        ordinal += count
        readTo = Math.max(readTo, ordinal)
        for (const index of settles) settleOnce(ticket, index)
        waiting.push(...later.map((index): [ChunkTicket, number] => [ticket, index]))
        if (waiting.length > 100) {
          for (const [late, index] of waiting) settleOnce(late, index)
          waiting = []
        }
        const snapshot = settled.save()
        assert.deepEqual(snapshot, settled.save())
        assertTells(snapshot, done, readTo)
        if (!stops) continue
        saved = JSON.parse(JSON.stringify(snapshot))
        settled = createSettled(saved, ORIGIN)
        assert.deepEqual(settled.save(), snapshot)
        ordinal = saved.from.ordinal
        restart = saved.from as typeof restart
        waiting = []
      }
    }),
    { numRuns: 400 },
  )
})

/** The snapshot tells exactly what is settled. */
function assertTells({ from, settled, readTo }: SavedSettled, done: ReadonlySet<number>, expectedReadTo: number): void {
  assert.equal(readTo, expectedReadTo)
  let last = from.ordinal - 1
  for (const [a, b] of settled) {
    assert.ok(a > last && b > a, JSON.stringify(settled))
    last = b
  }
  for (let ordinal = 0; ordinal < readTo; ordinal++) {
    const told = ordinal < from.ordinal || settled.some(([a, b]) => ordinal >= a && ordinal < b)
    assert.equal(told, done.has(ordinal), `record ${ordinal} from ${from.ordinal} in ${JSON.stringify(settled)}`)
  }
}
