import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { braze2amp } from '../harness.ts'
import { createFastClock, records, uploadTo } from '../upload/harness.ts'
import { ok, type ScriptedAnswer, type ScriptedRequest, startScripted } from '../upload/scripted-server.ts'
import { exportsOf, figuresOf, replay, slowly, summaryIn } from './upload-harness.ts'

/** Answers that Amplitude never gives, and that a server in between may. */

const raw = (status: number, body: string): ScriptedAnswer => ({ status, body })

const HOSTILE_NUMBERS = [
  '0.5',
  '2.9999999',
  '-5',
  '-1e308',
  '1e308',
  '1e400',
  '1e-300',
  '99',
  '-0',
  '"1"',
  'null',
  '[1]',
  '{}',
]
const HOSTILE_LISTS = [
  '[0.5,-1,1e308,"0",null,[0]]',
  '{"0":0}',
  '"0"',
  '-1',
  'null',
  '[[0]]',
  '{"time":-1}',
  '{"time":{}}',
]
const LIST_FIELDS = [
  'silenced_events',
  'silenced_devices',
  'throttled_events',
  'throttled_devices',
  'throttled_users',
  'exceeded_daily_quota_devices',
  'exceeded_daily_quota_users',
  'events_with_invalid_fields',
  'events_with_missing_fields',
  'events_with_invalid_id_lengths',
]
const withAll = (fields: readonly string[], value: string) => fields.map((field) => `"${field}":${value}`).join(',')

const SUCCESSES = HOSTILE_NUMBERS.flatMap((number) => [
  raw(200, `{"code":200,"events_ingested":${number}}`),
  raw(200, `{"code":${number},"events_ingested":${number}}`),
])
const REFUSALS = HOSTILE_LISTS.map((value) => raw(400, `{"code":400,"error":"no",${withAll(LIST_FIELDS, value)}}`))
const THROTTLES = [...HOSTILE_NUMBERS, ...HOSTILE_LISTS].map((value) =>
  raw(429, `{"code":429,"eps_threshold":${value},"throttled_events":[0,0.5],${withAll(LIST_FIELDS.slice(3), value)}}`),
)

/** Two requests in a row are answered so, since a wrong count is believed at the second time, if at all; then one is taken. */
const inTurn =
  (answers: readonly ScriptedAnswer[]) =>
  ({ number, events }: ScriptedRequest) =>
    (number % 3 < 2 ? answers[Math.floor(number / 3)] : undefined) ?? ok(events)

for (const [name, answers] of [
  ['successes', SUCCESSES],
  ['refusals', REFUSALS],
] as const) {
  test(`after ${name} with wrong values the state is readable, the same command goes on and the books balance`, async (t) => {
    const server = await startScripted(t, inTurn(answers))
    const count = 3 * answers.length + 1
    const cwd = exportsOf(records(count))
    for (const words of [['--limit', String(answers.length)], []]) {
      const run = await replay({ cwd, url: server.url, words: [...slowly(1), ...words] })
      assert.ok(run.code === 0 || run.code === 3, `${run.code} ${run.stderr}`)
      const { read, accepted, rejected, warnings, pending } = summaryIn(run.stdout)
      assert.equal(pending, 0)
      for (const figure of [read, accepted, rejected.total, ...Object.values(warnings)]) {
        assert.ok(Number.isSafeInteger(figure) && figure >= 0, run.stdout)
      }
      const status = await braze2amp(['status', '--json'], { cwd })
      assert.equal(status.code, 0, status.stderr)
      assert.deepEqual(figuresOf(summaryIn(status.stdout)), figuresOf(summaryIn(run.stdout)))
    }
    assert.equal(new Set(server.requests.flatMap(({ events }) => events.map((event) => event.insert_id))).size, count)
  })
}

test('throttles with wrong values delay events, and lose none', async (t) => {
  const server = await startScripted(t, inTurn(THROTTLES))
  const settings = { batchSize: 2, concurrency: 1 }
  const upload = { url: server.url, records: records(160), settings, clock: createFastClock(1000) }
  const { counts, error, figures } = await uploadTo(upload)
  assert.deepEqual([error, counts.accepted], [null, 160])
  assert.ok(figures.eventsPerSecondOfIdentity >= 1)
  assert.ok(server.requests.length > 3 * THROTTLES.length)
})

describe('a server that echoes the key in every field, header and position', () => {
  const apiKey = '0a1b2c3d4e5f60718293a4b5c6d7e8f9'
  const base64 = Buffer.from(`${apiKey}:`).toString('base64')
  const spellings = [
    apiKey,
    apiKey.toUpperCase(),
    Array.from(apiKey, (each) => `%${each.charCodeAt(0).toString(16)}`).join(''),
    base64,
  ]
  /** The key stands across every place where a text may be cut. */
  const echo = [200, 400, 800, 1024, 2000, 4096].reduce(
    (text, cut) => `${text.padEnd(cut - 20, ' x')}${spellings.join(' ')}`,
    spellings.join(' '),
  )
  const lists = { [echo]: [0], [apiKey]: [0], time: [0] }
  const names = { [echo]: 1, [apiKey]: 1 }
  const fields = {
    error: echo,
    missing_field: echo,
    events_with_invalid_fields: lists,
    events_with_missing_fields: lists,
    events_with_invalid_id_lengths: lists,
    silenced_devices: [echo],
    throttled_devices: names,
    throttled_users: names,
    exceeded_daily_quota_devices: names,
  }
  const { error, missing_field } = fields

  /** 8 characters are enough to look for the rest. */
  function assertNowhere(text: string, where: string): void {
    for (const secret of [apiKey, base64.slice(0, 40)]) {
      for (let at = 0; at + 8 <= secret.length; at++) {
        const piece = secret.slice(at, at + 8)
        assert.ok(!text.toLowerCase().includes(piece.toLowerCase()), `${piece} is in ${where}: ${text.slice(0, 3000)}`)
      }
    }
  }

  for (const [status, body, code] of [
    [200, echo, 4],
    [200, { ...fields, ok: apiKey }, 4],
    [200, { code: 500, ...fields }, 4],
    [301, echo, 4],
    [400, { code: 400, ...fields }, 3],
    [400, { code: 400, ...fields, silenced_events: [0] }, 3],
    [400, { code: 400, error, missing_field }, 4],
    [400, { code: 400, error: `Invalid API key: ${echo}` }, 4],
    [400, { code: 400, error }, 3],
    [400, `<html>${echo}`, 3],
    [401, { code: 401, error }, 4],
    [403, { code: 403, error }, 3],
    [404, echo, 4],
    [413, { code: 413, error }, 3],
    [429, { code: 429, error }, 4],
    [503, echo, 4],
  ] as const) {
    test(`${status} ${JSON.stringify(body).slice(0, 40)}`, async (t) => {
      // The first and the last event are taken: what is refused between them is to blame itself.
      const server = await startScripted(t, ({ events }) =>
        code === 3 && /^e[03]$/.test(events[0]?.insert_id ?? '')
          ? ok(events)
          : { status, body, headers: { location: `https://${apiKey}.test/${echo}`, 'retry-after': apiKey } },
      )
      const cwd = exportsOf(records(4))
      const words = [...slowly(1), '--give-up-after', '1ms', '--summary', 'summary.json', '--yes']
      const run = await replay({ cwd, url: server.url, words, env: { AMPLITUDE_API_KEY: apiKey } })
      assert.equal(run.code, code, run.stderr)
      assert.match(`${run.stderr}${textsIn(join(cwd, '.braze2amp'))}`, /\[key\]/)
      assertNowhere(run.stdout, 'standard output')
      assertNowhere(run.stderr, 'standard error')
      assertNowhere(textsIn(cwd), 'the files')
    })
  }
})

/** The bytes of every file below. */
function textsIn(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}
