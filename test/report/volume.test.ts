import assert from 'node:assert/strict'
import { test } from 'node:test'
import { volumeLines } from '../../src/report/volume.ts'

test('what does not fit into the table of volumes is one row, so that the shares are of all', () => {
  const volumes = Array.from({ length: 33 }, (_, i) => ({ type: `users.type${i}.Of`, events: (33 - i) * 1_000_000 }))
  const lines = volumeLines(volumes, 1234.5)
  assert.equal(lines.length, 35)
  assert.deepEqual(lines.slice(2, 5), [
    '       events   share       price  event type',
    '   33,000,000    5.9%   40,738.50  users.type0.Of',
    '   32,000,000    5.7%   39,504.00  users.type1.Of',
  ])
  assert.deepEqual(lines.slice(-2), [
    '    6,000,000    1.1%    7,407.00  3 more types; --json lists all',
    '  561,000,000  100.0%  692,554.50  in all',
  ])
})

test('without a price there is none, and what is nearly nothing is not nothing', () => {
  const volumes = [
    { type: 'a', events: 9999 },
    { type: 'b', events: 1 },
  ]
  assert.deepEqual(volumeLines(volumes, null).slice(2), [
    '  events   share  event type',
    '   9,999  100.0%  a',
    '       1   <0.1%  b',
    '  10,000  100.0%  in all',
  ])
})
