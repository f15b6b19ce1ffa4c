import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryInput, type Result, readInput } from '../conformance/read.ts'

const TYPE = 'users.messages.email.Open'

function read(text: string | Buffer, pieceBytes?: number): Promise<Result> {
  return readInput(memoryInput(Buffer.from(text), TYPE, pieceBytes), 'json')
}

function record(id: string, more = ''): string {
  return `{"id":"${id}","external_user_id":"u","time":1767319200${more}}`
}

function ids({ events }: Result): readonly string[] {
  return events.map((event) => JSON.parse(event).insert_id)
}

const SHAPES: readonly (readonly [string, string, readonly string[]])[] = [
  ['one array', `[${record('1')},${record('2')}]`, ['1', '2']],
  ['arrays that follow one another', `[${record('1')}][${record('2')}]\n[]\n[${record('3')}]`, ['1', '2', '3']],
  ['objects that follow one another', `${record('1')}${record('2')} ${record('3')}`, ['1', '2', '3']],
  ['an array behind an object', `${record('1')}[${record('2')}]${record('3')}`, ['1', '2', '3']],
  ['an envelope', `{"events":[${record('1')},${record('2')}]}`, ['1', '2']],
  ['an empty envelope', '{"events":[]}', []],
  ['an empty array', '[ ]', []],
  ['an array with nothing but a NUL byte', '[\0]', []],
  ['nothing but white space', ' \n ', []],
  [
    'envelopes with other keys on both sides',
    `{"n":1,"of":{"events":[1]},"events":[${record('1')}],"next":[[{"events":[2]}]]}{"events":[${record('2')}]}`,
    ['1', '2'],
  ],
  ['envelopes in an array', `[{"events":[${record('1')}]},{"x":[],"events":[${record('2')}]}]`, ['1', '2']],
  ['a list of events deeper in a record', record('1', ',"x":{"events":[{"id":"no"}]},"y":[{"events":[1]}]'), ['1']],
  ['a key events that is no list', record('1', ',"events":{"events":[1]}'), ['1']],
  ['quotes and brackets in strings', `[${record('1', ',"a":"\\"}]{\\\\","b\\"[":"{"')},${record('2')}]`, ['1', '2']],
  [
    'a list of records after other lists, with values of every kind between',
    `{"columns":[{"name":"a"},{"id":"no"}],"empty":[],"n":[1,[{"id":"no"}]],"t":"]\\"}","data":[${record('1')},${record('2')}]}`,
    ['1', '2'],
  ],
  [
    'lists in an envelope behind its first, and what is passed over between',
    `{"data":[${record('1')}],"columns":[{"name":"a"},{"id":"no"}],"more":[${record('2')}],"events":[${record('3')}],"x":[${record('no')}]}`,
    ['1', '2', '3'],
  ],
  ['an empty list of events beside another list', `{"events":[ ],"data":[ ${record('1')} ]}${record('2')}`, ['1', '2']],
  [
    'a list of objects behind the key of a record',
    `${record('1', ',"list":[{"id":"no"}]')}${record('2', ',"list":[]')}`,
    ['1', '2'],
  ],
  ['a key of a list written with an escape', `{"\\u0065vents":[${record('1')}]}`, ['1']],
  ['marks between objects', `\x1e${record('1')}\n\x1e\ufeff${record('2')}\ufeff`, ['1', '2']],
  ['a byte order mark', `\ufeff[${record('1')}]`, ['1']],
  ['a key with an escape', `[${record('1').replace('"id"', '"\\u0069d"')}]`, ['1']],
]

for (const [name, text, expected] of SHAPES) {
  test(`${name}: the records are found`, async () => {
    for (const pieceBytes of [1, 3, text.length]) {
      const result = await read(text, pieceBytes)
      assert.deepEqual(ids(result), expected)
      assert.deepEqual(result.details, [])
      assert.equal(result.read, expected.length)
    }
  })
}

test('an item that is no object is malformed, and reading goes on', async () => {
  const result = await read(`[1, {"events":5}, ${record('1')}, "x", [[${record('no')}]], null, true, ${record('2')}]`)
  assert.deepEqual(ids(result), ['1', '2'])
  assert.equal(result.read, 8)
  assert.equal(result.rejected['malformed'], 6)
  assert.equal(result.rejected['damaged_input'], undefined)
})

test('an array in an array behind an object with a key events is no envelope', async () => {
  const result = await read(`[{"events":1},[[{"id":"no"}]],[{"events":1},[{"id":"no"}]],${record('1')}]`)
  assert.deepEqual(ids(result), ['1'])
  assert.deepEqual(result.details, [
    'malformed: time is missing',
    'malformed: not a JSON object at byte 1 of the record',
    'malformed: not a JSON object at byte 1 of the record',
  ])
})

test('a record with invalid UTF-8 or a NUL byte is malformed, and reading goes on', async () => {
  const text = Buffer.concat([
    Buffer.from(`[${record('1')},\n${record('2', ',"machine_open":"')}`).subarray(0, -1),
    Buffer.from([0xff]),
    Buffer.from(`"},\n${record('3', ',"user":{"x":"\0"},"y":1')},\n${record('é')}]`),
  ])
  for (const pieceBytes of [1, 2, text.length]) {
    const result = await read(text, pieceBytes)
    assert.deepEqual(ids(result), ['1', 'é'])
    assert.deepEqual(result.details, ['malformed: invalid UTF-8', 'malformed: NUL byte'])
    assert.deepEqual(result.lines, [1, 2, 3, 4])
    assert.deepEqual(result.positions, [0, 1, 2, 3])
  }
})

test('a record that is broken inside is malformed, and reading goes on', async () => {
  const broken = [
    '{"id":tru}',
    '{"id":NaN}',
    '{"id":"a\nb"}',
    '{"id":"\t"}',
    '{"id":"\\x"}',
    '{"id":"a" "time":1}',
    '{"id":1,}',
    '{"id"}',
    '{1}',
    '{[1]}',
    '[1,]',
  ]
  for (const text of broken) {
    const [before, after] = [record('1'), record('3')]
    for (const whole of [`[${before},${text},${after}]`, `${before}${text}${after}`]) {
      if (text.startsWith('[') && !whole.startsWith('[')) continue
      for (const pieceBytes of [1, 7, whole.length]) {
        const result = await read(whole, pieceBytes)
        assert.deepEqual(ids(result), ['1', '3'], whole)
        assert.equal(result.rejected['malformed'], 1)
        assert.deepEqual(result.lines, [1, 1, 1 + (text.includes('\n') ? 1 : 0)])
      }
    }
  }
})

test('an object without a key before its list has not that of the object before', async () => {
  const text = `[{"id":"1","external_user_id":"u","time":1767319200,"name":"events"},{[{"id":"no"}]},${record('2')}]`
  for (const pieceBytes of [1, text.length]) assert.deepEqual(ids(await read(text, pieceBytes)), ['1', '2'])
})

test('numbers keep every digit and strings their code points', async () => {
  const properties = '{"n":123456789012345678901234567890,"f":1.10,"s":"\\ud83d\\ude00 \\ud800 \\u00e9 \\/"}'
  const text = `[{"id":"1","external_user_id":"u","time":1767319200,"name":"n","properties":${properties}}]`
  const input = memoryInput(Buffer.from(text), 'users.behaviors.CustomEvent')
  const { events } = await readInput(input, 'json')
  assert.match(events[0] ?? '', /"\[Custom event property\] n":123456789012345678901234567890,/)
  assert.match(events[0] ?? '', /"\[Custom event property\] s":"😀 \\ud800 é \/"/)
})

const DAMAGES: readonly (readonly [string, string, RegExp])[] = [
  [
    'ends within a record',
    `[${record('1')},\n${record('2')},\n{"id":"3`,
    /the input ends too early \(record 3, byte 107\)/,
  ],
  ['ends before the array does', `[${record('1')},\n${record('2')}\n`, /the input ends too early/],
  ['has an unknown word for a record', `[${record('1')},${record('2')},nothing at all,${record('4')}]`, /invalid JSON/],
  ['has a number that is none', `[${record('1')},${record('2')},1.e,${record('4')}]`, /invalid JSON/],
  ['has a comma too many', `[${record('1')},${record('2')},]`, /invalid JSON: expected a value \(record 3/],
  ['lacks a comma', `[${record('1')},${record('2')} {"id":"3"}]`, /invalid JSON: expected ','/],
  ['closes the wrong bracket', `[${record('1')},${record('2')}}`, /invalid JSON/],
  [
    'closes the wrong bracket in a record',
    `[${record('1')},${record('2')},{"id":["3"},${record('4')}]`,
    /invalid JSON: expected ']' \(record 3/,
  ],
  [
    'does not end a string',
    `[${record('1')},${record('2')},{"id":"3},${record('4')},${record('5')}]`,
    /invalid JSON: a quote or a comma is missing \(record 3, byte 105\)/,
  ],
  [
    'does not end a string at the end of a line',
    `[${record('1')},${record('2')},{\n"id":"3,\n"external_user_id":"u"\n},${record('4')}]`,
    /invalid JSON: a quote or a comma is missing \(record 3/,
  ],
  [
    'is broken around the records of an envelope',
    `{"events":[${record('1')},${record('2')}],"next":tru}${record('3')}`,
    /invalid JSON \(record 3/,
  ],
  [
    'is broken before the records of an envelope',
    `${record('1')}${record('2')}{"n":nothing at all,"events":[${record('3')}]}`,
    /invalid JSON: expected a value \(record 3/,
  ],
  ['closes what is not open', `${record('1')}${record('2')}]${record('3')}`, /invalid JSON/],
  ['ends with garbage', `[${record('1')},${record('2')}] garbage`, /invalid JSON: expected a value/],
  ['ends with zeros', `[${record('1')},${record('2')}]\n\0\0\0`, /the input ends too early/],
  ['is closed with a semicolon', `[${record('1')},${record('2')}];[${record('3')}]`, /invalid JSON/],
]

for (const [name, text, expected] of DAMAGES) {
  test(`JSON that ${name}: what came before is kept, the rest is one damage with its place`, async () => {
    for (const pieceBytes of [1, 7, text.length]) {
      const result = await read(text, pieceBytes)
      assert.deepEqual(ids(result), ['1', '2'])
      assert.equal(result.read, 3)
      assert.equal(result.rejected['damaged_input'], 1)
      assert.match(result.details[0] ?? '', expected)
    }
  })
}

test('a damaged rest keeps its text and its line', async () => {
  const result = await read(`[${record('1')},\n\n{"id":"2"`)
  assert.deepEqual(result.raws, ['{"id":"2"'])
  assert.deepEqual(result.lines, [1, 3])
})

const MEGABYTE = 1 << 20

test('a record of more than 16 MB ends the input, and is not kept in memory', async () => {
  let given = 0
  const endless = (piece: string) => ({
    ...memoryInput(Buffer.from(''), TYPE),
    async read() {
      const bytes = Buffer.from(given === 0 ? `[${record('1')},{"id":"2","x":[` : piece.repeat(MEGABYTE / piece.length))
      given += bytes.length
      return given < 200 * MEGABYTE ? bytes : null
    },
  })
  for (const piece of ['{"a":1},', 'abcdefgh', '[[[[[[[[']) {
    given = 0
    const result = await readInput(endless(piece), 'json')
    assert.deepEqual(ids(result), ['1'])
    assert.equal(result.read, 2)
    assert.match(result.details[0] ?? '', /damaged_input: /)
    assert.ok(given < 40 * MEGABYTE, `read on for ${given} bytes`)
  }
})
