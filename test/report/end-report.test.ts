import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StopCause } from '../../src/errors.ts'
import { endReport } from '../../src/report/end-report.ts'
import { summaryOf } from '../../src/report/summary.ts'
import { countsOf, NO_TRAFFIC, NOTHING_BOOKED } from '../../src/state/books.ts'

function lastLines(stopped: StopCause | null, isUpload: boolean): string {
  const traffic = { ...NO_TRAFFIC, requests: 1 }
  const upload = isUpload ? { traffic, eventsPerSecondOfIdentity: 30, resumed: false } : null
  const summary = summaryOf(countsOf(NOTHING_BOOKED), { durationMs: 0, stopped, exitCode: 0, upload })
  return endReport(summary, 'Title').split('\n').slice(4).join('\n')
}

test('a run that was asked to stop says so, and an upload how to go on', () => {
  assert.match(lastLines('limit', true), /^ {2}stopped {4}by --limit; the same command without it goes on$/m)
  assert.match(lastLines('signal', true), /^ {2}stopped {4}by a signal; the same command goes on$/m)
  assert.equal(lastLines('limit', false), '  stopped    by --limit')
  for (const stopped of [null, 'refused'] as const) assert.doesNotMatch(lastLines(stopped, true), /stopped/)
})

test('what the catalogue lacks is one line, and none when it lacks nothing', () => {
  const line = (
    types: Readonly<Record<string, number>>,
    versions: readonly (readonly [number, number])[],
    unknownFields: readonly string[] = [],
  ) => {
    const byType = new Map(
      Object.entries(types).map(([type, read]) => [type, { read, accepted: 0, rejected: 0, skipped: read }]),
    )
    const counts = { ...countsOf(NOTHING_BOOKED), byType }
    const summary = summaryOf(counts, { durationMs: 0, stopped: null, exitCode: 0, upload: null })
    return endReport(summary, 'Title', null, { newerVersions: new Map(versions), unknownFields })
      .split('\n')
      .slice(4)
      .join('\n')
  }
  const fax = (act: string) => `users.messages.fax.${act}`
  assert.equal(line({ 'users.messages.email.Open': 5 }, []), '')
  assert.equal(
    line({}, [], ['a', 'b', 'c', 'd']),
    '  drift      field a, field b, field c, more fields: beyond Currents v12, inspect says more',
  )
  assert.equal(
    line({ [fax('A')]: 1, [fax('B')]: 2000, [fax('C')]: 3, [fax('D')]: 1, [fax('E')]: 1 }, [
      [14, 1],
      [13, 2],
    ]),
    `  drift      ${fax('B')} 2,000, ${fax('C')} 3, ${fax('A')} 1, 2 more types, version=13 of 2 files, version=14 of 1 file: ` +
      'beyond Currents v12, inspect says more',
  )
})

test('each warning is a line of its own, with its number and its meaning', () => {
  const counts = countsOf({ ...NOTHING_BOOKED, warnings: { time_without_zone: 1200, long_string: 3 } })
  const report = endReport(summaryOf(counts, { durationMs: 0, stopped: null, exitCode: 0, upload: null }), 'Title')
  assert.deepEqual(
    report.split('\n').filter((text) => text.startsWith('  warning')),
    [
      '  warning         1,200  time_without_zone: its time names no zone, and is taken as UTC',
      '  warning             3  long_string: a text of more than 1,024 characters, where Amplitude cuts it',
    ],
  )
})
