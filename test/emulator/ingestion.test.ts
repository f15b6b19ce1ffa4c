import assert from 'node:assert/strict'
import { test } from 'node:test'
import { APIS } from '../../src/emulator/documented-limits.ts'
import { createIngestion } from '../../src/emulator/ingestion.ts'

const DAY_MS = 24 * 60 * 60 * 1000

function createSubject() {
  const ingestion = createIngestion()
  return (name: 'http' | 'batch', nowMs: number, ...events: Record<string, unknown>[]) => {
    const api = APIS.find((known) => known.name === name)
    assert.ok(api)
    const { unique, outOfOrder } = ingestion.ingest(api, events, nowMs)
    return { unique: unique.map((event) => events.indexOf(event)), outOfOrder }
  }
}

test('HTTP V2 drops a repeat of insert_id and device_id, within a request and across requests', () => {
  const ingest = createSubject()
  const event = { device_id: 'd', insert_id: 'i' }
  assert.deepEqual(ingest('http', 0, event, { ...event }, { ...event, device_id: 'e' }).unique, [0, 2])
  assert.deepEqual(ingest('http', 1, event, { ...event, insert_id: 'j' }).unique, [1])
})

test('Batch drops a repeat of insert_id whatever the device', () => {
  const ingest = createSubject()
  assert.deepEqual(ingest('batch', 0, { device_id: 'd', insert_id: 'i' }).unique, [0])
  assert.deepEqual(ingest('batch', 1, { device_id: 'e', insert_id: 'i' }).unique, [])
})

test('without a device_id the user stands for the device', () => {
  const ingest = createSubject()
  assert.deepEqual(ingest('http', 0, { user_id: 'u', insert_id: 'i' }, { user_id: 'v', insert_id: 'i' }).unique, [0, 1])
  assert.deepEqual(ingest('http', 1, { user_id: 'u', insert_id: 'i' }).unique, [])
})

test('events without insert_id are never repeats', () => {
  const ingest = createSubject()
  assert.deepEqual(
    ingest('http', 0, { device_id: 'd' }, { device_id: 'd' }, { device_id: 'd', insert_id: null }).unique,
    [0, 1, 2],
  )
})

test('a change of API in mid-run is not forgiven', () => {
  const ingest = createSubject()
  assert.deepEqual(ingest('http', 0, { device_id: 'd', insert_id: 'i' }).unique, [0])
  assert.deepEqual(ingest('batch', 1, { device_id: 'd', insert_id: 'i' }).unique, [0])
})

test('an insert_id is remembered for 7 days from its first event, and a repeat does not prolong them', () => {
  const ingest = createSubject()
  const event = { device_id: 'd', insert_id: 'i' }
  assert.deepEqual(ingest('http', 0, event).unique, [0])
  for (let day = 1; day < 7; day++) {
    assert.deepEqual(ingest('http', day * DAY_MS, event, { device_id: 'd', insert_id: `day ${day}` }).unique, [1])
  }
  assert.deepEqual(ingest('http', 7 * DAY_MS - 1000, event).unique, [])
  assert.deepEqual(ingest('http', 7 * DAY_MS, event).unique, [0])
  assert.deepEqual(ingest('http', 8 * DAY_MS, event, { device_id: 'd', insert_id: 'day 2' }).unique, [])
  assert.deepEqual(ingest('http', 9 * DAY_MS, { device_id: 'd', insert_id: 'day 2' }).unique, [0])
})

test('an event older than an earlier one of its user, else of its device, is out of order; equal times are not', () => {
  const ingest = createSubject()
  assert.equal(ingest('http', 0, { user_id: 'u', time: 5 }, { user_id: 'u', time: 5 }).outOfOrder, 0)
  assert.equal(ingest('http', 1, { user_id: 'u', device_id: 'd', time: 4 }, { device_id: 'd', time: 1 }).outOfOrder, 1)
  assert.equal(ingest('batch', 2, { user_id: 'u', time: 4 }, { device_id: 'd', time: 2 }).outOfOrder, 1)
  assert.equal(ingest('batch', 3, { user_id: 'd', time: 0 }, { user_id: 'u' }).outOfOrder, 0)
})

test('a repeat is not out of order: it was there before', () => {
  const ingest = createSubject()
  const early = { user_id: 'u', insert_id: 'i', time: 1 }
  assert.equal(ingest('batch', 0, early, { user_id: 'u', insert_id: 'j', time: 2 }).outOfOrder, 0)
  assert.equal(ingest('batch', 1, early).outOfOrder, 0)
})
