import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { memoryInput, type Result, readInput } from '../conformance/read.ts'
import { avro, type Codec, long } from '../shapes/avro.ts'
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
function container(schema: unknown, count: number, block: Buffer): Buffer {
  const text = (value: string) => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)])
  const header = [Buffer.from('Obj\x01'), long(1), text('avro.schema'), text(JSON.stringify(schema)), long(0)]
  return Buffer.concat([...header, Buffer.from(SYNC), long(count), long(block.length), block, Buffer.from(SYNC)])
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
  const text = (value: string) => Buffer.concat([long(value.length), Buffer.from(value)])
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

test('a schema that cannot be read is damage', async () => {
  for (const schema of [
    'nonsense',
    { type: 'record', name: 'x', fields: [{ name: 'a', type: 'what' }] },
    'string',
    5,
    null,
  ]) {
    const result = await read(container(schema, 0, Buffer.alloc(0)))
    assert.deepEqual(result.rejected, { damaged_input: 1 })
  }
})
