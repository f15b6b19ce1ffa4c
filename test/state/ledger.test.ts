import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import { NO_RULES } from '../../src/mapping/profiles.ts'
import { BEGINNING } from '../../src/model.ts'
import { summaryOf, unexplained } from '../../src/report/summary.ts'
import { NOTHING_BOOKED } from '../../src/state/books.ts'
import { createLedger, type LedgerOptions } from '../../src/state/ledger.ts'
import { createSeen } from '../../src/state/seen.ts'
import { createSettled, NOTHING_SETTLED } from '../../src/state/settled.ts'
import { outcomesOf, PLAIN, rawChunk } from '../harness.ts'

const OPEN = 'users.messages.email.Open'
const CLICK = 'users.messages.email.Click'

function record(id: string, rest: object = {}): string {
  return JSON.stringify({ id, external_user_id: 'u', time: 1767319200, ...rest })
}

function book(records: readonly string[], options: Partial<LedgerOptions> = {}, fileType: string | null = OPEN) {
  const mapChunk = createChunkMapper(compileMapping(PLAIN))
  const chunk = mapChunk(
    rawChunk(
      records.map((one) => Buffer.from(one)),
      { fileType },
    ),
  )
  const ledger = createLedger({ limit: Number.POSITIVE_INFINITY, maxErrors: null, seen: createSeen(), ...options })
  ledger.book(chunk, null)
  return { chunk, ledger }
}

describe('duplicates', () => {
  test('are the same event type and id; the first counts', () => {
    const { chunk } = book([record('a'), record('b'), record('a', { campaign_id: 'other' })])
    assert.deepEqual(
      outcomesOf(chunk).map((one) => one.outcome),
      ['event', 'event', 'duplicate'],
    )
  })

  test('are not events of two types with one id', () => {
    const { chunk } = book([record('a', { event_type: OPEN }), record('a', { event_type: CLICK })], {}, null)
    assert.deepEqual(
      outcomesOf(chunk).map((one) => one.outcome),
      ['event', 'event'],
    )
  })

  test('are not records without id, nor records that become no event', () => {
    const bare = JSON.stringify({ external_user_id: 'u', time: 1767319200 })
    const nobody = JSON.stringify({ id: 'n', time: 1767319200 })
    const { chunk } = book([bare, bare, nobody, record('n')])
    assert.deepEqual(
      outcomesOf(chunk).map((one) => one.outcome),
      ['event', 'event', 'no_identity', 'event'],
    )
  })

  test('are kept when the user wants them', () => {
    const { chunk } = book([record('a'), record('a')], { seen: null })
    assert.equal(chunk.outcomes[1], chunk.outcomes[0])
  })
})

describe('the books of a run that goes on', () => {
  test('keep their figures by type when nothing is read any more, also of a type that the catalogue lacks', () => {
    const mapping = compileMapping(PLAIN, { ...NO_RULES, unknownEvents: 'derive' })
    const figures = { read: 2, accepted: 0, rejected: 0, skipped: 0 }
    const saved = { ...NOTHING_BOOKED, read: 4, pending: 4, byType: { [OPEN]: figures, 'users.Novelty': figures } }
    const ledger = createLedger({ limit: 0, maxErrors: null, seen: null, types: mapping, saved })
    const ticket = createSettled(NOTHING_SETTLED, { kind: 'lane', accepted: 0 }).take(4, BEGINNING)
    for (const [index, name] of [OPEN, OPEN, 'users.Novelty', 'users.Novelty'].entries()) {
      ledger.acceptEvent({ type: mapping.planOf(name).number, ticket, index, warnings: 0 })
    }
    const delivered = { ...figures, accepted: 2 }
    assert.deepEqual(ledger.save().byType, { [OPEN]: delivered, 'users.Novelty': delivered })
  })
})

describe('the books', () => {
  test('count every record once, by reason and by type', () => {
    const { chunk, ledger } = book([
      record('a'),
      record('a'),
      'broken',
      record('b', { external_user_id: null }),
      record('c'),
    ])
    assert.equal(ledger.counts().pending, 2)
    ledger.accept(chunk)
    const counts = ledger.counts()
    assert.equal(unexplained(counts), 0)
    const summary = summaryOf(counts, { durationMs: 1, stopped: null, exitCode: 3, upload: null })
    assert.deepEqual(
      [summary.read, summary.accepted, summary.pending, summary.rejected, summary.skipped],
      [5, 2, 0, { total: 1, by_reason: { malformed: 1 } }, { total: 2, by_reason: { no_identity: 1, duplicate: 1 } }],
    )
    assert.deepEqual(summary.by_event_type, { [OPEN]: { read: 5, accepted: 2, rejected: 1, skipped: 2, pending: 0 } })
  })
})

describe('--max-errors', () => {
  test('ends the run at the record that is one too many', () => {
    const records = [record('a'), 'broken', record('b'), 'broken', record('c')]
    const { chunk, ledger } = book(records, { maxErrors: { count: 1 } })
    assert.equal(ledger.hasTooManyErrors(), true)
    assert.deepEqual([chunk.count, ledger.counts().read], [4, 4])
    assert.equal(book(records, { maxErrors: { count: 2 } }).ledger.hasTooManyErrors(), false)
  })

  test('as a share counts from the hundredth record on', () => {
    const early = ['broken', ...Array.from({ length: 98 }, (_, i) => record(`r${i}`))]
    assert.equal(book(early, { maxErrors: { percent: 0.5 } }).ledger.hasTooManyErrors(), false)
    const late = book([...early, record('hundredth'), record('x')], { maxErrors: { percent: 0.5 } })
    assert.deepEqual([late.ledger.hasTooManyErrors(), late.chunk.count], [true, 100])
    const { chunk, ledger } = book([...early, 'broken', record('x')], { maxErrors: { percent: 1.5 } })
    assert.equal(ledger.hasTooManyErrors(), true)
    assert.equal(chunk.count, 100)
  })
})
