import assert from 'node:assert/strict'
import { test } from 'node:test'
import { etaText, type Picture, progressText } from '../../src/report/progress.ts'

const UPLOAD = {
  eventsPerSecond: 100,
  inFlight: 4,
  held: 2,
  deferred: 1200,
  retries: 5,
  waiting: 500,
  longestLane: 0,
  eventsPerSecondOfIdentity: 30,
}
const PICTURE: Picture = {
  records: 12_345,
  bytes: 2_000_000,
  totalBytes: 8_000_000,
  accepted: 11_000,
  rejected: 3,
  elapsedMs: 10_000,
  upload: UPLOAD,
}

test('a line says where an upload stands', () => {
  assert.equal(
    progressText(PICTURE),
    '12,345 read, 2.0 MB of 8.0 MB · 11,000 accepted · 100/s · 4 in flight · 2 held · 1,200 deferred · 3 rejected · 5 retries · ETA 30 s (throughput)',
  )
  assert.equal(
    progressText({ ...PICTURE, upload: null }),
    '12,345 read, 2.0 MB of 8.0 MB · 3 rejected · ETA 30 s (reading)',
  )
})

for (const [name, changed, expected] of [
  [
    'a busy device is slower than the rest',
    { upload: { ...UPLOAD, longestLane: 54_000 } },
    'ETA 30 min (the limit of one device or user)',
  ],
  ['all is read', { bytes: 8_000_000 }, 'ETA 5 s (throughput)'],
  ['the size is not known', { totalBytes: null }, 'ETA unknown'],
  ['nothing was read yet', { bytes: 0 }, 'ETA unknown'],
  ['all is done', { bytes: 8_000_000, upload: { ...UPLOAD, waiting: 0 } }, 'ETA 0 s'],
] as const) {
  test(`the ETA when ${name}`, () => assert.equal(etaText({ ...PICTURE, ...changed }), expected))
}
