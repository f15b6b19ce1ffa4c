import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ApiName } from '../../src/amplitude/limits.ts'
import { type Answer, type Asked, classify, type Verdict } from '../../src/upload/classify.ts'

const KEY = 'c0ffee+key/1'

const EVENTS: Asked['events'] = [
  { user: 'u0', device: 'd0' },
  { user: 'u1', device: 'd1' },
  { user: 'u2', device: null },
  { user: null, device: 'd0' },
]

function response(
  status: number,
  body: object | string,
  more: Partial<Extract<Answer, { is: 'response' }>> = {},
): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { is: 'response', status, text, retryAfter: null, location: null, gzipped: false, ...more }
}

function verdictOf(answer: Answer, api: ApiName = 'http'): Verdict {
  return classify(answer, { events: EVENTS, api, key: KEY, wallClockMs: Date.UTC(2026, 0, 1) })
}

/** The verdict without its texts, with the error of a stop as its message. */
function inShort(verdict: Verdict): unknown {
  switch (verdict.do) {
    case 'deadLetter':
      return {
        do: 'deadLetter',
        dead: verdict.dead.map(({ at, reason }) => [at, reason]),
        holds: verdict.holds.map(({ identity, forMs, forQuota }) => [identity.id, forMs, forQuota]),
      }
    case 'hold':
      return {
        do: 'hold',
        holds: verdict.holds.map(({ identity, forMs, forQuota }) => [identity.kind, identity.id, forMs, forQuota]),
        eps: verdict.runEventsPerSecond,
      }
    case 'backOff':
      return {
        do: 'backOff',
        scope: verdict.scope,
        retryAfterMs: verdict.retryAfterMs,
        foreign: verdict.excerpt !== null,
      }
    case 'requestRefused':
      return { do: 'requestRefused', reason: verdict.reason }
    case 'stop':
      return { do: 'stop', exitCode: verdict.error.exitCode }
    case 'split':
    case 'sendPlain':
      return { do: verdict.do }
    case 'settle':
      return verdict
  }
}

const BACK_OFF = { do: 'backOff', scope: 'request', retryAfterMs: null, foreign: false }
const STOP = { do: 'stop', exitCode: 4 }
const REFUSED = { do: 'requestRefused', reason: 'invalid_event' }
const ok = (ingested: number) => ({
  code: 200,
  events_ingested: ingested,
  payload_size_bytes: 5,
  server_upload_time: 1_767_225_600_000,
})
const error = (code: number, text: string, more: object = {}) => ({ code, error: text, ...more })
const THROTTLED = 'Too many requests for some devices and users'

const ROWS: readonly (readonly [string, Answer, unknown])[] = [
  ['200 with N = sent', response(200, ok(4)), { do: 'settle', ingested: 4 }],
  ['200 with N < sent', response(200, ok(3)), { do: 'settle', ingested: 3 }],
  ['200 that does not say N', response(200, { code: 200 }), { do: 'settle', ingested: 4 }],
  ['200 and HTML', response(200, '<html>sign in</html>'), { ...BACK_OFF, foreign: true }],
  ['200 and other JSON', response(200, { ok: true }), { ...BACK_OFF, foreign: true }],
  ['200 and nothing', response(200, ''), { ...BACK_OFF, foreign: true }],
  ['201 and nothing', response(201, ''), { ...BACK_OFF, foreign: true }],
  ['202 and JSON', response(202, { queued: true }), { ...BACK_OFF, foreign: true }],
  ['202 that says 200', response(202, ok(4)), { ...BACK_OFF, foreign: true }],
  ['204', response(204, ''), { ...BACK_OFF, foreign: true }],
  ['299', response(299, ''), { ...BACK_OFF, foreign: true }],
  ['200 and a list', response(200, '[]'), { ...BACK_OFF, foreign: true }],
  ['200 whose body says 429', response(200, error(429, 'Too many requests')), { ...BACK_OFF, scope: 'run' }],
  [
    '400 with indexes of three maps',
    response(400, {
      ...error(400, 'Request missing required field'),
      events_with_invalid_fields: { time: [0], price: [0] },
      events_with_missing_fields: { event_type: [2] },
      events_with_invalid_id_lengths: { user_id: [3, 99] },
    }),
    {
      do: 'deadLetter',
      dead: [
        [0, 'invalid_event'],
        [2, 'invalid_event'],
        [3, 'invalid_event'],
      ],
      holds: [],
    },
  ],
  [
    '400 with indexes of nothing sent',
    response(400, error(400, 'x', { events_with_invalid_fields: { time: [7] } })),
    REFUSED,
  ],
  [
    '400 with maps of another shape',
    response(400, error(400, 'x', { events_with_invalid_fields: { time: 'all' } })),
    REFUSED,
  ],
  [
    '400 silenced, with what it throttles',
    response(400, {
      ...error(400, 'Events silenced for device_id'),
      silenced_devices: ['d1'],
      silenced_events: [1],
      throttled_devices: { d0: 40 },
      exceeded_daily_quota_devices: { d0: 500_001 },
    }),
    { do: 'deadLetter', dead: [[1, 'silenced_device']], holds: [['d0', 30_000, true]] },
  ],
  [
    '400 silenced by name alone',
    response(400, error(400, 'Events silenced for device_id', { silenced_devices: ['d0'] })),
    {
      do: 'deadLetter',
      dead: [
        [0, 'silenced_device'],
        [3, 'silenced_device'],
      ],
      holds: [],
    },
  ],
  ['400 silenced that names nothing sent', response(400, error(400, 'silenced', { silenced_devices: ['x'] })), REFUSED],
  ['400 API key', response(400, error(400, `Invalid API key: ${KEY}`)), STOP],
  [
    '400 missing api_key',
    response(400, error(400, 'Request missing required field', { missing_field: 'api_key' })),
    STOP,
  ],
  ['400 path', response(400, error(400, 'Invalid request path')), STOP],
  ['401', response(401, error(401, 'Unauthorized')), STOP],
  ['404', response(404, 'not here'), STOP],
  ['301', response(301, '', { location: `https://other/?k=${encodeURIComponent(KEY)}` }), STOP],
  ['418', response(418, ''), STOP],
  ['415 of a plain body', response(415, ''), STOP],
  ['400 without indexes', response(400, error(400, 'Invalid user_id or device_id')), REFUSED],
  ['400 invalid JSON', response(400, error(400, 'Invalid JSON request body')), REFUSED],
  ['400 and HTML', response(400, '<html>'), REFUSED],
  ['403', response(403, error(403, 'Forbidden')), { do: 'requestRefused', reason: 'forbidden' }],
  ['413', response(413, error(413, 'Payload too large')), { do: 'split' }],
  ['415 of a gzipped body', response(415, '', { gzipped: true }), { do: 'sendPlain' }],
  [
    'invalid JSON of a gzipped body',
    response(400, error(400, 'Invalid JSON request body'), { gzipped: true }),
    { do: 'sendPlain' },
  ],
  [
    'a bad event in a gzipped body',
    response(400, error(400, 'bad', { events_with_invalid_fields: { time: [1] } }), { gzipped: true }),
    { do: 'deadLetter', dead: [[1, 'invalid_event']], holds: [] },
  ],
  [
    '429 by name',
    response(
      429,
      error(429, THROTTLED, {
        eps_threshold: 10,
        throttled_devices: { d0: 45 },
        throttled_users: { u1: 31, x: 99 },
        throttled_events: [0, 1, 3],
      }),
    ),
    {
      do: 'hold',
      holds: [
        ['device', 'd0', 30_000, false],
        ['user', 'u1', 30_000, false],
      ],
      eps: 10,
    },
  ],
  [
    '429 by index alone: a device that Amplitude made up',
    response(429, error(429, THROTTLED, { throttled_devices: { '9f86d081': 45 }, throttled_events: [2] })),
    { do: 'hold', holds: [['user', 'u2', 30_000, false]], eps: null },
  ],
  [
    '429 daily quota',
    response(429, error(429, THROTTLED, { exceeded_daily_quota_users: { u0: 500_001 } })),
    { do: 'hold', holds: [['user', 'u0', 30_000, true]], eps: null },
  ],
  [
    '429 with a user that has the name of a device',
    response(429, error(429, THROTTLED, { throttled_users: { d0: 99 } })),
    { ...BACK_OFF, scope: 'run' },
  ],
  [
    '429 that names nobody',
    response(429, error(429, 'Too many requests'), { retryAfter: '7' }),
    { ...BACK_OFF, scope: 'run', retryAfterMs: 7000 },
  ],
  ['429 and HTML', response(429, '<html>'), { ...BACK_OFF, scope: 'run' }],
  ['500', response(500, error(500, 'oops')), BACK_OFF],
  ['502 and HTML', response(502, '<html>'), BACK_OFF],
  ['503 with seconds', response(503, '', { retryAfter: '120' }), { ...BACK_OFF, retryAfterMs: 120_000 }],
  [
    '503 with a date',
    response(503, '', { retryAfter: 'Thu, 01 Jan 2026 00:00:30 GMT' }),
    { ...BACK_OFF, retryAfterMs: 30_000 },
  ],
  ['504', response(504, ''), BACK_OFF],
  ['408', response(408, ''), BACK_OFF],
  ['a timeout', { is: 'failure', kind: 'timeout', message: 'Headers Timeout Error' }, BACK_OFF],
  ['a reset', { is: 'failure', kind: 'network', message: 'read ECONNRESET' }, BACK_OFF],
]

describe('each row of amplitude/README.md §4', () => {
  for (const [name, answer, expected] of ROWS) {
    test(name, () => assert.deepEqual(inShort(verdictOf(answer)), expected))
  }
})

test('Batch holds an identity half as long', () => {
  const verdict = verdictOf(response(429, error(429, THROTTLED, { throttled_devices: { d0: 1001 } })), 'batch')
  assert.deepEqual(inShort(verdict), { do: 'hold', holds: [['device', 'd0', 15_000, false]], eps: null })
})

test('the detail of a dead letter names the fields in Amplitude’s words', () => {
  const verdict = verdictOf(
    response(
      400,
      error(400, 'Invalid field values on some events', { events_with_invalid_fields: { time: [1], price: [1] } }),
    ),
  )
  assert.ok(verdict.do === 'deadLetter')
  assert.equal(verdict.dead[0]?.detail, 'Invalid field values on some events: invalid time, invalid price')
})

test('no verdict shows the key, in whatever form it comes back', () => {
  for (const echo of [KEY, encodeURIComponent(KEY), encodeURIComponent(KEY).toLowerCase(), KEY.toUpperCase()]) {
    for (const status of [200, 301, 400, 401, 403, 404, 413, 429, 500]) {
      for (const body of [`${echo} <html>`, JSON.stringify(error(status, `Invalid API key: ${echo}`))]) {
        const verdict = verdictOf(response(status, body, { location: `https://x/?k=${echo}` }))
        const shown = verdict.do === 'stop' ? `${verdict.error.message} ${verdict.error.hint}` : JSON.stringify(verdict)
        assert.ok(!shown.toLowerCase().includes(echo.toLowerCase()), `${status} ${shown}`)
      }
    }
  }
})
