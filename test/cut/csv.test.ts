import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CUTTERS } from '../../src/cut/cut.ts'
import { UsageError } from '../../src/errors.ts'
import { BEGINNING, type Restart } from '../../src/model.ts'
import type { OpenInput } from '../../src/read/open.ts'
import { recordBytes } from '../../src/record-text.ts'
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

test('a column without a name is left out', async () => {
  const result = await readEveryWay(`${HEADER},,\n1,u,1767319200,true,junk,1\n2,u,1767319200,true,junk,\n`)
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
    // In a file that has no quotes elsewhere, one within a field is content.
    const alone = name === 'in a field' ? [] : [[GOOD]]
    for (const after of [...alone, [quoted], [GOOD, quoted, GOOD.replace('9', '7')]]) {
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

const LINE_ENDS: readonly (readonly [string, string])[] = [
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
  ['CR CR LF', '\r\r\n'],
]

for (const [name, lineEnd] of LINE_ENDS) {
  test(`lines that end in ${name} are rows, and within quotes every line end stays`, async () => {
    const text = [
      HEADER,
      '1,u,1767319200,x',
      '',
      '2,"a\rb\nc\r\nd\r\r\ne",1767319200,"x"',
      '',
      '',
      '3,u,1767319200,',
    ].join(lineEnd)
    for (const end of ['', lineEnd, lineEnd.repeat(3)]) {
      const result = await readEveryWay(text + end)
      assert.deepEqual(ids(result), ['1', '2', '3'])
      assert.equal(JSON.parse(result.events[1] ?? '').user_id, 'a\rb\nc\r\nd\r\r\ne')
      assert.deepEqual(JSON.parse(result.events[0] ?? '').event_properties, { machine_open: 'x' })
      assert.deepEqual(result.lines, [2, 4, 11])
      assert.deepEqual(
        result.positions,
        ['1,u', '2,"a', '3,u'].map((row) => text.indexOf(row)),
      )
    }
  })

  test(`a stray quote costs its own row only, where lines end in ${name}`, async () => {
    for (const [, row] of STRAY) {
      const result = await readEveryWay(
        [HEADER, GOOD.replace('9', '0'), row, GOOD, '8,"q",1767319200,"x"', ''].join(lineEnd),
      )
      assert.deepEqual(ids(result), ['0', '9', '8'])
      assert.deepEqual(result.raws, [row])
      assert.deepEqual(result.lines, [2, 3, 4, 5])
    }
  })

  test(`a header that ends in ${name} is read, whatever the rows end in`, async () => {
    for (const [, other] of LINE_ENDS) {
      const result = await readEveryWay(`${HEADER}${lineEnd}1,u,1767319200,x${other}2,u,1767319200,x${other}`)
      assert.deepEqual(ids(result), ['1', '2'])
      assert.deepEqual(JSON.parse(result.events[0] ?? '').event_properties, { machine_open: 'x' })
    }
  })
}

const CELL = fc.string({
  unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\r', '\n', '\t', '\\', 'N', '1'),
  maxLength: 6,
})
const ROWS = fc.array(
  fc.record({
    user: CELL,
    note: CELL,
    isQuoted: fc.boolean(),
    lineEnd: fc.array(fc.constantFrom(...LINE_ENDS.map(([, end]) => end)), { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 6 },
)

test('whatever line ends are mixed, every row has its own fields, place and line, and reading can begin at each', async () => {
  await fc.assert(
    fc.asyncProperty(ROWS, fc.integer({ min: 1, max: 9 }), async (rows, pieceBytes) => {
      let text = `id,external_user_id,time,campaign_name${rows[0]?.lineEnd.join('')}`
      const expected = rows.map(({ user, note, isQuoted, lineEnd }, i) => {
        const byte = Buffer.byteLength(text)
        const line = text.split(/\r\r\n|\r\n|\r|\n/).length
        const cell = (value: string) =>
          // A file that quotes nothing may have the escapes of a database.
          isQuoted || i === 0 || /[,"\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
        text += `id-${i},${cell(`u${user}`)},1767319200,${cell(note)}${lineEnd.join('')}`
        return {
          id: `id-${i}`,
          user: `u${user}`,
          note: note === '' || note === '\\N' ? undefined : note,
          byte,
          line,
          ordinal: i,
        }
      })
      const bytes = Buffer.from(text)
      for (const from of [BEGINNING, ...expected]) {
        const found = []
        let { ordinal } = from
        for await (const raw of CUTTERS.csv(memoryInput(bytes, TYPE, pieceBytes), from)) {
          assert.deepEqual(raw.faults, [])
          for (let i = 0; i < raw.count; i++) {
            const record = JSON.parse(Buffer.from(recordBytes(raw, i)).toString())
            const { id, external_user_id: user, campaign_name: note } = record
            found.push({ id, user, note, byte: raw.positions[i], line: raw.lines?.[i], ordinal: ordinal++ })
          }
        }
        assert.deepEqual(found, expected.slice(from.ordinal))
      }
    }),
    { numRuns: 500 },
  )
})

const PERSON = 'id,time,external_user_id,campaign_name'

function usersOf({ events }: Result): readonly string[] {
  return events.map((event) => JSON.parse(event).user_id)
}

function linesAt(text: string, positions: readonly number[]): readonly number[] {
  return positions.map((at) => text.slice(0, at).split(/\r\r\n|\r\n|\r|\n/).length)
}

for (const [name, lineEnd] of LINE_ENDS.filter(([name]) => name !== 'CR')) {
  test(`a lone CR in a field is content, where lines end in ${name}`, async () => {
    const lines = [
      PERSON,
      '1,1767319200,mara\rsmith,x',
      '2,1767319200,"mara\rsmith",x\r\ry',
      '3,1767319200,u,x',
      '4\r,1767319200,u,\rx',
      '',
      '5,1767319200,u,x',
    ]
    for (const end of ['', lineEnd, `\r${lineEnd}`]) {
      const text = lines.join(lineEnd) + end
      const result = await readEveryWay(text)
      assert.deepEqual(ids(result), ['1', '2', '3', '4\r', '5'])
      assert.deepEqual(usersOf(result), ['mara\rsmith', 'mara\rsmith', 'u', 'u', 'u'])
      assert.equal(JSON.parse(result.events[1] ?? '').event_properties.campaign_name, 'x\r\ry')
      assert.equal(JSON.parse(result.events[3] ?? '').event_properties.campaign_name, '\rx')
      assert.deepEqual(
        result.positions,
        ['1,1', '2,1', '3,1', '4\r', '5,1'].map((row) => text.indexOf(row)),
      )
      assert.deepEqual(result.lines, linesAt(text, result.positions))
    }
  })

  test(`rows that end in CR are read among rows that end in ${name}, with the CRs in their values`, async () => {
    const rows = [
      '1,1767319200,u,a',
      '2,1767319200,u,b\rc',
      '"3",1767319200,u,d\r\re',
      '4,1767319200,u,"f"',
      '5,1767319200,u,',
    ]
    const text = `${PERSON}${lineEnd}\r${rows.join('\r')}\r\r${lineEnd}6,1767319200,u,g${lineEnd}`
    const result = await readEveryWay(text)
    assert.deepEqual(ids(result), ['1', '2', '3', '4', '5', '6'])
    assert.deepEqual(
      result.events.map((event) => JSON.parse(event).event_properties.campaign_name),
      ['a', 'b\rc', 'd\r\re', 'f', undefined, 'g'],
    )
    assert.deepEqual(
      result.positions,
      [...rows, '6,1'].map((row) => text.indexOf(row)),
    )
    assert.deepEqual(result.lines, linesAt(text, result.positions))
  })

  test(`of a line whose CRs neither end rows nor belong to a value nothing is sent, where lines end in ${name}`, async () => {
    const torn = [
      ['1,1767319200,mara\rsmith,x,y', null],
      ['1,1767319200,mara\rsmith', '3 columns instead of 4'],
      ['1,1767319200,mara,x\rsmith,y', null],
      ['1,1767319200,mara\rsmith,x\r2,1767319200,u,y', null],
      ['1,1767319200,mara,x,y\r2,1767319200,u,y\r3,1767319200,u,y', null],
      ['mara\r2,1767319200,u,y\r3,1767319200,u,y', null],
      ['1,1767319200,mara\r"smith",x', null],
      ['1,1767319200,mara,x\r"2"', null],
      ['1,1767319200,mara,x\r2,u,"a\nb"', null],
      ['1,1767319200,mara,x\r2,17"67,u,y', 'a quote that opens or closes no field'],
      ['1,1767319200,mara,x\r2,"1767,u,y\r3,1767319200,u,y', 'a quote that opens or closes no field'],
    ] as const
    for (const [line, detail] of torn) {
      const after = ['8,"1767319200",u,x', '9,1767319200,u,x', '']
      const result = await readEveryWay([PERSON, '0,1767319200,u,x', line, ...after].join(lineEnd))
      assert.deepEqual(ids(result), ['0', '8', '9'], JSON.stringify(line))
      assert.deepEqual(result.raws, [line])
      const found = detail ?? 'carriage returns that neither end rows nor belong to a value'
      assert.deepEqual(result.details, [`malformed: ${found}`])
      const lines = line.split(/[\r\n]/).length
      assert.deepEqual(result.lines, [2, 3, 3 + lines, 4 + lines])
    }
  })
}

test('whatever stands in a file, it gives the same records however it is divided and wherever reading begins', async () => {
  const part = fc.constantFrom(
    '1,',
    '2,u,',
    '3,u,1767319200',
    ',4',
    'x',
    '"',
    '""',
    '\r',
    '\r',
    '\n',
    '\r\n',
    '"q"',
    '5,u,6,z',
    '5,u,6,z',
  )
  const line = fc.constantFrom(...LINE_ENDS.map(([, end]) => end))
  const bodies = fc.array(part, { maxLength: 24 }).map((parts) => parts.join(''))

  async function cut(bytes: Buffer, from: Restart, pieceBytes: number) {
    return cutRows(bytes, from, pieceBytes).catch((error: unknown) => {
      if (error instanceof UsageError) return []
      throw error
    })
  }

  async function cutRows(bytes: Buffer, from: Restart, pieceBytes: number) {
    const found = []
    for await (const raw of CUTTERS.csv(memoryInput(bytes, TYPE, pieceBytes), from)) {
      for (let i = 0; i < raw.count; i++) {
        const text = Buffer.from(recordBytes(raw, i)).toString()
        const fault = raw.faults.find(({ index }) => index === i)?.detail
        found.push({ text, fault, byte: raw.positions[i] as number, line: raw.lines?.[i] as number })
      }
    }
    return found
  }

  await fc.assert(
    fc.asyncProperty(line, bodies, fc.integer({ min: 1, max: 5 }), async (lineEnd, body, pieceBytes) => {
      const bytes = Buffer.from(`id,external_user_id,time,campaign_name${lineEnd}0,u,1767319200,x\n${body}\n`)
      const whole = await cut(bytes, BEGINNING, bytes.length)
      assert.deepEqual(await cut(bytes, BEGINNING, pieceBytes), whole)
      for (const [ordinal, { byte, line: at }] of whole.entries()) {
        assert.deepEqual(await cut(bytes, { byte, ordinal, line: at }, pieceBytes), whole.slice(ordinal))
      }
    }),
    { numRuns: 1500 },
  )
})

test('of a CR in a file whose header ends in LF the value is sent whole, or nothing of it', async () => {
  const result = await readEveryWay('id,time,external_user_id\na,1767319200,mara\rsmith\nb,1767319200,x\n')
  assert.deepEqual(usersOf(result), ['mara\rsmith', 'x'])
})

test('rows that end in CR and take more than is held in memory are read before an LF comes', async () => {
  const row = `1,1767319200,u,${'x'.repeat(1 << 20)}\r`
  const count = 40
  const pieces = [Buffer.from(`${PERSON}\n`), ...Array.from({ length: count }, () => Buffer.from(row))]
  let given = 0
  const input: OpenInput = { ...memoryInput(Buffer.alloc(0), TYPE), read: async () => pieces[given++] ?? null }
  let taken = 0
  for await (const raw of CUTTERS.csv(input, BEGINNING)) {
    assert.deepEqual(raw.faults, [])
    taken += raw.count
    assert.ok(given <= taken + 3, `${given} read, ${taken} taken`)
  }
  assert.equal(taken, count)
})

test('a row of more than 16 MB between rows that end in CR, and CRs without end, are malformed up to the next LF', async () => {
  for (const [long, lines] of [
    [`2,1767319200,u,${'x'.repeat(17 << 20)}`, 2],
    ['x\r'.repeat(9 << 20), (9 << 20) + 1],
    ['\r'.repeat(17 << 20), 17 << 20],
  ] as const) {
    const text = Buffer.from(`${PERSON}\n0,1767319200,u,x\r1,1767319200,u,x\r${long}\n3,1767319200,u,x\n`)
    const result = await read(text, 1 << 20)
    assert.deepEqual(ids(result), ['0', '3'])
    assert.match(result.details[0] ?? '', /malformed: a row of more than/)
    assert.deepEqual(result.lines, [2, 3, 3 + lines])
  }
})

test('blank lines before a header may be cut anywhere', async () => {
  for (const blank of ['\n\r', '\r\r\n', ' \r\n', '\r', '\r\r\r\n']) {
    const bytes = Buffer.from(`${blank}${HEADER}\n1,u,1767319200,x\n`)
    for (let first = 1; first <= blank.length + 1; first++) {
      const pieces = [Buffer.from(bytes.subarray(0, first)), Buffer.from(bytes.subarray(first))]
      const input: OpenInput = { ...memoryInput(Buffer.alloc(0), TYPE), read: async () => pieces.shift() ?? null }
      assert.deepEqual(ids(await readInput(input, 'csv')), ['1'], JSON.stringify([blank, first]))
    }
  }
})

test('a header with a stray quote is taken whole, wherever it is cut', async () => {
  const bytes = Buffer.from(`id,na"me,external_user_id,time\n1,x,u,1767319200\n`)
  for (let first = 1; first < bytes.length; first++) {
    const pieces = [Buffer.from(bytes.subarray(0, first)), Buffer.from(bytes.subarray(first))]
    const input: OpenInput = { ...memoryInput(Buffer.alloc(0), TYPE), read: async () => pieces.shift() ?? null }
    assert.deepEqual(ids(await readInput(input, 'csv')), ['1'], `${first} bytes`)
  }
})

test('a header may have quoted names, with delimiters and line ends in them', async () => {
  const result = await readEveryWay(
    `\ufeff"id","the note, of\r\nmany, lines",external_user_id;x,"time",external_user_id\r1,n,y,1767319200,u\r`,
  )
  assert.deepEqual(ids(result), ['1'])
  assert.deepEqual(result.lines, [3])
})

test('a file of which nothing behind the header is a record is refused, and what was found is shown', async () => {
  for (const [text, found] of [
    [`${HEADER}\n \t \n`, /no record but " \\t "$/],
    [`${HEADER}\r\n\r\n\u00a0`, /no record but "\u00a0"$/],
    [`${HEADER}\u00851,u,1767319200,x\u00852,u,1767319200,x`, /ends no line: "machine_open\\u00851"$/],
    [`${HEADER}\u20281,u,1767319200,x\u2028`, /ends no line: "machine_open\\u20281"$/],
    [`${HEADER}\u001e1,u,1767319200,x\u001e`, /ends no line: "machine_open\\u001e1"$/],
  ] as const) {
    const { refused, read: count } = await readEveryWay(text)
    assert.equal(count, 0)
    assert.match(refused?.message ?? '', found)
  }
})

test('a header without an end is refused', async () => {
  const { refused } = await read(`${HEADER},${'x'.repeat(1 << 20)},${HEADER}\n`, 1 << 16)
  assert.match(refused?.message ?? '', /^the header of memory does not end within \d+ bytes$/)
})

test('blank rows of more than 16 MB before a row cost nothing', async () => {
  const text = Buffer.from(`${HEADER}\r${'\r\r\n'.repeat(6 << 20)}1,u,1767319200,x\r`)
  const result = await read(text, 1 << 20)
  assert.deepEqual(ids(result), ['1'])
  assert.deepEqual(result.lines, [(6 << 20) + 2])
})

test('a time may be a number in any unit or a timestamp, and a row whose time is none is malformed', async () => {
  const times = [
    '1767319200',
    '1767319200000',
    '1767319200000000',
    '1767319200.0',
    '2026-01-02 02:00:00',
    '2026-01-02T02:00:00Z',
  ]
  const rows = [...times, '20260102', '1.76732E+09'].map((time, i) => `${i},u,${time},`)
  const { events, details } = await readEveryWay(`${HEADER}\n${rows.join('\n')}\n`)
  assert.deepEqual(
    events.map((event) => JSON.parse(event).time),
    times.map(() => 1767319200000),
  )
  assert.deepEqual(details, [
    'malformed: time is out of range: "20260102" would be 1970-08-23T11:48:22.000Z, not from 2000 to 2099',
    'malformed: time has lost its seconds: "1.76732E+09" would be 2026-01-02T02:13:20.000Z; write it again as a whole number of seconds',
  ])
})

test("Snowflake's share columns are read: upper case, …_API_ID, timestamps", async () => {
  const text =
    'ID,USER_ID,EXTERNAL_USER_ID,TIME,CAMPAIGN_ID,CAMPAIGN_API_ID,SF_CREATED_AT\n' +
    '1,b,u,2026-01-02 02:00:00,17,c-1,2026-01-02 03:00:00\n'
  const event = JSON.parse((await readEveryWay(text)).events[0] ?? '')
  assert.equal(event.event_properties.campaign_id, 'c-1')
  assert.equal(event.time, 1767319200000)
})
