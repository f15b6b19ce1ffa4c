import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryInput, type Result, readInput } from '../conformance/read.ts'

const TYPE = 'users.messages.email.Open'

function read(text: string | Buffer, pieceBytes?: number): Promise<Result> {
  return readInput(memoryInput(Buffer.from(text), TYPE, pieceBytes))
}

/** Reads the text in pieces of several sizes, which must make no difference. */
async function readEveryWay(text: string | Buffer): Promise<Result> {
  const whole = await read(text)
  for (const pieceBytes of [1, 2, 5, 17]) assert.deepEqual(await read(text, pieceBytes), whole, `${pieceBytes} bytes`)
  return whole
}

function ids({ events }: Result): readonly string[] {
  return events.map((event) => JSON.parse(event).insert_id)
}

const HEADER = 'id,external_user_id,time,machine_open'

for (const [name, delimiter] of [
  ['comma', ','],
  ['tab', '\t'],
  ['semicolon', ';'],
  ['pipe', '|'],
] as const) {
  test(`a ${name} between the fields is found in the header`, async () => {
    const text = `${HEADER}\n1,u,1767319200,true\n`.replaceAll(',', delimiter)
    assert.deepEqual(ids(await readEveryWay(text)), ['1'])
  })
}

test('a byte order mark, CRLF, blank lines and headers in any case are read', async () => {
  const text = `\ufeff\r\nID, External_User_ID ,TIME,"MACHINE_OPEN"\r\n\r\n1,u,1767319200,true\r\n\r\n\r\n2,u,1767319200,\r\n \r\n`
  const result = await readEveryWay(text)
  assert.deepEqual(ids(result), ['1', '2'])
  assert.deepEqual(result.lines, [4, 7])
  assert.deepEqual(
    result.positions,
    [text.indexOf('1,u'), text.indexOf('2,u')].map((at) => at + 2),
  )
})

test('a quoted field keeps delimiters, quotes and newlines, which count as lines', async () => {
  const result = await readEveryWay(`${HEADER}\n1,"a,""b""\r\n\nc",1767319200,x\n2,u,1767319200,y\n3,u,0x,\n`)
  assert.equal(JSON.parse(result.events[0] ?? '').user_id, 'a,"b"\r\n\nc')
  assert.deepEqual(ids(result), ['1', '2'])
  assert.deepEqual(result.lines, [2, 5, 6])
})

test('an empty field and \\N are absent', async () => {
  const { events } = await readEveryWay(`${HEADER}\n1,u,1767319200,\n2,u,1767319200,""\n3,u,1767319200,\\N\n`)
  for (const event of events) assert.deepEqual(JSON.parse(event).event_properties, {})
})

test('a column without a name is left out; of a name that is there twice the last field that is not empty counts', async () => {
  const result = await readEveryWay(`${HEADER},,ID\nx,u,1767319200,true,junk,1\n2,u,1767319200,true,junk,\n`)
  assert.deepEqual(ids(result), ['1', '2'])
})

test('a last row without a newline is a row', async () => {
  assert.deepEqual(ids(await readEveryWay(`${HEADER}\n1,u,1767319200,a\n2,u,1767319200,"b"`)), ['1', '2'])
})

test('a header alone is no record', async () => {
  for (const text of [HEADER, `${HEADER}\n`, `\n\n${HEADER}\r\n\r\n`]) assert.equal((await readEveryWay(text)).read, 0)
})

test('a header that names no Currents field refuses the file and shows what a header looks like', async () => {
  for (const text of ['first,second\n1,2\n', 'hello world\n', '%PDF-1.4\nabc\n', '"a\n']) {
    const { refused, read: count } = await read(text)
    assert.equal(count, 0)
    assert.match(refused?.message ?? '', /is not NDJSON, JSON, CSV or Avro that holds Currents records/)
    assert.match(refused?.hint ?? '', /id,external_user_id,time/)
  }
})

test('rows with too few or too many columns are malformed, and reading goes on', async () => {
  const result = await readEveryWay(`${HEADER}\n1,u,1767319200,x\n2,u\n3,u,1767319200,x,y\n4,u,1767319200,x\n`)
  assert.deepEqual(ids(result), ['1', '4'])
  assert.deepEqual(result.details, ['malformed: 2 columns instead of 4', 'malformed: 5 columns instead of 4'])
  assert.deepEqual(result.raws, ['2,u', '3,u,1767319200,x,y'])
  assert.deepEqual(result.lines, [2, 3, 4, 5])
})

test('rows with invalid UTF-8 or a NUL byte are malformed, and reading goes on', async () => {
  const text = Buffer.concat([
    Buffer.from(`${HEADER}\n1,u,1767319200,é\n2,u,1767319200,caf`),
    Buffer.from([0xe9]),
    Buffer.from('\n3,\0,1767319200,\n4,u,1767319200,é\n'),
  ])
  const result = await readEveryWay(text)
  assert.deepEqual(ids(result), ['1', '4'])
  assert.deepEqual(result.details, ['malformed: invalid UTF-8', 'malformed: NUL byte'])
})

const GOOD = '9,u,1767319200,x'
const STRAY: readonly (readonly [string, string])[] = [
  ['in a field', '1,a"b,1767319200,x'],
  ['behind a quoted field', '1,"a"b,1767319200,x'],
  ['that opens a field and is never closed', '1,"a,1767319200,x'],
  ['that opens the last field', '1,a,1767319200,"x'],
]

for (const [name, row] of STRAY) {
  test(`a stray quote ${name} costs its own row only`, async () => {
    const quoted = '8,"q ""r""",1767319200,"x"'
    for (const after of [[GOOD], [quoted], [GOOD, quoted, GOOD.replace('9', '7')]]) {
      const result = await readEveryWay(`${[HEADER, GOOD.replace('9', '0'), row, ...after].join('\n')}\n`)
      assert.deepEqual(ids(result), ['0', ...after.map((line) => line[0])])
      assert.deepEqual(result.raws, [row])
      assert.equal(result.rejected['malformed'], 1)
      assert.deepEqual(
        result.lines,
        [0, 1, ...after.keys()].map((_, i) => i + 2),
      )
    }
  })
}

test('two stray quotes that look like one field cost their own rows only', async () => {
  const stray = ['1,"a,1767319200,x', '2,u,1767319200,"']
  const result = await readEveryWay(`${HEADER}\n\n\n${stray[0]}\n${GOOD}\n\n${stray[1]}\n3,u,1767319200,x\n`)
  assert.deepEqual(ids(result), ['9', '3'])
  assert.deepEqual(result.raws, stray)
  assert.deepEqual(result.lines, [4, 5, 7, 8])
})

test('a quote that is not closed at the end is one damage, and no row before it is lost', async () => {
  for (const tail of ['2,"a', '2,u,1767319200,"x\ny', '"']) {
    const result = await readEveryWay(`${HEADER}\n1,u,1767319200,x\n${tail}`)
    assert.deepEqual(ids(result), ['1'])
    assert.deepEqual(result.rejected, { damaged_input: 1 })
    assert.deepEqual(result.raws, [tail])
    assert.deepEqual(result.lines, [2, 3])
  }
})

test('a row of more than 16 MB is malformed, and reading goes on', async () => {
  const long = 'x'.repeat(17 << 20)
  for (const row of [`1,u,1767319200,${long}`, `1,u,1767319200,"${long}`]) {
    const text = Buffer.from(`${HEADER}\n${row}\n2,u,1767319200,x\n`)
    const result = await read(text, 1 << 20)
    assert.deepEqual(ids(result), ['2'])
    assert.match(result.details[0] ?? '', /malformed: a row of more than/)
    assert.deepEqual(result.lines, [2, 3])
  }
})

test("Snowflake's share columns are read: upper case, …_API_ID, timestamps", async () => {
  const text =
    'ID,USER_ID,EXTERNAL_USER_ID,TIME,CAMPAIGN_ID,CAMPAIGN_API_ID,SF_CREATED_AT\n' +
    '1,b,u,2026-01-02 02:00:00,17,c-1,2026-01-02 03:00:00\n'
  const event = JSON.parse((await readEveryWay(text)).events[0] ?? '')
  assert.equal(event.event_properties.campaign_id, 'c-1')
  assert.equal(event.time, 1767319200000)
})
