import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import avsc from 'avsc'
import fc from 'fast-check'
import { CUTTERS } from '../../src/cut/cut.ts'
import { textOf } from '../../src/json/bytes.ts'
import { BEGINNING } from '../../src/model.ts'
import { recordBytes } from '../../src/record-text.ts'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { memoryInput, type Result, readInput } from '../conformance/read.ts'
import { tries } from '../harness.ts'
import { avro, type Codec, long, longType, twosComplement } from '../shapes/avro.ts'
import type { Records } from '../shapes/records.ts'

const TYPE = 'users.messages.email.Open'
const CODECS: readonly Codec[] = ['null', 'deflate', 'snappy']
const SYNC = '0123456789abcdef'

const random = randomOf(3)
const records: Records = {
  entry: entryOf(TYPE),
  records: Array.from({ length: 12 }, (_, i) => ({ ...recordOf(entryOf(TYPE), random, i), id: `id-${i}` })),
}

function read(bytes: Uint8Array): Promise<Result> {
  return readInput(memoryInput(bytes, null))
}

/** Bytes right behind the `n`-th sync marker, the header's being the first. */
function afterSync(bytes: Buffer, n: number): number {
  let at = -1
  for (let i = 0; i < n; i++) at = bytes.indexOf(SYNC, at + 1)
  return at + SYNC.length
}

for (const codec of CODECS) {
  const whole = avro(records, codec)

  test(`${codec}: a wrong sync marker loses its block and the rest, as one damage`, async () => {
    const bytes = Buffer.from(whole)
    bytes.write('X', afterSync(bytes, 3) - 1)
    const result = await read(bytes)
    assert.equal(result.events.length, 5)
    assert.deepEqual(result.rejected, { damaged_input: 1 })
    assert.match(result.details[0] ?? '', /sync marker/)
  })

  test(`${codec}: an absurd size or count of a block is damage, and is not allocated`, async () => {
    const at = afterSync(whole, 2)
    for (const head of [
      [long(5), long(2n ** 62n)],
      [long(5), long(-8)],
      [long(-5), long(10)],
      [long(2n ** 62n), long(10)],
      [long(5), long((1 << 27) + 1)],
      [Buffer.alloc(11, 0xff)],
      [long(1_000_000_000), long(16), Buffer.alloc(16, 0), Buffer.from(SYNC)],
    ]) {
      const before = process.memoryUsage().arrayBuffers
      const result = await read(Buffer.concat([whole.subarray(0, at), ...head, whole.subarray(at)]))
      assert.ok(process.memoryUsage().arrayBuffers - before < 64 << 20)
      assert.equal(result.events.length, 5)
      assert.equal(result.rejected['damaged_input'], 1)
    }
  })

  test(`${codec}: whatever bytes are changed, nothing crashes and the books balance`, async () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(whole)
        for (const [at, byte] of changes) bytes[at] = byte
        const { rejected } = await read(bytes)
        assert.ok((rejected['damaged_input'] ?? 0) <= 1)
      }),
      { numRuns: 1500 },
    )
  })
}

test('random bytes behind a good header never crash', async () => {
  const head = avro(records, 'null').subarray(0, afterSync(avro(records, 'null'), 1))
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const { rejected } = await read(Buffer.concat([head, bytes]))
      assert.ok((rejected['damaged_input'] ?? 0) <= 1)
    }),
    { numRuns: 500 },
  )
})

/** A container of one block of raw bytes. */
function container(schema: unknown, count: number, block: Uint8Array, codec = 'null'): Buffer {
  return containerOf(JSON.stringify(schema), count, block, codec)
}

function containerOf(schema: string, count: number, block: Uint8Array, codec = 'null'): Buffer {
  const metadata = [text('avro.schema'), text(schema), text('avro.codec'), text(codec)]
  const header = [Buffer.from('Obj\x01'), long(2), ...metadata, long(0), Buffer.from(SYNC)]
  return Buffer.concat([...header, long(count), long(block.length), block, Buffer.from(SYNC)])
}

function text(value: string): Buffer {
  return Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)])
}

/** The JSON text that a value of the given type becomes; the fault when it becomes none. */
async function jsonOf(type: unknown, value: Uint8Array): Promise<string> {
  const schema = {
    type: 'record',
    name: TYPE,
    fields: [
      { name: 'f', type },
      { name: 'end', type: 'int' },
    ],
  }
  const input = memoryInput(container(schema, 1, Buffer.concat([value, long(7)])), null)
  const records: string[] = []
  for await (const chunk of CUTTERS.avro(input, BEGINNING)) {
    for (let i = 0; i < chunk.count; i++) records.push(textOf(recordBytes(chunk, i)))
    if (chunk.faults.length > 0) return chunk.faults.map(({ detail }) => detail).join()
  }
  const [record = ''] = records
  if (record === '{"end":7}') return 'null'
  assert.match(record, /^\{"f":.*,"end":7\}$/s)
  return record.slice('{"f":'.length, -',"end":7}'.length)
}

/** One record of an Open whose `external_user_id` is made of the given bytes. */
async function readUser(type: unknown, user: Buffer): Promise<Result> {
  const fields = [
    { name: 'id', type: 'string' },
    { name: 'external_user_id', type },
    { name: 'time', type: 'long' },
  ]
  const schema = { type: 'record', name: TYPE, fields }
  return read(container(schema, 1, Buffer.concat([long(1), Buffer.from('i'), user, long(1767319200)])))
}

/** The digits of an event's `user_id`: the id itself may be one that Amplitude refuses, such as 0. */
async function longRead(varint: Buffer): Promise<string> {
  const fields = [
    { name: 'id', type: 'string' },
    { name: 'device_id', type: 'string' },
    { name: 'time', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'properties', type: { type: 'map', values: 'long' } },
  ]
  const properties = Buffer.concat([long(1), text('n'), varint, long(0)])
  const block = Buffer.concat([text('i'), text('device'), long(1767319200), text('e'), properties])
  const schema = { type: 'record', name: 'users.behaviors.CustomEvent', fields }
  const { events, details } = await read(container(schema, 1, block))
  const digits = /"\[Custom event property\] n":(-?\d+)/.exec(events[0] ?? '')?.[1]
  return digits ?? details.join()
}

test('every long keeps its sign and its digits', async () => {
  const edges = [0n, 2n ** 31n, 2n ** 32n, 2n ** 52n, 2n ** 53n, 2n ** 62n, 2n ** 63n]
  for (let shift = 6n; shift < 63n; shift += 7n) edges.push(2n ** shift)
  for (const edge of edges) {
    for (const near of [-2n, -1n, 0n, 1n, 2n]) {
      for (const value of [edge + near, -edge + near]) {
        if (BigInt.asIntN(64, value) === value) assert.equal(await longRead(long(value)), String(value))
      }
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat(62), async (value, shift) => {
      const shorter = value >> BigInt(shift)
      assert.equal(await longRead(long(shorter)), String(shorter))
    }),
    { numRuns: 500 },
  )
})

test('a long of more than 64 bits is damage', async () => {
  const tenth = (byte: number) => Buffer.from([...Array(9).fill(0xff), byte])
  assert.equal(await longRead(tenth(0x01)), String(-(2n ** 63n)))
  assert.equal(await longRead(tenth(0x00)), String(-(2n ** 62n)))
  for (const varint of [tenth(0x02), tenth(0x7f), tenth(0x03), Buffer.from([...Array(9).fill(0x80), 0x02])]) {
    assert.match(await longRead(varint), /^damaged_input: a record does not fit its schema/)
  }
  assert.match(await longRead(Buffer.concat([tenth(0x80), Buffer.from([0])])), /^damaged_input/)
})

test('an absurd length or count within a record is damage, and is not allocated', async () => {
  const strings = { type: 'array', items: 'string' }
  const absurd = [2n ** 62n, 2n ** 53n + 1n, -(2n ** 63n), -(2n ** 53n) - 1n, 2n ** 40n, -1n]
  const overlong = Buffer.from([...Array(9).fill(0xff), 0x7f])
  for (const length of [...absurd.map(long), overlong]) {
    for (const type of ['string', 'bytes', strings, ['null', 'string'], { type: 'enum', name: 'e', symbols: ['a'] }]) {
      const before = process.memoryUsage().arrayBuffers
      const result = await readUser(type, Buffer.concat([length, Buffer.alloc(100)]))
      assert.ok(process.memoryUsage().arrayBuffers - before < 64 << 20)
      assert.deepEqual(result.events, [], `${JSON.stringify(type)} of ${length.toString('hex')}`)
      assert.equal(result.rejected['damaged_input'], 1)
    }
  }
})

const EMPTY_TYPES = ['null', { type: 'record', name: 'Empty', fields: [] }, { type: 'fixed', name: 'Zero', size: 0 }]

for (const empty of EMPTY_TYPES) {
  test(`an array or a map of values that take no byte (${JSON.stringify(empty)}) is read`, async () => {
    const key = (text: string) => Buffer.concat([long(text.length), Buffer.from(text)])
    const fields = [
      { name: 'id', type: 'string' },
      { name: 'external_user_id', type: 'string' },
      { name: 'time', type: 'long' },
      { name: 'list', type: { type: 'array', items: empty } },
      { name: 'map', type: { type: 'map', values: typeof empty === 'string' ? empty : empty.name } },
    ]
    const rest = [key('u'), long(1767319200), long(3000), long(-2), long(0), long(0)]
    const map = [long(2), key('a'), key('b'), long(0)]
    const record = (id: string) => Buffer.concat([key(id), ...rest, ...map])
    const count = 40
    const block = Buffer.concat(Array.from({ length: count }, (_, i) => record(`id-${i}`)))
    const schema = { type: 'record', name: TYPE, fields }
    const result = await read(container(schema, count, block))
    assert.deepEqual(result.details, [])
    assert.equal(result.events.length, count)
  })

  test(`more values that take no byte (${JSON.stringify(empty)}) than anybody writes are damage`, async () => {
    const many = Buffer.concat(Array.from({ length: 2000 }, () => long(1000)))
    for (const items of [Buffer.concat([long(2n ** 40n), long(0)]), Buffer.concat([many, long(0)])]) {
      const result = await readUser({ type: 'array', items: empty }, items)
      assert.deepEqual(result.events, [])
      assert.equal(result.rejected['damaged_input'], 1)
    }
  })
}

test('a record that nests without end is damage', async () => {
  const schema = {
    type: 'record',
    name: 'users.messages.email.Open',
    fields: [{ name: 'next', type: ['null', 'users.messages.email.Open'] }],
  }
  const result = await read(container(schema, 1, Buffer.alloc(1 << 20, 2)))
  assert.deepEqual(result.rejected, { damaged_input: 1 })
})

function recordOfFields(...types: readonly unknown[]): unknown {
  return { type: 'record', name: TYPE, fields: types.map((type, i) => ({ name: `f${i}`, type })) }
}

test('a schema that nobody can read refuses the file, and says why', async () => {
  const unreadable: readonly (readonly [schema: unknown, why: RegExp])[] = [
    ['nonsense', /its type "nonsense" is unknown/],
    [recordOfFields('what'), /its type "what" is unknown/],
    ['string', /it is of type string, not a record/],
    [['null', recordOfFields('int')], /it is of type union, not a record/],
    [5, /5 stands where a type should/],
    [null, /null stands where a type should/],
    [{ type: 'record', name: 'x' }, /its record x has no list of fields/],
    [recordOfFields({ type: 'array' }), /nothing stands where a type should/],
    [recordOfFields({ type: 'enum', name: 'e' }), /an enum has no list of symbols/],
    [recordOfFields({ type: 'fixed', name: 'f', size: -1 }), /a fixed has no size/],
    [recordOfFields(['null', ['int']]), /a union is directly within a union/],
    [
      {
        type: 'record',
        name: 'x',
        fields: [
          { name: 'a', type: 'int' },
          { name: 'a', type: 'int' },
        ],
      },
      /two fields "a"/,
    ],
    [{ ...(recordOfFields('int') as object), doc: 'x'.repeat(1 << 20) }, /longer than/],
  ]
  for (const [schema, why] of unreadable) {
    const { refused, read: count } = await read(container(schema, 0, Buffer.alloc(0)))
    assert.equal(count, 0)
    assert.match(refused?.message ?? '', /^memory is Avro whose schema cannot be understood/)
    assert.match(refused?.message ?? '', why)
  }
  const nested = (open: string) => `${open.repeat(5000)}"int"${(open.startsWith('[') ? ']' : '}').repeat(5000)}`
  for (const [text, why] of [
    ['{"type":', /JSON/],
    [nested('{"type":"array","items":'), /more than 200 deep/],
    [nested('{"type":'), /more than 200 deep/],
    [nested('['), /more than 200 deep/],
  ] as const) {
    assert.match((await read(containerOf(text, 0, Buffer.alloc(0)))).refused?.message ?? '', why)
  }
})

test('a codec that is not read refuses the file, with the line to type', async () => {
  for (const codec of ['bzip2', 'xz', 'lz4']) {
    const { refused, read: count } = await read(container(recordOfFields('int'), 1, long(1), codec))
    assert.equal(count, 0)
    assert.match(refused?.message ?? '', new RegExp(`^memory is Avro packed with ${codec}`))
    assert.match(refused?.hint ?? '', /avro-tools recodec --codec deflate memory -/)
  }
})

test('a header that is cut is one damage, and no refusal', async () => {
  const bytes = container(recordOfFields('int'), 1, long(1), 'bzip2')
  const header = bytes.indexOf(SYNC) + SYNC.length
  for (let length = 4; length < header; length++) {
    const { refused, rejected } = await readInput(memoryInput(bytes.subarray(0, length), null), 'avro')
    assert.equal(refused, null)
    assert.deepEqual(rejected, { damaged_input: 1 })
  }
})

test('names that the specification forbids are read: they change no byte', async () => {
  const names = ['x-request id', '1st', 'größe', '', 'a.b', '__proto__', 'constructor', '😀', 'a"b\\c']
  for (const name of names) {
    for (const namespace of ['acme-data.prod-03', '9lives', '', 'ns with spaces', undefined]) {
      const schema = {
        type: 'record',
        name,
        namespace,
        fields: [
          { name: 'id', type: 'string' },
          { name: 'external_user_id', type: ['null', 'string'] },
          { name: 'time', type: 'long' },
          { name, type: ['null', { type: 'enum', name, symbols: ['a-b', '1'] }] },
        ],
      }
      const record = [text('i'), long(1), text('u'), long(1767319200), long(1), long(1)]
      const bytes = container(schema, 1, Buffer.concat(record))
      const { events, details } = await readInput(memoryInput(bytes, TYPE))
      assert.deepEqual(details, [])
      assert.equal(events.length, 1, JSON.stringify(schema))
    }
  }
})

test('of two types of one name each is read where it stands, and the later one by its name', async () => {
  const value = (type: string) => ({ type: 'record', name: 'value', fields: [{ name: 'v', type }] })
  const schema = recordOfFields(value('string'), value('int'), 'value', { type: 'array', items: 'value' })
  const block = Buffer.concat([text('a'), long(2), long(3), long(1), long(4), long(0)])
  const input = memoryInput(container(schema, 1, block), null)
  for await (const chunk of CUTTERS.avro(input, BEGINNING)) {
    assert.equal(textOf(recordBytes(chunk, 0)), '{"f0":{"v":"a"},"f1":{"v":2},"f2":{"v":3},"f3":[{"v":4}]}')
  }
})

test('a name is looked for in the namespace where it stands, then without one', async () => {
  const fixed = (name: string, size: number) => ({ type: 'fixed', name, size })
  const inner = { type: 'record', name: 'R', namespace: 'b.c', fields: [fixed('X', 2), 'X', 'a.X', 'Y'].map(named) }
  const outer = {
    type: 'record',
    name: 'a.Outer',
    fields: [fixed('X', 1), { ...fixed('Y', 3), namespace: '' }, inner, 'b.c.R', 'X'].map(named),
  }
  const text = 'abcdefghijklmnopqrstuvwxyz'
  assert.equal(
    await jsonOf(outer, Buffer.from(text.slice(0, 21))),
    '{"f0":"a","f1":"bcd","f2":{"f0":"ef","f1":"gh","f2":"i","f3":"jkl"},"f3":{"f0":"mn","f1":"op","f2":"q","f3":"rst"},"f4":"u"}',
  )

  function named(type: unknown, i: number): unknown {
    return { name: `f${i}`, type }
  }
})

const decimal = (scale: unknown) => ({ type: 'bytes', logicalType: 'decimal', precision: 38, scale })
const fixedDecimal = (size: number, scale: number) => ({
  type: 'fixed',
  name: 'd',
  size,
  logicalType: 'decimal',
  precision: 38,
  scale,
})
const sized = (bytes: Uint8Array) => Buffer.concat([long(bytes.length), bytes])
const logical = (type: string, logicalType: string) => ({ type, logicalType })
const millis = (iso: string) => Date.parse(iso)

test('logical types are read as what they stand for', async () => {
  const day = 86_400_000
  const uuid = '0123456789abcdef0123456789abcdef'
  const cases: readonly (readonly [type: unknown, value: Buffer, json: string])[] = [
    [decimal(9), sized(twosComplement(19_990_000_000n)), '19.99'],
    [decimal(2), sized(twosComplement(1999n, 16)), '19.99'],
    [decimal(2), sized(twosComplement(-5n)), '-0.05'],
    [decimal(2), sized(twosComplement(1000n)), '10'],
    [decimal(0), sized(twosComplement(2n ** 63n)), '9223372036854775808'],
    [decimal(undefined), sized(twosComplement(-(10n ** 38n) + 1n)), `-${'9'.repeat(38)}`],
    [decimal(38), sized(twosComplement(1n)), `0.${'0'.repeat(37)}1`],
    [decimal(2), sized(Buffer.alloc(0)), '0'],
    [decimal(2), sized(Buffer.alloc(200, 0x41)), JSON.stringify('A'.repeat(200))],
    [decimal(-1), sized(Buffer.from('A')), '"A"'],
    [decimal(1e9), sized(Buffer.from('A')), '"A"'],
    [decimal('2'), sized(Buffer.from('A')), '"A"'],
    [fixedDecimal(3, 2), Buffer.from([0xff, 0xff, 0x9c]), '-1'],
    [fixedDecimal(0, 2), Buffer.alloc(0), '0'],
    [['null', decimal(2)], Buffer.concat([long(1), sized(twosComplement(250n))]), '2.5'],
    [logical('long', 'timestamp-millis'), long(millis('2026-01-02T03:04:05.120Z')), '"2026-01-02T03:04:05.12Z"'],
    [logical('long', 'timestamp-millis'), long(0), '"1970-01-01T00:00:00Z"'],
    [logical('long', 'timestamp-millis'), long(-1), '"1969-12-31T23:59:59.999Z"'],
    [logical('long', 'timestamp-millis'), long(millis('1600-02-29T00:00:00Z')), '"1600-02-29T00:00:00Z"'],
    [logical('long', 'timestamp-micros'), long(1767319200000001n), '"2026-01-02T02:00:00.000001Z"'],
    [logical('long', 'timestamp-nanos'), long(1767319200000000001n), '"2026-01-02T02:00:00.000000001Z"'],
    [logical('long', 'timestamp-nanos'), long(-1), '"1969-12-31T23:59:59.999999999Z"'],
    [logical('long', 'timestamp-nanos'), long(-(2n ** 63n)), '"1677-09-21T00:12:43.145224192Z"'],
    [logical('long', 'timestamp-millis'), long(2n ** 63n - 1n), '"+292278994-08-17T07:12:55.807Z"'],
    [logical('long', 'timestamp-millis'), long(-(2n ** 63n)), '"-292275055-05-16T16:47:04.192Z"'],
    [logical('long', 'local-timestamp-millis'), long(1767319200000), '"2026-01-02T02:00:00"'],
    [logical('long', 'local-timestamp-micros'), long(1767319200500000), '"2026-01-02T02:00:00.5"'],
    [logical('int', 'date'), long(20_455), '"2026-01-02"'],
    [logical('int', 'date'), long(-1), '"1969-12-31"'],
    [logical('int', 'date'), long(2 ** 31 - 1), '"+5881580-07-11"'],
    [logical('int', 'time-millis'), long(3_723_004), '"01:02:03.004"'],
    [logical('int', 'time-millis'), long(day), String(day)],
    [logical('long', 'time-micros'), long(86_399_999_999), '"23:59:59.999999"'],
    [logical('long', 'time-micros'), long(-1), '-1'],
    [
      { type: 'fixed', name: 'u', size: 16, logicalType: 'uuid' },
      Buffer.from(uuid, 'hex'),
      '"01234567-89ab-cdef-0123-456789abcdef"',
    ],
    [logical('string', 'uuid'), text('x'), '"x"'],
    [{ type: { type: 'long', logicalType: 'timestamp-millis' } }, long(0), '"1970-01-01T00:00:00Z"'],
    // What is unknown, or on a type that it does not belong to, means nothing.
    [logical('string', 'timestamp-millis'), text('x'), '"x"'],
    [logical('long', 'timestamp-weeks'), long(5), '5'],
    [logical('int', 'timestamp-millis'), long(5), '5'],
  ]
  for (const [type, value, json] of cases) assert.equal(await jsonOf(type, value), json, JSON.stringify(type))
})

test('bytes that are UTF-8 are text; others are code points up to 255', async () => {
  assert.equal(await jsonOf('bytes', text('né\u0000"😀')), '"né\\u0000\\"😀"')
  assert.equal(await jsonOf('bytes', sized(Buffer.from([0xff, 0x41, 0xe9]))), '"ÿAé"')
  assert.equal(await jsonOf({ type: 'fixed', name: 'x', size: 3 }, Buffer.from('EUR')), '"EUR"')
})

test('the branches of a union are taken in the order of the schema', async () => {
  for (const [union, value, json] of [
    [['string', 'null'], Buffer.concat([long(0), text('x')]), '"x"'],
    [['string', 'null'], long(1), 'null'],
    [['int', 'string', 'null', 'boolean'], Buffer.concat([long(1), text('x')]), '"x"'],
    [['int', 'string', 'null', 'boolean'], Buffer.concat([long(3), Buffer.from([1])]), 'true'],
    [
      { type: 'map', values: ['null', { type: 'array', items: ['null', 'int'] }] },
      Buffer.concat([long(1), text('k'), long(1), long(2), long(0), long(1), long(5), long(0), long(0)]),
      '{"k":[null,5]}',
    ],
  ] as const) {
    assert.equal(await jsonOf(union, value), json)
  }
  for (const union of [['null'], []]) {
    assert.match(await jsonOf(union, long(1)), /^a record does not fit its schema/)
  }
})

/** A type, and values of it: as `avsc` takes them, and the JSON that they become, null where that is left out. */
interface Typed {
  readonly schema: unknown
  readonly branch: string
  readonly values: fc.Arbitrary<Sample>
}
interface Sample {
  readonly stored: unknown
  readonly json: string | null
}

function primitive<T>(name: string, values: fc.Arbitrary<T>, json: (value: T) => string | null): Typed {
  return { schema: name, branch: name, values: values.map((stored) => ({ stored, json: json(stored) })) }
}

const finite = (value: number) => (Number.isFinite(value) ? String(value) : null)
const PRIMITIVES: readonly Typed[] = [
  primitive('null', fc.constant(null), () => null),
  primitive('boolean', fc.boolean(), String),
  primitive('int', fc.integer(), String),
  primitive('long', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), String),
  primitive('float', fc.float(), finite),
  primitive('double', fc.double(), finite),
  primitive('string', fc.string({ unit: 'grapheme' }), (value) => JSON.stringify(value)),
  primitive('bytes', fc.string({ unit: 'grapheme' }).map(Buffer.from), (value) => JSON.stringify(value.toString())),
]

/** Any type whose named types have names of their own, which begin with `name`. */
function anyType(name: string, depth: number): fc.Arbitrary<Typed> {
  const one = fc.constantFrom(...PRIMITIVES)
  if (depth === 0) return one
  const inner = anyType(`${name}i`, depth - 1)
  return fc.oneof(
    one,
    enumType(name),
    inner.map(arrayOf),
    inner.map(mapOf),
    recordType(name, depth),
    fc.shuffledSubarray([...PRIMITIVES], { minLength: 1 }).map(unionOf),
    fc.tuple(recordType(name, depth), enumType(`${name}e`), inner.map(arrayOf), one).map(unionOf),
  )
}

function enumType(name: string): fc.Arbitrary<Typed> {
  const symbols = ['A', 'b_2', 'null', 'string']
  const values = fc.constantFrom(...symbols).map((stored) => ({ stored, json: JSON.stringify(stored) }))
  return fc.constant({ schema: { type: 'enum', name: `${name}Enum`, symbols }, branch: `${name}Enum`, values })
}

function arrayOf({ schema, values }: Typed): Typed {
  const lists = fc.array(values, { maxLength: 4 }).map((items) => ({
    stored: items.map(({ stored }) => stored),
    json: `[${items.map(({ json }) => json ?? 'null').join(',')}]`,
  }))
  return { schema: { type: 'array', items: schema }, branch: 'array', values: lists }
}

function mapOf({ schema, values }: Typed): Typed {
  const maps = fc.dictionary(fc.string({ maxLength: 5 }), values, { maxKeys: 4 }).map((entries) => ({
    stored: Object.fromEntries(Object.entries(entries).map(([key, { stored }]) => [key, stored])),
    json: `{${Object.entries(entries).map(([key, { json }]) => `${JSON.stringify(key)}:${json ?? 'null'}`)}}`,
  }))
  return { schema: { type: 'map', values: schema }, branch: 'map', values: maps }
}

function recordType(name: string, depth: number): fc.Arbitrary<Typed> {
  const types = ['a', 'b', 'c'].map((field) => anyType(`${name}${field}`, depth - 1))
  return fc.tuple(...types).map((each) => recordOfTypes(`${name}Record`, each))
}

function recordOfTypes(name: string, types: readonly Typed[]): Typed {
  const fields = types.map(({ schema }, i) => ({ name: `f${i}`, type: schema }))
  const values = fc.tuple(...types.map(({ values: each }) => each)).map((samples) => ({
    stored: Object.fromEntries(samples.map(({ stored }, i) => [`f${i}`, stored])),
    json: `{${samples.flatMap(({ json }, i) => (json === null ? [] : `"f${i}":${json}`))}}`,
  }))
  return { schema: { type: 'record', name, fields }, branch: name, values }
}

function unionOf(branches: readonly Typed[]): Typed {
  const values = fc.oneof(
    ...branches.map(({ branch, values: each }) =>
      each.map(({ stored, json }) => ({ stored: stored === null ? null : { [branch]: stored }, json })),
    ),
  )
  return { schema: branches.map(({ schema }) => schema), branch: '', values }
}

test('whatever avsc writes is read, of any type', async () => {
  const samples = anyType('T', 3).chain(({ schema, values }) => values.map((sample) => ({ schema, ...sample })))
  await fc.assert(
    fc.asyncProperty(samples, async ({ schema, stored, json }) => {
      const type = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true, registry: { long: longType } })
      assert.equal(await jsonOf(schema, type.toBuffer(stored)), json ?? 'null')
    }),
    { numRuns: tries(400, 150) },
  )
})

test('records of plain fields are read as avsc writes them, whatever is null and however they are packed', async () => {
  const [nothing, , int] = PRIMITIVES as [Typed, Typed, Typed]
  const letters = fc.string({ unit: fc.constantFrom(...'abcdefgh', 'é', '😀'), maxLength: 200, size: 'max' })
  const oddText = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\u0001', '\u007f'), maxLength: 9 })
  const texts = primitive('string', fc.oneof(letters, oddText), (value) => JSON.stringify(value))
  const small = primitive('long', fc.integer({ min: -70, max: 9000 }).map(BigInt), String)
  const plain = fc.constantFrom(texts, small, ...PRIMITIVES.slice(1))
  const nullable = fc
    .tuple(plain, fc.boolean())
    .map(([type, isFirst]) => unionOf(isFirst ? [nothing, type] : [type, nothing]))
  const files = fc.array(fc.oneof(plain, nullable), { maxLength: 12 }).chain((types) => {
    // A record takes a byte at least.
    const { schema, values } = recordOfTypes('Plain', [...types, int])
    const records = fc.array(values, { minLength: 1, maxLength: 12 })
    const codec = fc.constantFrom('null', 'deflate')
    return fc.tuple(fc.constant(schema), fc.array(records, { minLength: 1, maxLength: 5 }), codec, fc.nat(2000))
  })
  await fc.assert(
    fc.asyncProperty(files, async ([schema, blocks, codec, pieceBytes]) => {
      const type = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true, registry: { long: longType } })
      const parts = [container(schema, 0, codec === 'null' ? Buffer.alloc(0) : deflateRawSync(''), codec)]
      for (const records of blocks) {
        const stored = Buffer.concat(records.map((record) => type.toBuffer(record.stored)))
        const packed = codec === 'null' ? stored : deflateRawSync(stored)
        parts.push(long(records.length), long(packed.length), packed, Buffer.from(SYNC))
      }
      const read: string[] = []
      const input = memoryInput(Buffer.concat(parts), null, pieceBytes + 1)
      for await (const chunk of CUTTERS.avro(input, BEGINNING)) {
        for (let i = 0; i < chunk.count; i++) read.push(textOf(recordBytes(chunk, i)))
      }
      assert.deepEqual(
        read,
        blocks.flat().map(({ json }) => json),
      )
    }),
    { numRuns: tries(1000, 200) },
  )
})

/** The records of two files that were put together. */
function together(...files: readonly Uint8Array[]): Promise<Result> {
  return readInput(memoryInput(Buffer.concat(files), null))
}

test('containers that follow one another are read, each with its own type, schema and codec', async () => {
  const entry = entryOf('users.messages.email.Click')
  const clicks: Records = {
    entry,
    records: records.records.map((_, i) => ({ ...recordOf(entry, random, i), id: `c-${i}` })),
  }
  const first = avro(records, 'snappy')
  const second = avro(clicks, 'deflate')
  const alone = [await read(first), await read(second), await read(first)]
  const result = await together(first, second, first)
  assert.deepEqual(result.details, [])
  assert.deepEqual(
    result.events,
    alone.flatMap(({ events }) => events),
  )
  assert.deepEqual(
    result.positions,
    Array.from({ length: 36 }, (_, i) => i),
  )
})

test('two containers, cut at every byte: what came before is kept, and one damage is told', async () => {
  const schema = {
    type: 'record',
    name: TYPE,
    fields: ['id', 'device_id', 'time'].map((name) => ({ name, type: 'string' })),
  }
  const record = (id: string) => Buffer.concat([text(id), text('d'), text('1767319200')])
  const block = (...ids: readonly string[]) => Buffer.concat(ids.map(record))
  const first = container(schema, 2, block('a', 'b'))
  const bytes = Buffer.concat([first, container(schema, 2, deflateRawSync(block('c', 'd')), 'deflate')])
  const whole = await read(bytes)
  assert.equal(whole.events.length, 4)
  for (let length = 4; length < bytes.length; length++) {
    const { events, rejected, read: count } = await readInput(memoryInput(bytes.subarray(0, length), null), 'avro')
    assert.deepEqual(events, whole.events.slice(0, events.length))
    if (length >= first.length) assert.ok(events.length >= 2)
    // Nothing is missing right behind a header, and right behind a block.
    const isWhole = count === events.length
    assert.ok(isWhole || rejected['damaged_input'] === 1, `cut at byte ${length}`)
  }
})

test('what follows a container and is none is damage', async () => {
  const whole = avro(records, 'null')
  for (const garbage of [
    Buffer.alloc(512),
    Buffer.from('Obj'),
    Buffer.from('Obj\x02and more'),
    Buffer.from('garbage'),
    whole.subarray(0, 40),
  ]) {
    const { events, rejected, details } = await together(whole, garbage)
    assert.equal(events.length, records.records.length)
    assert.deepEqual(rejected, { damaged_input: 1 })
    assert.match(details[0] ?? '', new RegExp(`\\(at byte ${whole.length}\\)$`))
  }
})

test('a container that is not read refuses the file, behind what was read of it', async () => {
  const { events, refused } = await together(avro(records, 'null'), container(recordOfFields('int'), 1, long(1), 'xz'))
  assert.equal(events.length, records.records.length)
  assert.match(refused?.message ?? '', /^memory is Avro packed with xz/)
})

test('a record of more than 16 MB costs itself alone', async () => {
  const schema = {
    type: 'record',
    name: TYPE,
    fields: [
      { name: 'id', type: 'string' },
      { name: 'device_id', type: 'string' },
      { name: 'time', type: 'long' },
    ],
  }
  const record = (id: string) => Buffer.concat([text(id), text('d'), long(1767319200)])
  const block = Buffer.concat([record('a'), record('x'.repeat(17 << 20)), record('b')])
  const { events, details } = await read(container(schema, 3, block))
  assert.equal(events.length, 2)
  assert.deepEqual(details, ['malformed: a record of more than 16777216 bytes'])
})

test('a schema that makes much of few bytes does not grow memory', async () => {
  const key = 'k'.repeat(100_000)
  const leaf = { type: 'record', name: 'L0', fields: [{ name: key, type: { type: 'fixed', name: 'Zero', size: 0 } }] }
  const wider = Array.from({ length: 40 }, (_, i) => {
    const fields = ['a', 'b'].map((name) => ({ name, type: `L${i}` }))
    return { type: 'record', name: `L${i + 1}`, fields }
  })
  const doubling = recordOfFields(leaf, ...wider)
  const listing = recordOfFields({ type: 'array', items: leaf })
  const before = process.memoryUsage().arrayBuffers
  for (const [schema, block] of [
    [doubling, long(0)],
    [listing, Buffer.concat([long(60_000), long(0)])],
  ] as const) {
    assert.deepEqual((await read(container(schema, 1, block))).rejected, { damaged_input: 1 })
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 400 << 20)
})

test('fields that no record has do not make a chunk grow', async () => {
  const schema = recordOfFields('boolean', ...Array.from({ length: 1000 }, () => 'null'))
  let count = 0
  for await (const chunk of CUTTERS.avro(memoryInput(container(schema, 3000, Buffer.alloc(3000)), null), BEGINNING)) {
    assert.ok((chunk.fields?.kinds.length ?? 0) < 1 << 22)
    count += chunk.count
  }
  assert.equal(count, 3000)
})

/** A zstd frame of what the blocks stand for: `raw` bytes as they are, or one byte many times. */
function zstdFrame(
  blocks: readonly (Uint8Array | { readonly byte: number; readonly count: number })[],
  window = 0x38,
): Buffer {
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, window])]
  for (const [i, block] of blocks.entries()) {
    const isRaw = block instanceof Uint8Array
    const header = Buffer.alloc(3)
    header.writeUIntLE(
      ((isRaw ? block.length : block.count) << 3) | (isRaw ? 0 : 2) | (i === blocks.length - 1 ? 1 : 0),
      0,
      3,
    )
    parts.push(header, isRaw ? Buffer.from(block) : Buffer.from([block.byte]))
  }
  return Buffer.concat(parts)
}

test('zstandard: blocks of several frames are read; one that is cut, lies or is too large is damage, and is not allocated', async () => {
  const schema = {
    type: 'record',
    name: TYPE,
    fields: ['id', 'device_id', 'time'].map((name) => ({ name, type: 'string' })),
  }
  const record = Buffer.concat([text('i'), text('d'), text('1767319200')])
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9])
  const readFrames = (...frames: readonly Uint8Array[]) =>
    read(container(schema, 1, Buffer.concat(frames), 'zstandard'))
  const parts = [record.subarray(0, 3), record.subarray(3)] as const
  for (const frames of [
    [zstdFrame([record])],
    [zstdFrame(parts)],
    // Some writers name the codec and pack nothing.
    [record],
    [zstdFrame([parts[0]]), skippable, zstdFrame([parts[1]])],
  ]) {
    const { events, details } = await readFrames(...frames)
    assert.deepEqual(details, [])
    assert.equal(events.length, 1)
  }
  const before = process.memoryUsage().arrayBuffers
  const many = Array.from({ length: 2000 }, () => ({ byte: 65, count: 1 << 17 }))
  for (const frames of [
    [zstdFrame([record]).subarray(0, -1)],
    [zstdFrame([record], 0xff)],
    [zstdFrame([record], 0x90)],
    [zstdFrame(many)],
    [zstdFrame([record]), Buffer.from('and more')],
    [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x38, 7]), Buffer.alloc(20)],
    [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, ...Buffer.alloc(8, 0xff), 1, 0, 0])],
  ]) {
    const { rejected, details } = await readFrames(...frames)
    assert.deepEqual(rejected, { damaged_input: 1 })
    assert.match(details[0] ?? '', /a block cannot be unpacked/)
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 400 << 20)
})
