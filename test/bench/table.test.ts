import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measured } from './measure.ts'
import { asMarkdown, asText, type Result } from './table.ts'

const run = (seconds: number, cpuSeconds: number, peakMegabytes: number): Measured => ({
  seconds,
  cpuSeconds,
  peakMegabytes,
})
const LOAD = { records: 3000, bytes: 6e6 }
// In the second round the machine was ten times as slow.
const RESULTS: readonly Result[] = [
  { name: 'slow', load: LOAD, runs: [run(4, 1, 50), run(40, 1, 50), run(6, 1, 50)], comparedWith: [] },
  { name: 'fast', load: LOAD, runs: [run(1, 2, 10), run(20, 4, 70), run(2, 1, 20)], comparedWith: ['slow', 'absent'] },
  { name: 'start', load: null, runs: [run(0.04, 0, 30), run(0.06, 0.1, 30)], comparedWith: [] },
]

test('the table has medians of runs, the most memory, and medians of the ratios of each round', () => {
  assert.equal(
    asText(RESULTS),
    [
      'case   records/s  MB/s  wall s  CPU s  peak MB  speed',
      'slow         500     1   6.000   1.00       50',
      'fast       1,500     3   2.000   2.00       70  3.00 x slow',
      'start                    0.050   0.05       30',
    ].join('\n'),
  )
})

test('the table is Markdown when it is asked for', () => {
  assert.equal(
    asMarkdown(RESULTS.slice(0, 1)),
    [
      '| case | records/s | MB/s | wall s | CPU s | peak MB | speed |',
      '| --- | ---: | ---: | ---: | ---: | ---: | --- |',
      '| slow | 500 | 1 | 6.000 | 1.00 | 50 |  |',
    ].join('\n'),
  )
})
