import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/clock.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import { createUploader } from '../../src/upload/uploader.ts'
import { PLAIN, rawChunk, ticketFor } from '../harness.ts'
import { nothingSent, SETTINGS } from './harness.ts'

test('letters that cannot be written while lane files are being written end the run, not the process', async () => {
  const chunk = createChunkMapper(compileMapping(PLAIN))(
    rawChunk(
      ['{"broken', '{"id":"1","external_user_id":"u","time":1767225600}'].map((record) => Buffer.from(record)),
      { fileType: 'users.messages.email.Open', path: 'opens.ndjson' },
    ),
  )
  const failure = new AbortController()
  const uploader = createUploader({
    settings: { ...SETTINGS, concurrency: 1 },
    key: 'k',
    client: { post: () => new Promise(() => {}), sendPlain: () => {} },
    ledger: {
      acceptEvent: () => {},
      rejectEvent: () => {},
      recall: () => {},
      warn: () => {},
      hasTooManyErrors: () => false,
    },
    letters: {
      addEvent: () => {},
      addRecord: () => {},
      flush: async () => {
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
      },
      pendingBytes: () => 8 << 20,
    },
    lanes: {
      pendingBytes: 8 << 20,
      append: () => {},
      read: async () => [],
      delete: () => {},
      longest: () => 0,
      restored: () => [],
      // Long enough for a rejection that nobody has caught to be noticed.
      idle: () => sleep(20),
    },
    ...nothingSent(systemClock),
    types: { typeNames: chunk.typeNames, planOf: () => ({ number: 0 }) },
    clock: systemClock,
    random: () => 0.5,
    rejectsUnknown: false,
    onSettled: () => {},
    signal: new AbortController().signal,
    failure,
    tell: () => {},
  })
  await uploader.put(chunk, ticketFor(chunk.count))
  assert.match(String(failure.signal.reason), /cannot write to the state directory: ENOSPC/)
})
