import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import { type Mapped, mapRecord, mapRecords, outcomesOf, PLAIN, rawChunk } from '../harness.ts'

const OPEN = 'users.messages.email.Open'
const CUSTOM = 'users.behaviors.CustomEvent'
const PURCHASE = 'users.behaviors.Purchase'
const SESSION = 'users.behaviors.app.SessionEnd'

function event(record: object, type: string | null = OPEN, options = {}) {
  const mapped = mapRecord(
    JSON.stringify({ id: 'e-1', external_user_id: 'u-1', time: 1767319200, ...record }),
    type,
    options,
  )
  assert.equal(mapped.outcome, 'event', mapped.detail)
  return JSON.parse(mapped.line ?? '')
}

function outcome(record: object, type: string | null = OPEN, options = {}): Mapped {
  return mapRecord(JSON.stringify({ id: 'e-1', external_user_id: 'u-1', time: 1767319200, ...record }), type, options)
}

describe('a record as Braze documents it', () => {
  test('becomes the purchase of the reference, byte for byte', () => {
    const record =
      '{"id":"7d1e","external_user_id":"u-1001","device_id":"D-77","time":1767319200,"product_id":"sku-9",' +
      '"price":19.989999771118164,"currency":"EUR","platform":"ios","properties":"{\\"coupon\\":\\"JAN\\"}"}'
    assert.equal(
      mapRecord(record, PURCHASE).line,
      '{"event_type":"[Appboy] Purchase","user_id":"u-1001","device_id":"D-77","time":1767319200000,"insert_id":"7d1e",' +
        '"library":"Braze","productId":"sku-9","price":19.99,' +
        '"event_properties":{"currency":"EUR","platform":"ios","[Purchase property] coupon":"JAN"}}',
    )
  })

  test('with white space, in any key order, gives the same bytes', () => {
    const plain = '{"id":"a","external_user_id":"u","time":1767319200,"campaign_id":"c","is_amp":true}'
    const spaced = '{ "is_amp" : true , "campaign_id":\t"c", "time": 1767319200,\r "external_user_id": "u", "id": "a" }'
    assert.equal(mapRecord(spaced, OPEN).line, mapRecord(plain, OPEN).line)
  })

  test('without any property has an empty event_properties', () => {
    assert.deepEqual(event({}).event_properties, {})
  })
})

describe('time', () => {
  for (const [given, expected] of [
    [1767319200, 1767319200000],
    [1767319200123, 1767319200123],
    [1767319200.25, 1767319200250],
    ['1767319200', 1767319200000],
    ['2026-01-02T02:00:00Z', 1767319200000],
    ['2026-01-02 02:00:00.125', 1767319200125],
    ['2026-01-02T04:00:00+02:00', 1767319200000],
    ['2026-01-01 18:00:00.000 -0800', 1767319200000],
    ['2026-01-02', 1767312000000],
    ['2026-01-02 02:00:00+00', 1767319200000],
    ['2026-01-02 02:00:00.000000 UTC', 1767319200000],
    ['2026-01-02 02:00:00 +0000 UTC', 1767319200000],
    ['2026-01-02 03:00:00.5 +0100 CET', 1767319200500],
    ['2026-01-02 02:00:00.123456789012 UTC', 1767319200123],
    ['20260102T020000Z', 1767319200000],
    ['20260102T020000.25', 1767319200250],
    ['20260102T0300+0100', 1767319200000],
    ['2026-01-02 02:00:00.123456', 1767319200123],
    ['1767319200.0', 1767319200000],
    ['1767319200000', 1767319200000],
    [' 1767319200 ', 1767319200000],
    [1767319200123456, 1767319200123],
    ['1767319200999999999', 1767319200999],
    ['1767319200.9999', 1767319200999],
    ['2026-01-02T02:00:00.9999Z', 1767319200999],
    [946684800, 946684800000],
    [4102444799.999, 4102444799999],
    ['2000-01-01', 946684800000],
    ['2099-12-31 23:59:59', 4102444799000],
  ] as const) {
    test(`${JSON.stringify(given)} is ${expected} ms`, () => assert.equal(event({ time: given }).time, expected))
  }

  const NO_TIME = /^time is not a time: /
  for (const [given, why] of [
    [null, /^time is missing$/],
    ['yesterday', NO_TIME],
    ['2026-02-30', NO_TIME],
    ['2026-01-02T25:00:00Z', NO_TIME],
    ['2026-01-02 02:00:00 CET', NO_TIME],
    ['2026-01-02 02:00:00 +0100 PM', NO_TIME],
    ['2026-0102T02:00:00', NO_TIME],
    ['20260102T250000', NO_TIME],
    ['2026-01-02T02:00:00+01:60', NO_TIME],
    ['', NO_TIME],
    [true, NO_TIME],
    [{}, NO_TIME],
    [[], NO_TIME],
    [1e300, NO_TIME],
    ['1,76732E+09', NO_TIME],
    [0, /^time is out of range: 0 would be 1970-01-01T00:00:00.000Z, not from 2000 to 2099$/],
    [-1767319200, /^time is out of range: -1767319200 would be 1913-/],
    [946684799.999, /^time is out of range: 946684799.999 would be 1999-12-31T23:59:59.999Z/],
    [4102444800, /^time is out of range: 4102444800 would be 2100-01-01T00:00:00.000Z/],
    [20260102, /^time is out of range: 20260102 would be 1970-08-23T11:48:22.000Z/],
    ['20260102', /^time is out of range: "20260102" would be 1970-08-23T11:48:22.000Z/],
    [20260102020000, /^time is out of range: 20260102020000 would be 2612-01-07T/],
    [46024.0833333333, /^time is out of range: 46024.0833333333 would be 1970-01-01T12:47:04.083Z/],
    ['1999-12-31T23:59:59Z', /^time is out of range: "1999-12-31T23:59:59Z" would be 1999-/],
    ['2099-12-31T23:59:59-01:00', /^time is out of range: "2099-12-31T23:59:59-01:00" would be 2100-/],
    ['9999-12-31', /^time is out of range: "9999-12-31" would be 9999-/],
    ['1767319200000000000000', /^time is out of range: /],
    [
      '1.76732E+09',
      /^time has lost its seconds: "1.76732E\+09" would be 2026-01-02T02:13:20.000Z; write it again as a whole number of seconds$/,
    ],
  ] as const) {
    test(`${JSON.stringify(given)} makes the record malformed`, () => {
      const { outcome: reason, detail } = outcome({ time: given })
      assert.equal(reason, 'malformed')
      assert.match(detail ?? '', why)
    })
  }

  test('in exponent form counts when the digits that are written tell the second', () => {
    const timeOf = (written: string) => {
      const { line, detail } = mapRecord(`{"id":"e-1","external_user_id":"u-1","time":${written}}`, OPEN)
      return line === null ? (detail ?? '').replace(/:.*/, '') : JSON.parse(line).time
    }
    for (const [number, expected] of [
      ['1.767319261E9', 1767319261000],
      ['1.767319200e+09', 1767319200000],
      ['1.7673192005E9', 1767319200500],
      ['17673192610E-1', 1767319261000],
      ['1.767319261E12', 1767319261000],
      ['1.767319261123E+12', 1767319261123],
      ['1.767319261123456789E18', 1767319261123],
      ['1.76731926E9', 'time has lost its seconds'],
      ['1.76731926e12', 'time has lost its seconds'],
      ['1.767E+18', 'time has lost its seconds'],
      ['176732e4', 'time has lost its seconds'],
      ['2E9', 'time has lost its seconds'],
      ['1E99999999999', 'time is not a time'],
      ['1E-99999999999', 'time is out of range'],
    ]) {
      assert.equal(timeOf(String(number)), expected, String(number))
      assert.equal(timeOf(`"${number}"`), expected, `"${number}"`)
    }
  })

  test('gives the same millisecond in every unit and spelling', () => {
    const earliest = 946684800n * 10n ** 9n
    const latest = 4102444800n * 10n ** 9n - 1n
    fc.assert(
      fc.property(fc.bigInt({ min: earliest, max: latest }), (nanoseconds) => {
        const seconds = String(nanoseconds).slice(0, -9)
        const fraction = String(nanoseconds).slice(-9)
        const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
        const numbers = [
          `${nanoseconds}`,
          `${nanoseconds / 1000n}`,
          `${nanoseconds / 1_000_000n}`,
          `${seconds}.${fraction}`,
          `${seconds}${fraction}E-9`,
          `${nanoseconds / 1000n}.5e0`,
        ]
        const texts = [
          ...numbers,
          `${text}.${fraction}Z`,
          `${text.replace('T', ' ')}.${fraction}`,
          `${text}.${fraction} +0000`,
        ]
        for (const written of [...numbers, ...texts.map((value) => `"${value}"`)]) {
          const { line, detail } = mapRecord(`{"id":"e-1","external_user_id":"u-1","time":${written}}`, OPEN)
          assert.equal(JSON.parse(line ?? '{}').time, Number(nanoseconds / 1_000_000n), `${written}: ${detail}`)
        }
      }),
    )
  })

  test('is malformed before the event type is unknown', () => {
    assert.equal(outcome({ time: 'x' }, 'users.messages.fax.Send').outcome, 'malformed')
  })
})

describe('identity', () => {
  test('is the external_user_id and the device_id; the internal user_id is not sent', () => {
    const { user_id, device_id } = event({ user_id: 'internal', device_id: 'd' })
    assert.deepEqual([user_id, device_id], ['u-1', 'd'])
  })

  test('may be the device alone', () => {
    const sent = event({ external_user_id: null, device_id: 'd' })
    assert.ok(!('user_id' in sent))
    assert.equal(sent.device_id, 'd')
  })

  test('of neither is skipped', () => {
    assert.equal(outcome({ external_user_id: null, user_id: 'internal' }).outcome, 'no_identity')
  })

  test('that is a number goes out as text', () => assert.equal(event({ external_user_id: 12345 }).user_id, '12345'))

  for (const id of [
    'anonymous',
    'Anonymous',
    'NULL',
    'n/a',
    '',
    '0',
    '-1',
    '{}',
    'lmy47d',
    `${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`,
  ]) {
    test(`${JSON.stringify(id)} beside a good id is left out with a warning`, () => {
      const mapped = outcome({ external_user_id: id, device_id: 'good' })
      assert.deepEqual([mapped.outcome, mapped.warnings], ['event', ['id_dropped']])
      assert.ok(!('user_id' in JSON.parse(mapped.line ?? '')))
    })

    test(`${JSON.stringify(id)} alone is an invalid identity`, () => {
      const mapped = outcome({ external_user_id: id })
      assert.deepEqual([mapped.outcome, mapped.warnings, mapped.line], ['invalid_identity', [], null])
    })
  }
})

describe('insert_id', () => {
  test('is made from source, position and event when the record has no id', () => {
    const [first, second, third] = mapRecords(Array(3).fill('{"external_user_id":"u","time":1767319200}'), {
      source: { fileType: OPEN },
    })
    const id = (mapped: Mapped | undefined) => JSON.parse(mapped?.line ?? '').insert_id
    assert.match(id(first), /^[0-9a-f]{32}$/)
    assert.equal(new Set([id(first), id(second), id(third)]).size, 3)
    assert.deepEqual(first?.warnings, ['id_missing'])
    const again = mapRecords(Array(3).fill('{"external_user_id":"u","time":1767319200}'), {
      source: { fileType: OPEN },
    })
    assert.equal(again[1]?.line, second?.line)
    const elsewhere = mapRecords(['{"external_user_id":"u","time":1767319200}'], {
      source: { fileType: OPEN, headHash: () => 'other' },
    })
    assert.notEqual(id(elsewhere[0]), id(first))
  })
})

describe('event type', () => {
  test('of the record wins over the file, with a warning', () => {
    const mapped = outcome({ event_type: 'users.messages.email.Click' })
    assert.equal(JSON.parse(mapped.line ?? '').event_type, '[Appboy] Email Click')
    assert.deepEqual(mapped.warnings, ['event_type_mismatch'])
  })

  test('that agrees with the file gives no warning', () => {
    assert.deepEqual(outcome({ event_type: OPEN }).warnings, [])
  })

  test('field that names no Currents type does not count', () => {
    const mapped = outcome({ event_type: 'enter' })
    assert.deepEqual([mapped.outcome, mapped.warnings], ['event', []])
  })

  test('of the command line wins over both', () => {
    const mapped = outcome({ event_type: 'users.messages.email.Click' }, OPEN, {
      eventType: 'users.messages.email.Send',
    })
    assert.equal(JSON.parse(mapped.line ?? '').event_type, '[Appboy] Email Send')
  })

  test('that the catalogue lacks is skipped as unknown', () => {
    assert.equal(outcome({}, 'users.messages.fax.Send').outcome, 'unknown_event_type')
    assert.equal(outcome({ event_type: 'users.messages.fax.Send' }, null).outcome, 'unknown_event_type')
  })

  test('that the connector does not send is skipped as not exported', () => {
    assert.equal(outcome({}, 'users.messages.rcs.Send').outcome, 'not_exported')
  })

  test('that neither record nor file names makes the record malformed', () => {
    assert.equal(outcome({}, null).outcome, 'malformed')
  })
})

describe('filters', () => {
  test('include and exclude take globs in which a star matches dots', () => {
    assert.equal(outcome({}, OPEN, { include: ['users.messages.*'] }).outcome, 'event')
    assert.equal(outcome({}, OPEN, { include: ['*.Click'] }).outcome, 'filtered')
    assert.equal(outcome({}, OPEN, { exclude: ['*.email.*'] }).outcome, 'filtered')
  })

  test('since is inclusive, until exclusive', () => {
    const at = 1767319200000
    assert.equal(outcome({}, OPEN, { sinceMs: at }).outcome, 'event')
    assert.equal(outcome({}, OPEN, { sinceMs: at + 1 }).outcome, 'filtered')
    assert.equal(outcome({}, OPEN, { untilMs: at }).outcome, 'filtered')
    assert.equal(outcome({}, OPEN, { untilMs: at + 1 }).outcome, 'event')
  })

  test('come before identity, and after not exported', () => {
    assert.equal(outcome({ external_user_id: null }, OPEN, { exclude: [OPEN] }).outcome, 'filtered')
    assert.equal(outcome({}, 'users.messages.rcs.Send', { exclude: ['*'] }).outcome, 'not_exported')
  })
})

describe("the customer's own properties", () => {
  const custom = (properties: unknown) => outcome({ name: 'signed_up', properties }, CUSTOM)
  const propertiesOf = (mapped: Mapped) => JSON.parse(mapped.line ?? '').event_properties

  test('go out behind their prefix, in input order, nulls left out', () => {
    const { line } = custom('{"z":1,"10":true,"a":null,"2":"x"}')
    assert.match(
      line ?? '',
      /"event_properties":\{"\[Custom event property\] z":1,"\[Custom event property\] 10":true,"\[Custom event property\] 2":"x"\}/,
    )
  })

  test('keep lists, objects, digits beyond 2^53 and text as they are', () => {
    const properties =
      '{"ids":[1, 9007199254740993],"o":{"b":{"a":12345678901234567890123}},"t":"a\\\\b\\"c\\u00e9\\n"}'
    const { line } = custom(properties)
    assert.ok(line?.includes('"[Custom event property] ids":[1,9007199254740993]'))
    assert.ok(line?.includes('"[Custom event property] o":{"b":{"a":12345678901234567890123}}'))
    assert.equal(propertiesOf(custom(properties))['[Custom event property] t'], 'a\\b"cé\n')
  })

  test('named like a prototype do no harm', () => {
    assert.ok(custom('{"__proto__":1,"constructor":2}').line?.includes('"[Custom event property] __proto__":1'))
  })

  test('that look like an Avro union stay what they are', () => {
    assert.deepEqual(propertiesOf(custom({ string: 'x' })), { '[Custom event property] string': 'x' })
    assert.deepEqual(propertiesOf(custom('{"a":{"string":"x"}}')), { '[Custom event property] a': { string: 'x' } })
  })

  test('as a union-wrapped JSON string are read', () => {
    assert.deepEqual(propertiesOf(custom({ string: '{"plan":"pro"}' })), { '[Custom event property] plan': 'pro' })
  })

  for (const text of ['{"a":', 'plain', '{"a":1} trailing', "{'a':1}", '[1,2]', '5', '"text"']) {
    test(`${JSON.stringify(text)}, which is no JSON object, goes out whole with a warning`, () => {
      const mapped = custom(text)
      assert.deepEqual(propertiesOf(mapped), { '[Custom event property] _raw': text })
      assert.deepEqual(mapped.warnings, ['properties_not_json'])
    })
  }

  test('that are a list go out the same however it is laid out', () => {
    for (const list of ['["a",1.5,{"b":"/"}]', '[ "a",\t1.50, { "b" : "\\/" } ]']) {
      const record = `{"id":"e","external_user_id":"u","time":1767319200,"name":"n","properties":${list}}`
      const raw = propertiesOf(mapRecord(record, CUSTOM))['[Custom event property] _raw']
      assert.equal(raw, '["a",1.5,{"b":"/"}]', list)
    }
  })

  for (const text of ['null', '{}', '', null]) {
    test(`${JSON.stringify(text)} is none`, () => {
      const mapped = custom(text)
      assert.deepEqual([propertiesOf(mapped), mapped.warnings], [{}, []])
    })
  }

  test('of a shorter text after a longer one are its own', () => {
    const records = ['{"a":"a long text that stays in memory"}', '{"a":1'].map((properties) =>
      JSON.stringify({ id: properties, external_user_id: 'u', time: 1767319200, name: 'n', properties }),
    )
    const [, second] = mapRecords(records, { source: { fileType: CUSTOM } })
    assert.deepEqual(propertiesOf(second as Mapped), { '[Custom event property] _raw': '{"a":1' })
  })

  test('need a name on a custom event', () => {
    assert.equal(outcome({ properties: '{}' }, CUSTOM).outcome, 'malformed')
  })
})

describe('values', () => {
  for (const [given, expected] of [
    [3.140000104904175, '3.14'],
    [3.14, '3.14'],
    [0.30000001192092896, '0.3'],
    [0.1 + 0.2, '0.30000000000000004'],
    [1234567.875, '1234567.9'],
    [16777217, '16777217'],
    [-0.5, '-0.5'],
  ] as const) {
    test(`the float ${given} goes out as ${expected}`, () => {
      assert.ok(outcome({ duration: given }, SESSION).line?.includes(`"duration":${expected}}`))
    })
  }

  test('escapes take one form, whatever form they came in', () => {
    const { line } = mapRecord(
      '{"id":"a","external_user_id":"u","time":1767319200,"campaign_name":"\\u0041\\/\\u00e9\\ud83d\\ude00\\u000a\\u2028\\ud800"}',
      OPEN,
    )
    assert.ok(line?.includes(`"campaign_name":"A/é😀\\n\u2028\\ud800"`), line ?? '')
  })

  test('and keys may be written with escapes anywhere', () => {
    const record =
      '{"i\\u0064":"a","external_user_id":"u","time":"2026-01-02T02:00:00\\u002B00:00","ad_id":"A","ad_id_type":"google\\u005fad_id",' +
      '"event_type":"users.messages.pushnotification.O\\u0070en","campaign\\u005fid":"c"}'
    const sent = JSON.parse(mapRecord(record, null).line ?? '')
    assert.deepEqual(
      [sent.insert_id, sent.time, sent.adid, sent.event_properties.campaign_id],
      ['a', 1767319200000, 'A', 'c'],
    )
  })

  test('of repeated keys of the customer the last wins, and none is written twice', () => {
    for (const [properties, expected] of [
      ['{"a":1,"a":2}', { a: 2 }],
      ['{"a":{"x":[1]},"b":"two","a":3,"c":true}', { b: 'two', a: 3, c: true }],
      ['{"a":1,"b":2,"a":3,"b":4,"a":5}', { b: 4, a: 5 }],
      ['{"a":1,"\\u0061":2}', { a: 2 }],
      ['{"a":1,"b":2,"a":null}', { b: 2 }],
      ['{"a":null,"a":2}', { a: 2 }],
      ['{"aa":1,"a":2,"ba":3}', { aa: 1, a: 2, ba: 3 }],
    ] as const) {
      for (const own of [properties, JSON.stringify(properties)]) {
        const record = `{"id":"1","external_user_id":"u","time":1767319200,"name":"n","properties":${own}}`
        const line = mapRecord(record, CUSTOM).line ?? ''
        const written = Object.entries(expected).map(([key, value]) => [`[Custom event property] ${key}`, value])
        assert.ok(line.endsWith(`"event_properties":${JSON.stringify(Object.fromEntries(written))}}`), line)
      }
    }
  })

  test('of more keys than Amplitude takes, all are written', () => {
    const properties = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`key${i}`, i]))
    const record = {
      id: '1',
      external_user_id: 'u',
      time: 1767319200,
      name: 'n',
      properties: JSON.stringify(properties),
    }
    const { event_properties } = JSON.parse(mapRecord(JSON.stringify(record), CUSTOM).line ?? '')
    assert.equal(Object.keys(event_properties).length, 2500)
  })

  test('of repeated keys the last wins', () => {
    const { line } = mapRecord(
      '{"id":"a","external_user_id":"u","time":1767319200,"campaign_id":"x","campaign_id":"y"}',
      OPEN,
    )
    assert.ok(line?.includes('"event_properties":{"campaign_id":"y"}'))
  })

  test('in a union wrapper are unwrapped, items of lists too', () => {
    const record = {
      external_user_id: { string: 'u-9' },
      is_amp: { boolean: true },
      campaign_name: { string: 'x' },
      suspected_bot_click_reason: { array: [{ string: 'a' }, 'b'] },
      canvas_id: null,
    }
    const sent = event(record, 'users.messages.email.Click')
    assert.equal(sent.user_id, 'u-9')
    assert.deepEqual(sent.event_properties, {
      campaign_name: 'x',
      is_amp: true,
      suspected_bot_click_reason: ['a', 'b'],
    })
  })

  test('card_id is the content_card_id when its own field is absent', () => {
    const type = 'users.messages.contentcard.Click'
    assert.deepEqual(event({ content_card_id: 'c' }, type).event_properties, { card_id: 'c' })
    assert.deepEqual(event({ content_card_id: 'c', card_id: 'own' }, type).event_properties, { card_id: 'own' })
  })

  test('an advertising id goes to the field of its platform, or nowhere', () => {
    const of = (ad_id_type: string) => event({ ad_id: 'A', ad_id_type }, 'users.messages.pushnotification.Open')
    assert.equal(of('ios_idfa').idfa, 'A')
    assert.equal(of('google_ad_id').adid, 'A')
    const other = of('roku_ad_id')
    assert.ok(!('idfa' in other) && !('adid' in other))
    assert.equal(other.event_properties.ad_id, 'A')
  })
})

describe('the Custom HTTP form', () => {
  const http = {
    event_type: CUSTOM,
    id: 'h-1',
    time: 1767319200,
    user: { user_id: 'internal', external_user_id: 'u-7', device_id: 'd-7', timezone: 'UTC' },
    properties: { app_id: 'app', platform: 'ios', name: 'signed_up', custom_properties: { plan: 'pro', big: 1 } },
  }

  test('is the same as the flat record', () => {
    const flat = {
      id: 'h-1',
      time: 1767319200,
      external_user_id: 'u-7',
      device_id: 'd-7',
      app_id: 'app',
      platform: 'ios',
      name: 'signed_up',
      properties: '{"plan":"pro","big":1}',
    }
    assert.equal(mapRecord(JSON.stringify(http), null).line, mapRecord(JSON.stringify(flat), CUSTOM).line)
  })

  test('keeps id, time and event type of the record itself', () => {
    const nested = { ...http, properties: { ...http.properties, id: 'x', time: 5, event_type: 'enter' } }
    assert.equal(mapRecord(JSON.stringify(nested), null).line, mapRecord(JSON.stringify(http), null).line)
  })

  test('keeps its user beside a property that is called user', () => {
    const nested = { ...http, properties: { ...http.properties, user: 'x' } }
    assert.equal(mapRecord(JSON.stringify(nested), null).line, mapRecord(JSON.stringify(http), null).line)
  })

  test('takes purchase_properties, and properties.properties', () => {
    for (const key of ['purchase_properties', 'properties']) {
      const purchase = {
        ...http,
        event_type: PURCHASE,
        properties: { product_id: 'p', price: 2.5, [key]: { size: 'L' } },
      }
      const sent = JSON.parse(mapRecord(JSON.stringify(purchase), null).line ?? '')
      assert.deepEqual(sent.event_properties, { '[Purchase property] size': 'L' })
      assert.deepEqual([sent.productId, sent.price], ['p', 2.5])
    }
  })
})

describe('a Snowflake share', () => {
  const row = { CAMPAIGN_ID: 'internal', CAMPAIGN_API_ID: 'api', CANVAS_ID: 'internal', CANVAS_API_ID: null }

  test('has the ids that the connector sends in its api columns', () => {
    const mapped = mapRecords([JSON.stringify({ ID: 'a', TIME: 1767319200, EXTERNAL_USER_ID: 'u', ...row })], {
      source: { fileType: OPEN, isShare: true },
    })
    assert.deepEqual(JSON.parse(mapped[0]?.line ?? '').event_properties, { campaign_id: 'api' })
  })

  test('is known by SF_CREATED_AT too', () => {
    assert.deepEqual(event({ ...row, SF_CREATED_AT: '2026-01-01' }).event_properties, { campaign_id: 'api' })
    assert.deepEqual(event(row).event_properties, { campaign_id: 'internal', canvas_id: 'internal' })
  })
})

describe('malformed records', () => {
  for (const [record, reason] of [
    ['[1,2]', /not a JSON object/],
    ['"text"', /not a JSON object/],
    ['42', /not a JSON object/],
    ['{"id":"a"', /ends too early/],
    ['{"id":"a"} x', /invalid JSON/],
    ['{"id":"a",}', /invalid JSON/],
    ['{"id":01}', /invalid JSON/],
    ['{"id":"a\tb"}', /invalid JSON/],
    ['{"id":"a\0b"}', /NUL byte/],
    ["{'id':'a'}", /invalid JSON/],
    ['{"a":"\\x"}', /invalid JSON/],
    ['{"a":NaN}', /invalid JSON/],
  ] as const) {
    test(`${JSON.stringify(record)} costs itself alone`, () => {
      const good = '{"id":"g","external_user_id":"u","time":1767319200}'
      const mapped = mapRecords([good, record, good], { source: { fileType: OPEN } })
      assert.deepEqual(
        mapped.map((one) => one.outcome),
        ['event', 'malformed', 'event'],
      )
      assert.match(mapped[1]?.detail ?? '', reason)
      assert.equal(mapped[0]?.line, mapped[2]?.line)
    })
  }
})

describe('enriched', () => {
  test('adds Amplitude’s own fields and keeps the properties', () => {
    const sent = event({ latitude: 48.85, longitude: 2.35, platform: 'ios' }, 'users.behaviors.Location', {
      profile: 'enriched',
    })
    assert.deepEqual([sent.platform, sent.location_lat, sent.location_lng], ['ios', 48.85, 2.35])
    assert.equal(sent.event_properties.platform, 'ios')
    assert.equal(sent.$skip_user_properties_sync, true)
  })

  test('is not needed to skip the sync of user properties', () => {
    assert.equal(event({}, OPEN, { ...PLAIN, skipUserPropertiesSync: true }).$skip_user_properties_sync, true)
  })
})

describe('a chunk whose bytes are used again for the next', () => {
  test('does not change which type the next record names', () => {
    const record = (type: string) =>
      Buffer.from(JSON.stringify({ event_type: type, id: '1', external_user_id: 'u', time: 1767319200 }))
    const map = createChunkMapper(compileMapping(PLAIN))
    const first = rawChunk([record('users.messages.email.Open')])
    assert.match(outcomesOf(map(first))[0]?.line ?? '', /Email Open/)
    const second = rawChunk([record('users.messages.email.Send')])
    first.bytes.set(second.bytes)
    assert.match(outcomesOf(map(first))[0]?.line ?? '', /Email Send/)
  })
})
