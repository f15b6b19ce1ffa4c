import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createRecordChecker } from '../../src/check/check-records.ts'
import { createPlainEvents } from '../../src/check/plain-events.ts'
import { rightKinds } from '../../src/check/right-kinds.ts'
import { fieldNameOf } from '../../src/currents/fields.ts'
import { KIND } from '../../src/json/kind.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import type { CheckedSection, FieldColumns, RawChunk } from '../../src/model.ts'
import { EVENT } from '../../src/outcomes.ts'
import { CATALOGUE, fieldsOf } from '../data/catalogue.ts'
import { rawChunk, tries } from '../harness.ts'
import { mappingOf } from '../mapping/harness.ts'
import { cutBy, isScanned } from '../scan/both-ways.ts'

const CUSTOM = 'users.behaviors.CustomEvent'
const PURCHASE = 'users.behaviors.Purchase'
const CLICK = 'users.messages.email.Click'
const TYPES = [CUSTOM, PURCHASE, CLICK, 'users.messages.inappmessage.Impression']

/** Values as JSON text that are right for a field of the type, and those that are wrong for some. */
const RIGHT: Readonly<Record<string, readonly string[]>> = {
  string: ['"a"', '"b c"', '"\\u00e9\\n"', '""'],
  int: ['5', '0', '-7'],
  float: ['5', '1.5', '19.99'],
  double: ['5', '1.5'],
  boolean: ['true', 'false'],
}
const ODD = [
  ...['null', '"12"', '"-1.5e3"', '"true"', '"[1]"', '"{}"', '12', '1.5', '-0', '1e5', '1e400', `1${'0'.repeat(400)}`],
  ...[
    'true',
    '[]',
    '["a"]',
    '["a","b\\""]',
    '["a",null]',
    '["a",1]',
    '[[]]',
    `"${'x'.repeat(1025)}"`,
    '{"string":"a"}',
  ],
  ...[`${'['.repeat(41)}${']'.repeat(41)}`, `[${'1e300,'.repeat(4)}1e300]`, '"19.99"', '{}', '{"a":1}'],
]

const ownValue = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('1', '"x"', 'true', '2.5', '"a\\"b"', '["a"]') },
  fc.constantFrom('null', '{"a":[1]}', `"${'x'.repeat(1025)}"`, ...[40, 41].map((n) => '['.repeat(n) + ']'.repeat(n))),
)
const ownKey = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('plan', 'items', 'note', 'platform', '[Custom event property] plan') },
  fc.constantFrom('x'.repeat(1025), 'app_id', 'price', '_raw'),
)
const ownText = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(fc.tuple(ownKey, ownValue), { maxLength: 3 })
      .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
  },
  fc.constantFrom('', 'null', '[]', '{"a":', '{}'),
)

/** Members of a record, as JSON text: an ordinary one of its type, but for a few. */
const members = fc.constantFrom(...TYPES).chain((type) => {
  const entry = CATALOGUE.find(({ event_type }) => event_type === type)
  assert.ok(entry)
  const fields = fieldsOf(entry).filter(({ name }) => !['id', 'time', 'properties'].includes(name))
  const right = (kind: string) => fc.constantFrom(...(RIGHT[kind] ?? ['null']))
  return fc.record({
    type: fc.constant(type),
    values: fc.tuple(...fields.map(({ name, type: kind }) => fc.tuple(fc.constant(name), right(kind)))),
    without: fc.array(fc.nat(), { maxLength: 3 }),
    odd: fc.array(fc.tuple(fc.nat(), fc.constantFrom(...ODD)), { maxLength: 2 }),
    own: ownText,
    added: fc.oneof(
      { weight: 8, arbitrary: fc.constant([]) },
      fc.array(
        fc.tuple(
          fc.constantFrom('heat', 'Price', 'appId', 'platform', 'a b', 'sf_created_at', 'campaign_api_id'),
          fc.constantFrom(...ODD),
        ),
        {
          maxLength: 2,
        },
      ),
    ),
    time: fc.constantFrom(
      '1767319200',
      '1767319200',
      '1767319200',
      '1000000000',
      '9767319200000',
      '"2026-01-01 00:00:00"',
    ),
    hasOwnType: fc.nat(5).map((n) => n > 0),
  })
})

const line = members.map(({ type, values, without, odd, own, added, time, hasOwnType }) => {
  const all = new Map<string, string>(values)
  for (const at of without) all.delete([...all.keys()][at % all.size] as string)
  for (const [at, value] of odd) all.set([...all.keys()][at % all.size] as string, value)
  const more = [
    ...(type === CUSTOM || type === PURCHASE ? [['properties', JSON.stringify(own)] as const] : []),
    ...added,
  ]
  const named = hasOwnType ? [['event_type', `"${type}"`] as const] : []
  const list = [['id', '"e"'] as const, ['time', time] as const, ...named, ...all, ...more]
  return `{${list.map(([key, value]) => `"${key}":${value}`).join(',')}}`
})

/** Some lines time and again, so that what was learnt of one is used for others. */
const lines = fc
  .array(line, { minLength: 1, maxLength: 12 })
  .chain((few) => fc.array(fc.constantFrom(...few), { minLength: 1, maxLength: 40 }))
  .map((list) => list.join('\n'))

const MAPPINGS = [
  '{}',
  'extends: enriched',
  `events: {'*': {properties: {rename: {platform: system}, drop: [app_id], set: {source: Braze}}}}`,
  `events: {${PURCHASE}: {properties: {drop: [price]}}, ${CUSTOM}: {properties: {redact: [plan]}}}`,
  `events: {${CLICK}: {properties: {set: {source: [1, a]}, sha256: [email_address], add: [heat]}}}`,
  `{custom_property_prefix: '', purchase_property_prefix: P, unknown_events: derive}`,
]

/** The entries of a chunk as columns; null when two of them mean one field, of which columns have only one. */
function columnsOf({ entries, count }: RawChunk): FieldColumns | null {
  assert.ok(entries)
  const { firsts, keys } = entries
  const used = [...new Set(keys.subarray(firsts[0], firsts[count]))]
  const names = used.map((key) => entries.names[key] as string)
  if (new Set(names.map(fieldNameOf)).size < names.length) return null
  const size = names.length * count
  const columns = { kinds: new Uint8Array(size), starts: new Int32Array(size), ends: new Int32Array(size) }
  for (let i = 0; i < count; i++) {
    for (let at = firsts[i] as number; at < (firsts[i + 1] as number); at++) {
      const to = i * names.length + used.indexOf(keys[at] as number)
      columns.kinds[to] = entries.kinds[at] as number
      columns.starts[to] = entries.starts[at] as number
      columns.ends[to] = entries.ends[at] as number
    }
  }
  return { names, ...columns }
}

function isAllScanned({ entries, count }: RawChunk): boolean {
  return entries !== undefined && Array.from({ length: count }, (_, i) => isScanned(entries.firsts, i)).every(Boolean)
}

function without({ entries: _entries, ...raw }: RawChunk): RawChunk {
  return raw
}

/** Columns have an order of their own, in which the fields that the catalogue lacks are found. */
function sorted({ groups, ...section }: CheckedSection): CheckedSection {
  return { ...section, groups: groups.toSorted((a, b) => (a.title < b.title ? -1 : 1)) }
}

function checkerOf(text: string) {
  const mapping = mappingOf(text)
  const mapChunk = createChunkMapper(mapping)
  const checker = createRecordChecker(mapping)
  return { see: (raw: RawChunk) => checker.see(mapChunk(raw)), section: checker.section }
}

describe('events that are plainly right', () => {
  test('are those in which a closer look finds nothing: the findings are the same when each event has one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...MAPPINGS), lines, async (text, data) => {
        const scanned = checkerOf(text)
        const inColumns = checkerOf(text)
        const oneByOne = checkerOf(text)
        let hasColumns = true
        await cutBy('wasm', Buffer.from(`${data}\n`), 1 << 16, (raw) => {
          scanned.see(raw)
          oneByOne.see(without(raw))
          const fields = isAllScanned(raw) ? columnsOf(raw) : null
          if (fields === null) hasColumns = false
          else inColumns.see({ ...without(raw), fields })
        })
        const expected = oneByOne.section()
        assert.deepEqual(scanned.section(), expected)
        if (hasColumns) assert.deepEqual(sorted(inColumns.section()), sorted(expected))
      }),
      { numRuns: tries(10_000, 100) },
    )
  })
})

/** How often something of one kind is found in lines, which is the same however they are looked at. */
async function countOf(cause: string, text: string, data: readonly string[]): Promise<number> {
  const scanned = checkerOf(text)
  const oneByOne = checkerOf(text)
  await cutBy('wasm', Buffer.from(data.map((one) => `${one}\n`).join('')), 1 << 16, (raw) => {
    scanned.see(raw)
    oneByOne.see(without(raw))
  })
  const section = scanned.section()
  assert.deepEqual(section, oneByOne.section())
  return section.groups.find((group) => group.cause === cause)?.count ?? 0
}

/** Which of the lines are plain, when each that is not is looked at. */
async function plainOf(data: readonly string[], text = '{}'): Promise<readonly boolean[]> {
  const mapping = mappingOf(text)
  const mapChunk = createChunkMapper(mapping)
  const plain = createPlainEvents(mapping)
  const found: boolean[] = []
  await cutBy('wasm', Buffer.from(data.map((one) => `${one}\n`).join('')), 1 << 16, (raw) => {
    const chunk = mapChunk(raw)
    for (let i = 0; i < chunk.count; i++) {
      assert.equal(chunk.outcomes[i], EVENT)
      const isPlain = plain.isPlain(chunk, i)
      if (!isPlain) plain.seen(chunk, i)
      found.push(isPlain)
    }
  })
  return found
}

describe('an event', () => {
  const base = { id: 'e', external_user_id: 'u', time: 1767319200 }
  const custom = (fields: object) => JSON.stringify({ ...base, event_type: CUSTOM, name: 'n', ...fields })
  const click = (fields: object) => JSON.stringify({ ...base, event_type: CLICK, ...fields })

  test('is plain once one like it was looked at', async () => {
    assert.deepEqual(await plainOf([click({ url: 'a' }), click({ url: 'b' }), click({}), click({ link_id: 'c' })]), [
      ...[false, true, true, false],
    ])
    const own = (properties: object) => custom({ properties: JSON.stringify(properties) })
    assert.deepEqual(
      await plainOf([own({ a: 1 }), own({ a: 'x' }), own({ a: 1, b: 1 }), own({ b: [1] }), own({ b: null })]),
      [...[false, true, false, true, true]],
    )
    assert.deepEqual(await plainOf([custom({}), custom({ name: 'other' }), custom({ name: 'other' }), custom({})]), [
      ...[false, false, true, true],
    ])
  })

  test('is not plain with a value of the wrong type, however often it comes', async () => {
    assert.deepEqual(await plainOf([click({ url: 5 }), click({ url: 5 }), click({ url: 'a' }), click({ url: 'a' })]), [
      ...[false, false, false, true],
    ])
  })

  test('of a purchase is plain with a price alone', async () => {
    const purchase = (fields: object) => JSON.stringify({ ...base, event_type: PURCHASE, product_id: 'p', ...fields })
    const priced = purchase({ price: 1.5, currency: 'EUR', properties: '{}' })
    const unpriced = purchase({ price: null, currency: 'EUR', properties: '{}' })
    assert.deepEqual(await plainOf([priced, priced, unpriced, unpriced, priced]), [false, true, false, false, true])
  })

  const list = (items: string) =>
    `{"id":"e","external_user_id":"u","time":1767319200,"suspected_bot_click_reason":${items}}`
  const session = (duration: string) => `{"id":"e","external_user_id":"u","time":1767319200,"duration":${duration}}`
  const failure = (count: string) => `{"id":"e","external_user_id":"u","time":1767319200,"retry_count":${count}}`
  const of = (type: string, line: string) => line.replace('{', `{"event_type":"${type}",`)
  const own = (properties: string) => custom({ properties })
  const END = 'users.behaviors.app.SessionEnd'
  const FAILURE = 'users.messages.webhook.Failure'

  for (const [what, cause, text, data, count] of [
    [
      'a list with null among texts',
      'field_type',
      '{}',
      ['["a"]', '["a"]', '["a",null]'].map((v) => of(CLICK, list(v))),
      1,
    ],
    ['a number that no double holds', 'field_type', '{}', ['1.5', '1.5', '1e400'].map((v) => of(END, session(v))), 1],
    [
      'an integer that none holds',
      'field_type',
      '{}',
      ['5', '6', '9'.repeat(400)].map((v) => of(FAILURE, failure(v))),
      1,
    ],
    [
      'a property nested too deep',
      'nesting',
      '{}',
      [
        `{"a":[${'"b",'.repeat(30)}1]}`,
        ...[40, 41].map((depth) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`),
      ].map(own),
      1,
    ],
    ['a name that is too long', 'long_string', '{}', Array(3).fill(own(`{"${'x'.repeat(1025)}":1}`)), 3],
    [
      'no rule that never fired, where it drops what one record has',
      'never_fired',
      `events: {${CUSTOM}: {properties: {drop: [plan]}}}`,
      ['{"a":1}', '{"a":2}', '{"a":3,"plan":1}'].map(own),
      0,
    ],
    [
      'a property of the customer’s own in the place of one of the type’s',
      'field_type',
      "custom_property_prefix: ''",
      ['{"ad_tracking_enabled":true}', '{"ad_tracking_enabled":false}', '{"ad_tracking_enabled":"x"}'].map(own),
      1,
    ],
  ] as const) {
    test(`like those before it, with ${what}, is reported`, async () => {
      assert.equal(await countOf(cause, text, data), count)
    })
  }

  test('is known by its own columns, not by those of another file', () => {
    const checker = checkerOf('{}')
    const line =
      '{"event_type":"users.messages.email.Open","id":"e","external_user_id":"u","time":1767319200,"esp":"x","is_amp":true}'
    const at = (value: string) => line.indexOf(value)
    const values = [at('"users'), at('"e"'), at('"u"'), at('1767319200'), at('"x"'), at('true')]
    const ends = [at(',"id"'), at('"e"') + 3, at('"u"') + 3, at('1767319200') + 10, at('"x"') + 3, at('true') + 4]
    const kinds = [KIND.string, KIND.string, KIND.string, KIND.integer, KIND.string, KIND.true]
    const fieldsNamed = (names: readonly string[]) => ({
      names: ['event_type', 'id', 'external_user_id', 'time', ...names],
      kinds: Uint8Array.from(kinds),
      starts: Int32Array.from(values),
      ends: Int32Array.from(ends),
    })
    const right = fieldsNamed(['esp', 'is_amp'])
    for (const fields of [right, right, fieldsNamed(['is_amp', 'esp'])]) {
      checker.see({ ...rawChunk([Buffer.from(line)]), fields })
    }
    const titles = checker.section().groups.map(({ title, count }) => `${count} ${title}`)
    assert.deepEqual(titles, [
      "1 users.messages.email.Open: esp is a boolean, in Braze's schema it is a string",
      "1 users.messages.email.Open: is_amp is a string, in Braze's schema it is a boolean",
    ])
  })
})

test('a value is right only where both the catalogue and Amplitude take it', () => {
  const value = { field: 'count', otherField: null, type: 'float', protection: null, origins: [] } as const
  const outline = { properties: [], topLevel: [{ ...value, key: 'quantity' }] }
  assert.equal(rightKinds(outline, 'count') & ((1 << KIND.integer) | (1 << KIND.number)), 1 << KIND.integer)
})
