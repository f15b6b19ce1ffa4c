import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import type { MappedChunk } from '../../src/model.ts'
import { EVENT, outcomeOf } from '../../src/outcomes.ts'
import { hashOfId } from '../../src/schedule/identity-table.ts'
import { createEventSlabs } from '../../src/upload/event-slabs.ts'
import { createRequestBuilder } from '../../src/upload/request.ts'
import type { UploadEvent } from '../../src/upload/upload-event.ts'
import { PLAIN, rawChunk, ticketFor } from '../harness.ts'

/** Nothing is settled here. */
const TICKET = ticketFor(1)
const SOURCE = { fileType: 'users.messages.email.Open', path: 'opens.ndjson' }

function recordOf(number: number, more: object = {}): string {
  return JSON.stringify({ id: `e${number}`, external_user_id: `user-${number}`, time: 1_767_225_600 + number, ...more })
}

function mapped(records: readonly string[]): MappedChunk {
  const raw = rawChunk(
    records.map((record) => Buffer.from(record)),
    SOURCE,
  )
  return createChunkMapper(compileMapping(PLAIN))(raw)
}

function textsOf({ data, eventStart, eventEnd, recordStart, recordEnd }: UploadEvent): readonly [string, string] {
  return [data.toString('utf8', eventStart, eventEnd), data.toString('utf8', recordStart, recordEnd)]
}

test('events that stay while thousands come and go keep their bytes, and little memory beside', () => {
  const eventSlabs = createEventSlabs()
  const staying: { readonly event: UploadEvent; readonly texts: readonly [string, string] }[] = []
  for (let chunk = 0; chunk < 100; chunk++) {
    const records = Array.from({ length: 1000 }, (_, at) =>
      recordOf(chunk * 1000 + at, { device_model: 'x'.repeat(700) }),
    )
    for (const [at, event] of [...eventSlabs.keep(mapped(records), TICKET)].flat().entries()) {
      if (at % 100 === 0) staying.push({ event, texts: textsOf(event) })
      else eventSlabs.release(event)
    }
  }
  for (const { event, texts } of staying) assert.deepEqual(textsOf(event), texts)
  const slabs = new Set(staying.map(({ event }) => event.data))
  const held = [...slabs].reduce((sum, { length }) => sum + length, 0)
  // 1 % of 200 MB stay. The newest slabs, 16 MB, are left as they are.
  assert.ok(held < 24e6, `${held} bytes`)
})

test('the memory of events that are done with is let go, all but a little for the next ones', () => {
  const records = Array.from({ length: 1000 }, (_, at) => recordOf(at, { device_model: 'x'.repeat(20_000) }))
  const chunk = mapped(records)
  const eventSlabs = createEventSlabs()
  const before = memoryInUse()
  const events = [...eventSlabs.keep(chunk, TICKET)].flat()
  const held = memoryInUse() - before
  for (const event of events) eventSlabs.release(event)
  events.length = 0
  const left = memoryInUse() - before
  assert.ok(held > 40e6, `${held} bytes`)
  assert.ok(left < 6e6, `${left} bytes`)
})

function memoryInUse(): number {
  // What the first finds is freed by the second at the latest.
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().arrayBuffers
}

test('a chunk with holes, and one with an event larger than a slab', () => {
  const records = [0, 1, 2, 3, 4, 5].map((number) =>
    recordOf(number, number === 4 ? { device_model: 'é'.repeat(200_000) } : {}),
  )
  const chunk = mapped(records)
  chunk.outcomes[1] = outcomeOf('duplicate')
  chunk.outcomes[3] = outcomeOf('duplicate')
  const kept = [...createEventSlabs().keep(chunk, TICKET)].flat()
  assert.deepEqual(
    kept.map((event) => textsOf(event)[1]),
    [0, 2, 4, 5].map((number) => records[number]),
  )
  const bodyText = createRequestBuilder('key').build(kept).toString()
  assert.deepEqual(
    JSON.parse(bodyText).events,
    kept.map((event) => JSON.parse(textsOf(event)[0])),
  )
  assert.equal(chunk.outcomes.filter((outcome) => outcome === EVENT).length, kept.length)
})

test('the hash of an id is the same however it is written', () => {
  const ids = ['plain', 'été', '日本', 'say "hi"', '\u{1F600}', 'back\\slash']
  const kept = [
    ...createEventSlabs().keep(mapped(ids.map((id, at) => recordOf(at, { external_user_id: id }))), TICKET),
  ].flat()
  assert.deepEqual(
    kept.map(({ user, userHash }) => [user, userHash]),
    ids.map((id) => [id, hashOfId(id)]),
  )
})

test('a body whose memory was used before holds its own events only', () => {
  const kept = [...createEventSlabs().keep(mapped([0, 1, 2, 3].map((number) => recordOf(number))), TICKET)].flat()
  const builder = createRequestBuilder('key')
  const expected = createRequestBuilder('key').build(kept.slice(0, 2)).toString()
  builder.reuse(builder.build(kept))
  assert.equal(builder.build(kept.slice(0, 2)).toString(), expected)
})
