import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createRecordChecker } from '../../src/check/check-records.ts'
import { explainRecord } from '../../src/map/explain-record.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import { mapRecord, PLAIN, rawChunk } from '../harness.ts'

/** Texts that stand in `properties` of custom events: what is JSON becomes properties, all else goes out whole. */

const CUSTOM = 'users.behaviors.CustomEvent'
const PREFIX = '[Custom event property] '

const recordWith = (properties: string) =>
  JSON.stringify({ id: '1', external_user_id: 'u', time: 1767319200, name: 'n', properties })

const mapped = (text: string) => mapRecord(recordWith(text), CUSTOM)

/** JSON text of the properties that come of a text. */
const propertiesOf = (text: string) => /"event_properties":(.*)\}$/s.exec(mapped(text).line ?? '')?.[1] ?? ''

/** JSON text of one property `a`. */
const a = (value: string) => `{"${PREFIX}a":${value}}`

describe('a JSON value in properties', () => {
  for (const [value, expected = value] of [
    ['0'],
    ['-0', '0'],
    ['-1'],
    ['1.5'],
    ['1.50', '1.5'],
    ['1e3', '1000'],
    ['1E+2', '100'],
    ['1e-7', '1e-7'],
    ['1e400'],
    ['-1E400'],
    ['123123e100000'],
    ['0.1e1', '1'],
    ['0e+1', '0'],
    ['9007199254740993'],
    ['-237462374673276894279832749832423479823246327846'],
    [`1${'0'.repeat(400)}`],
    ['true'],
    ['false'],
    ['""'],
    ['" "'],
    ['[]'],
    ['{}'],
    ['[ ]', '[]'],
    ['[null, 1, "1", {}]', '[null,1,"1",{}]'],
    ['{"a":{"b":[[[]]]}}'],
    ['{"b":null}'],
    ['{"a":1,"a":2}'],
    ['"\\u0041\\/\\"\\\\\\b\\f\\n\\r\\t"', '"A/\\"\\\\\\b\\f\\n\\r\\t"'],
    ['"\\u0000"'],
    ['"\\u001F"', '"\\u001f"'],
    ['"\\u007f\u2028\ufeff"', '"\u007f\u2028\ufeff"'],
    ['"\\uD83D\\uDE00"', '"😀"'],
    ['"\\ud800"'],
    ['"\\uDC00\\uD800"', '"\\udc00\\ud800"'],
    ['"\\uD800\\n"', '"\\ud800\\n"'],
    ['"\\uFFFE\\uFFFF"', '"\ufffe\uffff"'],
    ['"/* no comment */ // none"'],
    ['"]"'],
    ['"}"'],
  ] as const) {
    test(`${value.slice(0, 60)} goes out as ${expected.slice(0, 60)}`, () => {
      for (const text of [`{"a":${value}}`, ` \t\r\n{ "a" : ${value} }\n `]) {
        assert.equal(propertiesOf(text), a(expected))
        assert.deepEqual(mapped(text).warnings, [])
      }
    })
  }

  for (const [text, expected] of [
    ['{"a":1,"a":2}', a('2')],
    ['{"a":1,"b":3,"\\u0061":2}', `{"${PREFIX}b":3,"${PREFIX}a":2}`],
    ['{"":1}', `{"${PREFIX}":1}`],
    ['{"a\\u0000b":1}', `{"${PREFIX}a\\u0000b":1}`],
    ['{"\\uD800":1}', `{"${PREFIX}\\ud800":1}`],
    ['{"é😀":1}', `{"${PREFIX}é😀":1}`],
    ['{"a":null}', '{}'],
    ['{}', '{}'],
    [' {\t} ', '{}'],
  ] as const) {
    test(`${text} becomes ${expected}`, () => assert.equal(propertiesOf(text), expected))
  }
})

describe('a text in properties that is no JSON object', () => {
  for (const text of [
    ...[
      '',
      ',',
      ':1',
      '"a"',
      '"a"1',
      '"a":',
      '"a":1,',
      '"a":1,,"b":2',
      ',"a":1',
      'a:1',
      "'a':1",
      '1:1',
      '"a":1 "b":2',
    ].map((inner) => (inner === '' ? '{' : `{${inner}}`)),
    ...[
      '01',
      '-',
      '+1',
      '.5',
      '5.',
      '1e',
      '1e+',
      '0x1',
      '1_0',
      '1.2.3',
      '--1',
      'NaN',
      'Infinity',
      '-Infinity',
      '１',
    ].map((number) => `{"a":${number}}`),
    ...['True', 'nul', 'truetrue', 'undefined', 'tru', 'None'].map((word) => `{"a":${word}}`),
    ...[
      '"',
      '"\\x41"',
      '"\\u00"',
      '"\\u00zz"',
      '"\\',
      '"\\"',
      '"\t"',
      '"\n"',
      '"\u0000"',
      '"\u001f"',
      "'x'",
      '`x`',
    ].map((string) => `{"a":${string}}`),
    ...['[1,]', '[,1]', '[1 2]', '[1', '1]', '[1,,2]', '[1}', '["a":1]', '{"b"}'].map((list) => `{"a":${list}}`),
    '{"a":1}}',
    '{"a":1} {"b":2}',
    '{"a":1}#',
    '{"a":1}//x',
    '{"a":/* x */1}',
    '\ufeff{"a":1}',
    '\u00a0{"a":1}',
    '{\f"a":1}',
    '}',
    ']',
    '[]',
    '[{"a":1}]',
    '"{}"',
    'nullnull',
    'true',
    '1',
    'a',
    '\\{"a":1}',
    '{""a"":1}',
  ]) {
    test(`${JSON.stringify(text)} goes out whole`, () => {
      assert.equal(propertiesOf(text), `{"${PREFIX}_raw":${JSON.stringify(text)}}`)
      assert.deepEqual(mapped(text).warnings, ['properties_not_json'])
    })
  }
})

describe('a text in properties', () => {
  test('of any kind is what JSON.parse says that it is', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"a"',
      ':',
      ',',
      '1',
      '-',
      '.',
      'e',
      '\\',
      '"',
      'null',
      'true',
      ' ',
      '\n',
      'é',
    )
    const texts = fc.array(pieces, { maxLength: 12 }).map((parts) => `{"a":${parts.join('')}}`)
    fc.assert(
      fc.property(texts, (text) => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        assert.deepEqual(mapped(text).warnings, isJson ? [] : ['properties_not_json'], text)
      }),
      { numRuns: 2000 },
    )
  })

  test('may nest without end: nothing overflows, in what explains and checks it neither', () => {
    const depth = 10_000
    const nested = (open: string, close: string) => `{"a":${open.repeat(depth)}1${close.repeat(depth)}}`
    const texts = [nested('[', ']'), nested('{"b":', '}'), nested('[{"b":', '}]'), `{"a":${'['.repeat(depth)}`]
    const mapping = compileMapping(PLAIN)
    const records = texts.flatMap((text) => [
      recordWith(text),
      recordWith(text).replace(/"properties":.*/s, `"properties":${text}}`),
    ])
    const chunk = createChunkMapper(mapping)(
      rawChunk(
        records.map((record) => Buffer.from(record)),
        { fileType: CUSTOM },
      ),
    )
    const checker = createRecordChecker(mapping)
    checker.see(chunk)
    const causes = checker.section().groups.map(({ cause, count }) => [cause, count])
    assert.deepEqual(causes.toSorted(), [
      ['long_string', 1],
      ['malformed', 1],
      ['nesting', 6],
      ['properties_not_json', 1],
    ])
    for (let i = 0; i < chunk.count; i++) explainRecord(chunk, i, mapping)
  })
})
