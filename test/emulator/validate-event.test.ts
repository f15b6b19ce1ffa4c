import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REFUSED_IDS } from '../../src/emulator/documented-limits.ts'
import { BATCH, eventsOf, HTTP, post, postRaw, start } from './harness.ts'

const EVENT = { event_type: 'a', user_id: 'user-1' }

function nested(levels: number): object {
  return levels === 1 ? {} : { inner: nested(levels - 1) }
}

const INVALID: readonly (readonly [field: string, ...values: unknown[]])[] = [
  ['time', '1700000000000', 1.5, 1e300, true],
  ['session_id', '-1', '5b1c7b1e-0000-4000-8000-000000000000', 0.5],
  ['quantity', '1', 1.5],
  ...['location_lat', 'location_lng', 'price', 'revenue'].map((field) => [field, '1.5', true, {}] as const),
  ...['platform', 'os_name', 'os_version', 'device_brand', 'device_model', 'carrier', 'country'].map(
    (field) => [field, 1, ['x']] as const,
  ),
  ...['region', 'city', 'language', 'idfa', 'adid', 'ip', 'currency', 'revenueType', 'library'].map(
    (field) => [field, 1, {}] as const,
  ),
  ['insert_id', 1, {}],
  ['event_type', 1],
  ['user_id', 12345],
  ['device_id', 12345],
  ...['event_properties', 'user_properties', 'groups', 'group_properties'].map(
    (field) => [field, 'text', ['x'], nested(41), { list: [nested(39)] }] as const,
  ),
]

for (const [field, ...values] of INVALID) {
  for (const value of values) {
    test(`${field} = ${JSON.stringify(value).slice(0, 40)} is an invalid field`, async (t) => {
      const emulator = await start(t)
      const reply = await post(emulator, [EVENT, { ...EVENT, [field]: value }])
      const error = 'Invalid field values on some events'
      assert.deepEqual(reply, { status: 400, body: { code: 400, error, events_with_invalid_fields: { [field]: [1] } } })
    })
  }
}

const VALID: readonly (readonly [string, object])[] = [
  ['time in seconds (taken for 1970)', { time: 1_700_000_000 }],
  ['no time', {}],
  ['session_id -1', { session_id: -1 }],
  ['40 levels', { event_properties: nested(40), user_properties: nested(40) }],
  ['null for a field', { city: null, event_properties: null, device_id: null, time: null }],
  ['a field that the page does not name', { made_up: 1 }],
  ['a whole number for a float', { price: 1, quantity: 2 }],
  ['a product with a price', { productId: 'p', price: 1.5 }],
  ['a product with a revenue', { productId: 'p', revenue: 1.5 }],
  ['a user of one character with min_id_length 1', { user_id: 'x' }],
]

for (const [what, fields] of VALID) {
  test(`${what} is accepted`, async (t) => {
    const emulator = await start(t)
    assert.equal((await post(emulator, [{ ...EVENT, ...fields }])).status, 200)
  })
}

const MISSING: readonly (readonly [string, object, readonly string[]])[] = [
  ['no identity', { user_id: undefined }, ['user_id', 'device_id']],
  ['null for both identities', { user_id: null, device_id: null }, ['user_id', 'device_id']],
  ['no event_type', { event_type: undefined }, ['event_type']],
  ['an empty event_type', { event_type: '' }, ['event_type']],
  ['a product without price and revenue', { productId: 'p' }, ['price']],
]

for (const [what, fields, missing] of MISSING) {
  test(`${what} is a missing field`, async (t) => {
    const emulator = await start(t)
    const reply = await post(emulator, [EVENT, { ...EVENT, ...fields }])
    const maps = { events_with_missing_fields: Object.fromEntries(missing.map((field) => [field, [1]])) }
    assert.deepEqual(reply, { status: 400, body: { code: 400, error: 'Request missing required field', ...maps } })
  })
}

for (const [path, indexes] of [
  [HTTP, (all: number[]) => all.slice(0, 1)],
  [BATCH, (all: number[]) => all],
] as const) {
  test(`${path} lists ${path === HTTP ? 'only the first index' : 'every index'} of each field`, async (t) => {
    const emulator = await start(t)
    const bad = [{ time: 'x' }, { time: 'x', city: 1 }, { city: 2 }, { event_type: '' }, { event_type: '' }]
    const short = [{ user_id: '' }, { user_id: '' }]
    const { body } = await post(
      emulator,
      [EVENT, ...[...bad, ...short].map((fields) => ({ ...EVENT, ...fields }))],
      path,
    )
    assert.deepEqual(body, {
      code: 400,
      error: 'Request missing required field',
      events_with_invalid_fields: { time: indexes([1, 2]), city: indexes([2, 3]) },
      events_with_missing_fields: { event_type: indexes([4, 5]) },
      events_with_invalid_id_lengths: { user_id: indexes([6, 7]) },
    })
  })
}

for (const [options, id, isShort] of [
  [undefined, 'abcd', true],
  [undefined, 'abcde', false],
  [{ min_id_length: 8 }, 'abcdefg', true],
  [{ min_id_length: 8 }, 'abcdefgh', false],
  [{ min_id_length: 1 }, '', true],
] as const) {
  const outcome = isShort ? 'is too short, even beside a good id' : 'is long enough'
  test(`with the options ${JSON.stringify(options)} the id "${id}" ${outcome}`, async (t) => {
    const emulator = await start(t)
    const event = { event_type: 'a', user_id: id, device_id: 'a-good-device' }
    const reply = await postRaw(emulator, HTTP, JSON.stringify({ api_key: 'key', events: [event], options }))
    const error = 'Invalid id length for user_id or device_id'
    const body = { code: 400, error, events_with_invalid_id_lengths: { user_id: [0] } }
    if (isShort) assert.deepEqual(reply, { status: 400, body })
    else assert.equal(reply.status, 200)
  })
}

for (const id of [...REFUSED_IDS, 'Anonymous', 'NULL', 'N/A'].filter((id) => id !== '')) {
  test(`the id ${id} is refused without an index, even beside a good id`, async (t) => {
    const emulator = await start(t)
    const body = { code: 400, error: 'Invalid user_id or device_id' }
    for (const identity of [
      { user_id: id, device_id: undefined },
      { user_id: 'user-1', device_id: id },
    ]) {
      assert.deepEqual(await post(emulator, [EVENT, { ...EVENT, ...identity }]), { status: 400, body })
    }
    assert.deepEqual(emulator.stats().refused, { refused_id: 2 })
  })
}

test('nothing of a refused request is taken: not counted, not remembered', async (t) => {
  const emulator = await start(t, { httpEventsPerSecond: 1, windowSeconds: 1 })
  const event = { ...EVENT, insert_id: 'i' }
  await post(emulator, [event, { ...EVENT, time: 'x' }])
  await post(emulator, [event, ...eventsOf(2)])
  assert.equal((await post(emulator, [event])).status, 200)
  const { unique, duplicates, accepted, refused } = emulator.stats()
  assert.deepEqual({ unique, duplicates, accepted }, { unique: 1, duplicates: 0, accepted: 1 })
  assert.deepEqual(refused, { invalid_events: 1, throttled: 1 })
})
