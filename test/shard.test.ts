import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createChunkMapper } from '../src/map/map-chunk.ts'
import { compileMapping } from '../src/mapping/plan.ts'
import type { MappedChunk } from '../src/model.ts'
import { DROPPED } from '../src/outcomes.ts'
import { createShardFilter, type Shard } from '../src/shard.ts'
import { createLedger } from '../src/state/ledger.ts'
import { outcomesOf, PLAIN, rawChunk } from './harness.ts'

const mapChunk = createChunkMapper(compileMapping(PLAIN))
const EVERYTHING = Number.POSITIVE_INFINITY

function mapped(records: readonly string[], path = 'a.ndjson'): MappedChunk {
  const source = { path, fileType: 'users.messages.email.Open' }
  return mapChunk(
    rawChunk(
      records.map((record) => Buffer.from(record)),
      source,
    ),
  )
}

/** The indexes that a shard takes. */
function taken(records: readonly string[], shard: Shard, { path = 'a.ndjson' } = {}): number[] {
  const chunk = mapped(records, path)
  createShardFilter(shard)(chunk)
  return ownIn(chunk)
}

function ownIn(chunk: MappedChunk): number[] {
  return Array.from(chunk.outcomes.keys()).filter((i) => i < chunk.count && chunk.outcomes[i] !== DROPPED)
}

const shardsOf = (count: number): readonly Shard[] =>
  Array.from({ length: count }, (_, i) => ({ number: i + 1, count }))

/** The shard, from 1, that takes the only record. */
function shardOf(record: string, count: number, path = 'a.ndjson'): number {
  const [one, ...more] = shardsOf(count).filter((shard) => taken([record], shard, { path }).length > 0)
  assert.deepEqual([one !== undefined, more], [true, []])
  return one?.number ?? 0
}

const open = (fields: object) => JSON.stringify({ id: 'i', time: 1_767_225_600, ...fields })
const user = (id: string) => open({ external_user_id: id })

const anyId = fc.oneof(
  fc.constantFrom('u-1', 'u-2', 'u-3', 'ü"\\\n', '漢字😀'),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const anyRecord = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(anyId, fc.uuid()).map(([external_user_id, id]) => open({ external_user_id, id })) },
  { weight: 2, arbitrary: fc.tuple(anyId, fc.uuid()).map(([device_id, id]) => open({ device_id, id })) },
  fc.constantFrom(open({}), '{"broken', open({ time: 'x' }), open({ event_type: 'users.messages.rcs.Send' })),
)

test('every record is in exactly one shard, with what became of it, and the books of all add up to those of none', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (records, count) => {
      const whole = mapped(records)
      const expected = outcomesOf(whole)
      const ledger = (chunk: MappedChunk) => {
        const books = createLedger({ limit: EVERYTHING, maxErrors: null, seen: null })
        books.book(chunk, null)
        return books.counts()
      }
      const all = ledger(whole)
      const found = new Map<number, number>()
      const sums = { read: 0, pending: 0, rejected: 0, skipped: 0, warnings: 0 }
      const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
      for (const shard of shardsOf(count)) {
        const chunk = mapped(records)
        createShardFilter(shard)(chunk)
        for (const [i, one] of outcomesOf(chunk).entries()) {
          if (chunk.outcomes[i] === DROPPED) continue
          assert.ok(!found.has(i), `record ${i} is in shards ${found.get(i)} and ${shard.number}`)
          found.set(i, shard.number)
          assert.deepEqual(one, expected[i])
        }
        const counts = ledger(chunk)
        sums.read += counts.read
        sums.pending += counts.pending
        sums.rejected += sum(counts.rejected.values())
        sums.skipped += sum(counts.skipped.values())
        sums.warnings += sum(counts.warnings.values())
      }
      assert.equal(found.size, records.length)
      assert.deepEqual(sums, {
        read: records.length,
        pending: all.pending,
        rejected: sum(all.rejected.values()),
        skipped: sum(all.skipped.values()),
        warnings: sum(all.warnings.values()),
      })
    }),
  )
})

test('a limit takes the first records of the shard, and no other record', () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat({ max: 12 }),
      (records, count, limit) => {
        for (const shard of shardsOf(count)) {
          const chunk = mapped(records)
          createShardFilter(shard)(chunk)
          createLedger({ limit, maxErrors: null, seen: null }).book(chunk, null)
          assert.deepEqual(ownIn(chunk), taken(records, shard).slice(0, limit))
        }
      },
    ),
  )
})

describe('the shard of a record', () => {
  test('is that of its user, whatever the device, the type, the file and how the id is written', () => {
    for (let i = 0; i < 50; i++) {
      const expected = shardOf(user(`é/${i}`), 7)
      const others = [
        open({ external_user_id: `é/${i}`, device_id: `d-${i % 3}` }),
        `{"id":"j","time":1767225600,"external_user_id":"\\u00e9\\/${i}"}`,
        `{"id":"j","time":1767225600,"event_type":"users.messages.email.Click","external_user_id":"é/${i}"}`,
      ]
      for (const other of others) assert.equal(shardOf(other, 7, 'other.ndjson'), expected, other)
    }
  })

  test('is that of its device when the user is one that Amplitude refuses', () => {
    for (let i = 0; i < 20; i++) {
      const device_id = `device-${i}`
      assert.equal(shardOf(open({ external_user_id: 'anonymous', device_id }), 5), shardOf(open({ device_id }), 5))
    }
  })

  test('without an identity goes by path and position, so that files of one broken record spread too', () => {
    const count = 4
    const byPath = Array.from({ length: 40 }, (_, i) => shardOf('{"broken', count, `date=${i}/a.ndjson`))
    assert.deepEqual(new Set(byPath), new Set([1, 2, 3, 4]))
    const broken = Array.from({ length: 40 }, () => '{"broken')
    for (const shard of shardsOf(count)) assert.ok(taken(broken, shard).length > 0)
  })

  test('stays as it is from version to version: a run under way must not lose records', () => {
    const found = ['u-1', 'u-2', 'u-3', 'ü', 'someone@example.com'].map((id) => shardOf(user(id), 8))
    assert.deepEqual([...found, shardOf('{"broken', 8), shardOf(user('u-1'), 1)], [4, 4, 3, 6, 7, 2, 1])
  })

  test('is as likely as any other', () => {
    const records = Array.from({ length: 8000 }, (_, i) => user(`user-${i}`))
    for (const shard of shardsOf(8)) {
      const share = taken(records, shard).length
      assert.ok(Math.abs(share - 1000) < 150, `shard ${shard.number} has ${share} of 8000`)
    }
  })
})
