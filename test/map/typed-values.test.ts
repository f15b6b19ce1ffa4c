import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { memoryInput, readInput } from '../conformance/read.ts'
import { mapRecord } from '../harness.ts'

const CLICK = 'users.messages.email.Click'
const PURCHASE = 'users.behaviors.Purchase'
const SESSION = 'users.behaviors.app.SessionEnd'
const FAILURE = 'users.messages.webhook.Failure'

const FIELDS = '"id":"1","external_user_id":"u","time":1767319200'

/** JSON text of the property `field` in the event of a record that has the JSON text `value` there. */
function sent(type: string, field: string, value: string): string {
  const { line, detail } = mapRecord(`{${FIELDS},"${field}":${value}}`, type)
  assert.ok(line !== null, detail)
  return /"event_properties":\{"[^"]+":(.*)\}\}$/.exec(line)?.[1] ?? ''
}

async function sentFromCsv(type: string, field: string, text: string): Promise<string> {
  const cell = `"${text.replaceAll('"', '""')}"`
  const csv = `id,external_user_id,time,${field}\n1,u,1767319200,${cell}\n`
  const { events, details } = await readInput(memoryInput(Buffer.from(csv), type), 'csv')
  assert.deepEqual(details, [])
  return /"event_properties":\{"[^"]+":(.*)\}\}$/.exec(events[0] ?? '')?.[1] ?? ''
}

describe('text in a field of another type', () => {
  for (const [type, field, texts, expected] of [
    [CLICK, 'is_amp', ['true', 'TRUE', 'True', 't', 'T', '1', '1.0', ' true '], 'true'],
    [CLICK, 'is_amp', ['false', 'FALSE', 'f', 'F', '0', '0.0'], 'false'],
    [CLICK, 'is_amp', ['yes'], '"yes"'],
    [CLICK, 'is_amp', ['2'], '"2"'],
    [SESSION, 'duration', ['19.5', '+19.5', '19.50', '1.95e1', '195E-1', ' 19.5 ', '019.5'], '19.5'],
    [SESSION, 'duration', ['5', '5.', '5.0', '05', '+5', '5e0'], '5'],
    [SESSION, 'duration', ['.5', '0.5', '+.5', '5e-1'], '0.5'],
    [SESSION, 'duration', ['-0', '0', '-0.0', '000', '+0'], '0'],
    [SESSION, 'duration', ['NaN'], '"NaN"'],
    [SESSION, 'duration', ['Infinity'], '"Infinity"'],
    [SESSION, 'duration', ['1e999'], '"1e999"'],
    [SESSION, 'duration', ['5,0'], '"5,0"'],
    [SESSION, 'duration', ['0x10'], '"0x10"'],
    [FAILURE, 'content_length', ['9007199254740993', '+9007199254740993', '009007199254740993'], '9007199254740993'],
    [
      CLICK,
      'suspected_bot_click_reason',
      ['["a","b"]', '[ "a" , "b" ]', '[a, b]', "['a','b']", '{a,b}', '{"a",b}'],
      '["a","b"]',
    ],
    [CLICK, 'suspected_bot_click_reason', ['[1, true, null]', '[1, true, NULL]', '{1,true,NULL}'], '["1","true",null]'],
    [CLICK, 'suspected_bot_click_reason', ['[]', '{}'], '[]'],
    [CLICK, 'suspected_bot_click_reason', ['[a'], '"[a"'],
    [CLICK, 'suspected_bot_click_reason', ['a "b"'], '"a \\"b\\""'],
    [CLICK, 'campaign_name', ['5'], '"5"'],
    [CLICK, 'campaign_name', ['[a, b]'], '"[a, b]"'],
  ] as const) {
    for (const text of texts) {
      test(`${field} ${JSON.stringify(text)} is ${expected} in JSON and in CSV`, async () => {
        assert.equal(sent(type, field, JSON.stringify(text)), expected)
        assert.equal(sent(type, field, `{"string":${JSON.stringify(text)}}`), expected)
        assert.equal(await sentFromCsv(type, field, text), expected)
      })
    }
  }

  test('that is empty is none', async () => {
    for (const field of ['is_amp', 'suspected_bot_click_reason']) assert.equal(sent(CLICK, field, '""'), '')
    assert.equal(sent(SESSION, 'duration', '""'), '')
    assert.equal(sent(CLICK, 'campaign_name', '""'), '""')
  })
})

describe('another type in a field', () => {
  for (const [type, field, value, expected] of [
    [CLICK, 'campaign_name', '5', '"5"'],
    [CLICK, 'campaign_name', '5.0', '"5.0"'],
    [CLICK, 'campaign_name', '9007199254740993', '"9007199254740993"'],
    [CLICK, 'campaign_name', '1E2', '"1E2"'],
    [CLICK, 'campaign_name', 'true', '"true"'],
    [CLICK, 'campaign_name', '{"a": [1, "x\\"y"]}', '"{\\"a\\":[1,\\"x\\\\\\"y\\"]}"'],
    [CLICK, 'campaign_name', '[ ]', '"[]"'],
    [CLICK, 'is_amp', '1', 'true'],
    [CLICK, 'is_amp', '0.0', 'false'],
    [CLICK, 'is_amp', '7', '"7"'],
    [CLICK, 'is_amp', '{"int":1}', 'true'],
    [SESSION, 'duration', 'true', '"true"'],
    [SESSION, 'duration', '1e999', '"1e999"'],
    [CLICK, 'suspected_bot_click_reason', '5', '"5"'],
    [CLICK, 'suspected_bot_click_reason', '[1,{"string":"x"},null,[2]]', '["1","x",null,"[2]"]'],
  ] as const) {
    test(`${field} ${value} is ${expected}`, () => assert.equal(sent(type, field, value), expected))
  }
})

describe('a 32-bit float', () => {
  const floats = fc
    .float({ noNaN: true, noDefaultInfinity: true })
    .filter((value) => value !== 0 && Math.abs(value) >= 1.1754943508222875e-38)

  test('gives the same decimal however many digits a program prints of it', () => {
    fc.assert(
      fc.property(floats, fc.integer({ min: 13, max: 20 }), (value, digits) => {
        const expected = sent(SESSION, 'duration', JSON.stringify(value))
        // A whole number keeps its digits; printed with a point it is one more of the same float.
        fc.pre(!Number.isInteger(value))
        for (const text of [value.toPrecision(digits), value.toExponential(digits - 1)]) {
          for (const written of [text, JSON.stringify(text)]) {
            assert.equal(sent(SESSION, 'duration', written), expected, `${value} as ${written}`)
          }
        }
      }),
    )
  })

  for (const [written, expected] of [
    ['51.4300003051758', '51.43'],
    ['51.4300003052', '51.43'],
    ['51.43000030517578125', '51.43'],
    ['51.430000305175800000', '51.43'],
    ['190.7739410400', '190.77394'],
    ['51.430000305', '51.430000305'],
    ['51.4300003051759', '51.4300003051759'],
    ['51.4300000000000', '51.43'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['123456789.123456', '123456789.123456'],
    ['-51.4300003051758', '-51.43'],
    ['5.14300003051758e1', '51.43'],
    // In the middle of two: printf takes the even one, others the upper, SQLite the lower.
    ['865.640014648437', '865.64'],
    ['865.640014648438', '865.64'],
    ['865.640014648436', '865.640014648436'],
  ]) {
    test(`printed as ${written} is ${expected}`, () => {
      assert.equal(sent(SESSION, 'duration', String(written)), expected)
      assert.equal(sent(SESSION, 'duration', `"${written}"`), expected)
    })
  }

  test('is not looked for in a field of 64 bits', () => {
    const type = 'users.behaviors.CustomEvent'
    assert.ok(
      mapRecord(`{${FIELDS},"name":"n","properties":"{\\"a\\":51.4300003051758}"}`, type).line?.includes(
        ':51.4300003051758}',
      ),
    )
  })
})

describe('a price', () => {
  const priced = (value: string) => mapRecord(`{${FIELDS},"product_id":"p","price":${value}}`, PURCHASE)

  for (const [value, expected] of [
    ['"19.99"', '19.99'],
    ['" 19.990 "', '19.99'],
    ['"19.9899997711182"', '19.99'],
    ['5', '5'],
    ['"-5"', '-5'],
  ] as const) {
    test(`${value} is ${expected}`, () => assert.match(priced(value).line ?? '', new RegExp(`"price":${expected},`)))
  }

  test('that is null or empty is none', () => {
    for (const value of ['null', '""', '{"string":""}']) assert.doesNotMatch(priced(value).line ?? 'price', /price/)
  })

  for (const value of [
    '"19,99"',
    '"€5"',
    '"NaN"',
    '"1 000"',
    'true',
    '{}',
    '[5]',
    '1e999',
    '"1e999"',
    '" "',
    `1${'0'.repeat(400)}`,
  ]) {
    test(`${value.slice(0, 10)} makes the record malformed`, () => {
      const { outcome, detail } = priced(value)
      assert.equal(outcome, 'malformed')
      assert.match(
        detail ?? '',
        /^price is no number: .+; write it in digits with a decimal point, such as 19\.99, or leave it empty$/,
      )
      assert.ok(detail?.includes(value.slice(0, 60)), detail)
    })
  }

  test('is asked for where Amplitude takes a number alone, and only there', () => {
    const record = `{${FIELDS},"latitude":"north","longitude":"16.37"}`
    const type = 'users.behaviors.Location'
    assert.match(mapRecord(record, type).line ?? '', /"latitude":"north","longitude":16.37/)
    assert.match(mapRecord(record, type, { profile: 'enriched' }).detail ?? '', /^latitude is no number: "north"; /)
  })
})
