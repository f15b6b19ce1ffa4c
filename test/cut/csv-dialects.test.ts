import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { readCsvHeader } from '../../src/cut/csv-header.ts'
import { createRowReader } from '../../src/cut/csv-reader.ts'
import type { RowScanner } from '../../src/cut/csv-rows.ts'
import { CUTTERS } from '../../src/cut/cut.ts'
import { createColumns } from '../../src/cut/field-columns.ts'
import { UsageError } from '../../src/errors.ts'
import { appendByte, createByteWriter, textOf } from '../../src/json/bytes.ts'
import { KIND } from '../../src/json/kind.ts'
import { BEGINNING, type CsvChoices, type Restart } from '../../src/model.ts'
import { recordBytes } from '../../src/record-text.ts'
import { memoryInput } from '../conformance/read.ts'

const TYPE = 'users.messages.email.Open'
const HEADER = 'id,external_user_id,time,campaign_name'

type Values = Readonly<Record<string, string>>

interface Cut {
  readonly records: readonly Values[]
  readonly faults: readonly string[]
  readonly places: readonly Restart[]
  readonly dialect: string | null
}

async function cut(text: string | Buffer, csv: CsvChoices = {}, from: Restart = BEGINNING): Promise<Cut> {
  const records: Values[] = []
  const faults: string[] = []
  const places: Restart[] = []
  let dialect: string | null = null
  const options = {
    csv,
    dialect: (name: string) => {
      dialect = name
    },
  }
  let { ordinal } = from
  for await (const raw of CUTTERS.csv(memoryInput(Buffer.from(text), TYPE, 7), from, options)) {
    const broken = new Set(raw.faults.map(({ index }) => index))
    for (let i = 0; i < raw.count; i++) {
      const json = Buffer.from(recordBytes(raw, i)).toString()
      if (!broken.has(i)) records.push(JSON.parse(json))
      places.push({ byte: raw.positions[i] as number, ordinal: ordinal++, line: raw.lines?.[i] ?? null })
    }
    faults.push(...raw.faults.map(({ reason, detail }) => `${reason}: ${detail}`))
  }
  return { records, faults, places, dialect }
}

async function refusal(text: string | Buffer, csv: CsvChoices = {}): Promise<UsageError> {
  const error: unknown = await cut(text, csv).then(
    ({ records }) => assert.fail(`${records.length} records`),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof UsageError, String(error))
  return error
}

/** A row of `HEADER`, as it should be read. */
function row(id: string, name?: string): Values {
  return { id, external_user_id: 'u', time: '1767319200', ...(name !== undefined && { campaign_name: name }) }
}

describe('the dialect', () => {
  const PROPERTIES = 'id,external_user_id,time,name,properties'
  for (const [name, text, expected, last] of [
    [
      'RFC 4180',
      `${PROPERTIES}\n1,u,1,a,"{""k"":""x, \\n""}"\n`,
      'commas, quotes doubled (RFC 4180)',
      '{"k":"x, \\n"}',
    ],
    [
      'Spark',
      `${PROPERTIES}\n1,u,1,a,"{\\"k\\":\\"x, \\\\n\\"}"\n2,u,1,"b ""c",\n3,u,1,b,"{\\"k\\":1}"\n`.replace(
        '2,u,1,"b ""c",\n',
        '',
      ),
      'commas, quotes, backslash escapes',
      '{"k":1}',
    ],
    [
      'Snowflake',
      `${PROPERTIES.toUpperCase()}\n1,u,1,left\\, quietly,{"k":"x\\, \\\\n"}\n`,
      'commas, no quotes, backslash escapes',
      '{"k":"x, \\n"}',
    ],
    [
      'PostgreSQL text',
      `${PROPERTIES}\n1,u,1,say "hi",{"k":"x\\\\ty"}\n`.replaceAll(',', '\t'),
      'tabs, no quotes, backslash escapes',
      '{"k":"x\\ty"}',
    ],
    [
      'a file of raw text',
      `${PROPERTIES}\n1,u,1,a,{"k":"x\\ty"}\n`.replaceAll(',', '|'),
      'pipes, no quotes, no escapes',
      '{"k":"x\\ty"}',
    ],
  ] as const) {
    test(`of ${name} is found, and named`, async () => {
      const { records, faults, dialect } = await cut(text)
      assert.deepEqual(faults, [])
      assert.equal(dialect, expected)
      assert.equal(records.at(-1)?.['properties'], last)
    })
  }

  test('is RFC 4180 where nothing tells', async () => {
    for (const value of ['plain', 'C:\\new', 'a\\\\b', '\\"'.slice(0, 1)]) {
      const { records, dialect } = await cut(`${HEADER}\n1,u,1767319200,${value}\n`)
      assert.equal(dialect, 'commas, quotes doubled (RFC 4180)')
      assert.deepEqual(records, [row('1', value)])
    }
  })

  test("has escapes where nothing is quoted, null is a database's mark, and every backslash is an escape", async () => {
    const rows = (value: string) => `${HEADER}\n1,u,1767319200,${value}\n2,u,1767319200,\\N\n`.replaceAll(',', '\t')
    assert.deepEqual((await cut(rows('a\\tb\\\\c\\nd'))).records, [row('1', 'a\tb\\c\nd'), row('2')])
    assert.deepEqual((await cut(rows('C:\\Users'))).records, [row('1', 'C:\\Users'), row('2')])
    assert.deepEqual((await cut(rows('"C:\\temp"'))).records, [row('1', 'C:\\temp'), row('2')])
    const mariaDb = `${HEADER}\n1,u,1767319200,a\\\\b\n2,u,1767319200,NULL\n`.replaceAll(',', '\t')
    assert.deepEqual((await cut(mariaDb)).records, [row('1', 'a\\b'), row('2')])
  })

  test('has no quotes where all rows fit without, and not with them', async () => {
    const { records } = await cut(`${HEADER}\n1,u,1767319200,5" screen\n2,u,1767319200,x\n`)
    assert.deepEqual(records, [row('1', '5" screen'), row('2', 'x')])
    const tabs = `${HEADER}\n1,u,1767319200,"Hi" she said\n2,u,1767319200,x\n`.replaceAll(',', '\t')
    assert.deepEqual((await cut(tabs)).records, [row('1', '"Hi" she said'), row('2', 'x')])
  })

  test('has quotes where spaces stand before them: no value is sent with quotes around it', async () => {
    const { message } = await refusal(`${HEADER}\n1, "u", 1767319200, "x"\n2, "u", 1767319200, "y"\n`)
    assert.match(message, /line 2 has a quote that opens or closes no field/)
  })

  test('has no padding: an id would go out with spaces around it', async () => {
    for (const text of [
      'id, external_user_id, time\n1, u, 1767319200\n',
      'id        ,external_user_id,time       \n----------,----------------,-----------\nabc       ,user            , 1767319200\n',
      '| id | external_user_id | time |\n| 1 | u | 1767319200 |\n',
    ]) {
      const { message, hint } = await refusal(text)
      assert.match(message, /^memory has spaces around its fields: " ?\w+ *" in the header, " ?\w+ *" below it$/)
      assert.match(hint ?? '', /sqlcmd -W/)
    }
    for (const text of [
      'id, external_user_id ,time\n1,u,1767319200\n',
      'id,external_user_id,time\n1,u, 1767319200\n',
    ]) {
      assert.equal((await cut(text)).records[0]?.['external_user_id'], 'u')
    }
    const asIs = { quote: null, escape: null }
    assert.equal((await cut('id, external_user_id\n1, u\n', asIs)).records[0]?.['external_user_id'], ' u')
  })

  test('is found when the first row is longer than what is looked at', async () => {
    const PROPERTIES = 'id,external_user_id,time,name,properties'
    for (const [properties, written] of [
      [`{"k":"${'x'.repeat(1_200_000)}"}`, (text: string) => text.replaceAll('"', '\\"')],
      [`{\n"k":"${'x'.repeat(1_200_000)}"}`, (text: string) => text.replaceAll('"', '""')],
      [`{"k":[\n${'1,\n'.repeat(400_000)}2]}`, (text: string) => text.replaceAll('"', '""')],
    ] as const) {
      const { records, faults } = await cut(
        `${PROPERTIES}\n1,u,1767319200,n,"${written(properties)}"\n2,u,1767319200,n,"${written('{"k":1}')}"\n`,
      )
      assert.deepEqual(faults, [])
      assert.deepEqual(
        records.map((record) => record['properties']),
        [properties, '{"k":1}'],
      )
    }
  })

  test('has no escapes where a backslash stands before what no database escapes', async () => {
    const rows = (value: string) =>
      `${HEADER}\n1,u,1767319200,${value}\n2,u,1767319200,5" screen\n`.replaceAll(',', '\t')
    for (const value of ['C:\\Users\\new', '\\d+\\t', 'a\\;b']) {
      assert.deepEqual((await cut(rows(value))).records[0], row('1', value))
    }
    for (const [value, text] of [
      ['a\\tb', 'a\tb'],
      ["it\\'s \\\\", "it's \\"],
      ['say \\"hi\\"', 'say "hi"'],
    ] as const) {
      assert.deepEqual((await cut(rows(value))).records[0], row('1', text))
    }
  })

  test('of ClickHouse and Redshift escapes apostrophes', async () => {
    const tabs = `${HEADER}\n1,u,1767319200,it\\'s\n2,u,1767319200,\\N\n`.replaceAll(',', '\t')
    assert.deepEqual((await cut(tabs)).records, [row('1', "it's"), row('2')])
    const quoted = `${HEADER}\n"1"|"u"|"1767319200"|"it\\'s"\n"2"|"u"|"1767319200"|"say \\"hi\\""\n`.replaceAll(
      ',',
      '|',
    )
    assert.deepEqual((await cut(quoted)).records, [row('1', "it's"), row('2', 'say "hi"')])
  })

  test('is that in which JSON of any column is JSON', async () => {
    const text = 'id|external_user_id|time|suspected_bot_click_reason\n1|u|1767319200|["a \\"b\\"","c"]\n'
    assert.equal((await cut(text)).records[0]?.['suspected_bot_click_reason'], '["a \\"b\\"","c"]')
    const array = 'id|external_user_id|time|suspected_bot_click_reason\n1|u|1767319200|{"a b",c}\n'
    assert.equal((await cut(array)).records[0]?.['suspected_bot_click_reason'], '{"a b",c}')
  })

  test('is found where properties are JSON in none', async () => {
    const text =
      "id\texternal_user_id\ttime\tname\tproperties\n1\tu\t1767319200\ta\\tb\t{'k': 1}\n2\tu\t1767319200\tb\t\\N\n"
    const { records, dialect } = await cut(text)
    assert.equal(dialect, 'tabs, no quotes, backslash escapes')
    assert.equal(records[0]?.['name'], 'a\tb')
  })

  test('of apostrophes is told by the user', async () => {
    const text = `'${HEADER.replaceAll(',', "','")}'\n'1','u','1767319200','x'\n`
    assert.match((await refusal(text)).hint ?? '', /--csv-quote "'"/)
    assert.deepEqual((await cut(text, { quote: "'" })).records, [row('1', 'x')])
    const control = `${HEADER}\n1,u,1767319200,x\n`.replaceAll(',', '\u0001')
    assert.match((await refusal(control)).hint ?? '', /--csv-delimiter says what is/)
    assert.deepEqual((await cut(control, { delimiter: '\u0001' })).records, [row('1', 'x')])
  })

  test('has quotes where more rows look quoted than quotes break: those cost themselves', async () => {
    const good = Array.from({ length: 9 }, (_, i) => `"${i}"\t"u"\t"1767319200"\t"x"`)
    const { records, faults } = await cut(
      `${HEADER.replaceAll(',', '\t')}\n${good.join('\n')}\n9\tu\t1767319200\tsay "hi"\n`,
    )
    assert.deepEqual(
      records,
      good.map((_, i) => row(String(i), 'x')),
    )
    assert.deepEqual(faults, ['malformed: a quote that opens or closes no field'])
  })

  test('is found in the first megabyte, and what is dirty behind it costs itself', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => `${i},u,1767319200,"say ""${'x'.repeat(20)}"""`)
    rows[29_000] = '29000,u,1767319200,"say \\"x\\""'
    const { records, faults } = await cut(`${HEADER}\n${rows.join('\n')}\n`)
    assert.equal(records.length, 29_999)
    assert.deepEqual(faults, ['malformed: a quote that opens or closes no field'])
  })

  test('that fits not even half of the rows refuses the file, with the row and what was tried', async () => {
    const { message, hint } = await refusal(`${HEADER}\n1;u;1767319200;x\n2,u,1767319200,y\n3;u;1;z\n`)
    assert.match(message, /memory is CSV in no dialect that is known: line 2 has 1 columns instead of 4/)
    assert.match(hint ?? '', /"1;u;1767319200;x".*RFC 4180.*backslash.*--csv-delimiter/)
  })

  test('whose only row is cut is no reason to refuse', async () => {
    assert.deepEqual((await cut(`${HEADER}\n1,u`)).faults, ['malformed: 2 columns instead of 4'])
    assert.deepEqual((await cut(`${HEADER}\n1,u,"x\ny`)).faults, ['damaged_input: a quote that is not closed'])
  })
})

describe('beside the rows', () => {
  for (const [name, text] of [
    ['psql', `${HEADER}\n1,u,1767319200,x\n(1 row)\n`.replaceAll(',', '|')],
    [
      'psql, of tables put together',
      `${HEADER}\n(0 rows)\n${HEADER}\n1,u,1767319200,x\n(23 rows)\n`.replaceAll(',', '|'),
    ],
    ['COPY', `${HEADER}\n1,u,1767319200,x\n\\.\n`.replaceAll(',', '\t')],
    ['sqlcmd', `${HEADER}\r\n--,----,-----,-\r\n1,u,1767319200,x\r\n\r\n(1 rows affected)\r\n`],
  ] as const) {
    test(`what ${name} writes is no record`, async () => {
      const { records, faults } = await cut(text)
      assert.deepEqual(faults, [])
      assert.deepEqual(records, [row('1', 'x')])
    })
  }

  test('nothing else is passed over', async () => {
    const { faults, records } = await cut(`${HEADER}\n1,u,1767319200,x\n2 rows\n(x rows)\n-,-,-,x\n`)
    assert.deepEqual(faults, ['malformed: 1 columns instead of 4', 'malformed: 1 columns instead of 4'])
    assert.equal(records.length, 2)
    assert.deepEqual((await cut('campaign_name\n(2 rows)\n')).records, [{ campaign_name: '(2 rows)' }])
  })
})

describe('null', () => {
  test('is nothing, \\N, and NULL and null without quotes', async () => {
    for (const value of ['', '\\N', 'NULL', 'null', '""', '"\\N"']) {
      assert.deepEqual((await cut(`${HEADER}\n1,"u",1767319200,${value}\n`)).records, [row('1')], value)
    }
    for (const value of ['None', 'NaN', 'Null', 'nil', 'NULLS']) {
      assert.deepEqual((await cut(`${HEADER}\n1,"u",1767319200,${value}\n`)).records, [row('1', value)])
    }
    for (const value of ['NULL', 'null']) {
      assert.deepEqual((await cut(`${HEADER}\n1,u,1767319200,"${value}"\n`)).records, [row('1', value)])
    }
  })
})

describe('the header', () => {
  test('is no record where it comes again, whatever its quotes and marks', async () => {
    for (const again of [HEADER, `\ufeff${HEADER}`, HEADER.replace(/[a-z_]+/g, '"$&"')]) {
      for (const lineEnd of ['\n', '\r\n', '\r']) {
        const { records, places, faults } = await cut(
          [`\ufeff${HEADER}`, '1,u,1767319200,x', again, '2,u,1767319200,x', again, ''].join(lineEnd),
        )
        assert.deepEqual(records, [row('1', 'x'), row('2', 'x')])
        assert.deepEqual(faults, [])
        assert.deepEqual(
          places.map(({ line }) => line),
          [2, 4],
        )
      }
    }
  })

  test("may stand behind Excel's own line, which tells the delimiter", async () => {
    for (const first of ['sep=;\r\n', '\ufeffsep=;\r\n', '"sep=;"\n', '\nSEP=;\r']) {
      const { records, places } = await cut(`${first}id;external_user_id;time;campaign_name\n1;u;1767319200;"a;b"\n`)
      assert.deepEqual(records, [row('1', 'a;b')])
      assert.equal(places[0]?.line, first.startsWith('\n') ? 4 : 3)
    }
    const tabs = `sep=\t\r\n${HEADER}\r\n1,u,1767319200,x\r\n`.replaceAll(',', '\t')
    assert.deepEqual((await cut(tabs)).records, [row('1', 'x')])
    // A program that took it for a row has written delimiters of its own behind it.
    for (const first of ['sep=;,,,', 'sep=,,,,']) {
      assert.deepEqual((await cut(`${first}\n${HEADER}\n1,u,1767319200,x\n`)).records, [row('1', 'x')])
    }
    assert.deepEqual((await cut(`sep=~\n${HEADER.replaceAll(',', '~')}\n1~u~1767319200~x\n`)).records, [row('1', 'x')])
  })

  test('names fields in any spelling', async () => {
    const { records } = await cut('ID,External User ID,Time,campaignName,My Own\n1,u,1767319200,x,y\n')
    assert.deepEqual(records, [{ ...row('1', 'x'), 'my own': 'y' }])
  })

  test('may have the name of its table before each field', async () => {
    const header = HEADER.split(',').map((name) => `email_open.${name}`)
    const text = `${header.join('\t')}\n1\tu\t1767319200\tx\n${header.join('\t')}\n2\tu\t1767319200\tNULL\n`
    assert.deepEqual((await cut(text)).records, [row('1', 'x'), row('2')])
    assert.deepEqual((await cut(text.replaceAll('\t', '^'), { delimiter: '^', quote: "'" })).records, [
      row('1', 'x'),
      row('2'),
    ])
    const other = 'id,time,other.id\n1,1767319200,u\n'
    assert.deepEqual((await cut(other)).records, [{ id: '1', time: '1767319200', 'other.id': 'u' }])
  })

  test('with two columns of one name refuses the file, and names both', async () => {
    for (const [header, named] of [
      ['id,external_user_id,time,ID,TIME', '"id" and "ID", "time" and "TIME"'],
      ['id,external_user_id,time,External User ID', '"external_user_id" and "External User ID"'],
      ['id,time,x,X', '"x" and "X"'],
    ] as const) {
      const { message } = await refusal(`${header}\n1,u,1767319200,2,3\n`)
      assert.equal(message, `memory has two columns of one name: ${named}`)
    }
  })

  test('of a table drawn for people refuses the file, and says how to have it written', async () => {
    for (const [text, what] of [
      [
        ' id  | external_user_id |    time    \n-----+------------------+------------\n 1   | u                | 1767319200\n(1 row)\n',
        'psql --csv',
      ],
      ['id|time\n--+----\n1|1767319200\n', 'psql --csv'],
      ['-[ RECORD 1 ]----+------\nid | 1\n', 'psql --csv'],
      [
        '+----+------------+\n| id | time       |\n+----+------------+\n|  1 | 1767319200 |\n+----+------------+\n',
        'mysql --batch',
      ],
      ['*************************** 1. row ***************************\nid: 1\n', 'mysql --batch'],
      ['| id | external_user_id | time |\n|----|:----------------:|-----:|\n| 1 | u | 1767319200 |\n', 'writes CSV'],
      ['| id | external_user_id | time |\n|----+------------------+------|\n| 1 | u | 1767319200 |\n', 'writes CSV'],
      ['id | external_user_id | time\n---|---|---\n1 | u | 1767319200\n', 'writes CSV'],
      [
        '┌─────┬────────────┐\n│ id  │    time    │\n├─────┼────────────┤\n│ 1   │ 1767319200 │\n└─────┴────────────┘\n',
        'duckdb -csv',
      ],
      ['┌─id─┬─time─┐\n│ 1  │ 17   │\n└────┴──────┘\n', 'duckdb -csv'],
      ['id  time\n--  ----------\n1   1767319200\n', 'sqlite3 -csv'],
    ] as const) {
      const { message, hint } = await refusal(text)
      assert.match(message, /^memory is a table drawn for people \(.*\), which is not read$/)
      assert.ok(hint?.includes(what), `${hint} of ${text}`)
    }
  })

  test('may have values behind it that drawings begin with', async () => {
    for (const value of ['─', '┌ ', '--', '+--+', '|--|']) {
      const { records } = await cut(`campaign_name,id,external_user_id,time\n${value},1,u,1767319200\n`)
      assert.deepEqual(records, [row('1', value)])
    }
  })

  test('that a database left out refuses the file, and says how to put one before it', async () => {
    const { hint } = await refusal('o-1\tu\t1767319200\tx\n')
    assert.match(hint ?? '', /header row.*echo 'id,external_user_id,time'; cat FILE/)
  })
})

describe('what the user says', () => {
  test('overrides what would be found', async () => {
    const text = `${HEADER}\n1,u,1767319200,a\\\\b\n`
    for (const [choices, name] of [
      [{}, 'a\\\\b'],
      [{ quote: null }, 'a\\b'],
      [{ quote: null, escape: null }, 'a\\\\b'],
      [{ quote: null, escape: '\\' }, 'a\\b'],
      [{ quote: '"' }, 'a\\\\b'],
      [{ escape: null }, 'a\\\\b'],
    ] as const) {
      assert.deepEqual((await cut(text, choices)).records, [row('1', name)], JSON.stringify(choices))
    }
    const quoted = `${HEADER}\n1,u,1767319200,"x"\n`
    assert.deepEqual((await cut(quoted, { quote: null })).records, [row('1', '"x"')])
    const other = `${HEADER}\n1~u~1767319200~x\n`.replaceAll(',', '~')
    assert.deepEqual((await cut(other, { delimiter: '~' })).records, [row('1', 'x')])
    assert.match((await refusal(quoted, { delimiter: ';' })).message, /1 columns|is not NDJSON/)
  })

  test('may be a dialect of which nobody would think', async () => {
    const text =
      `\r\n'id','external_user_id','time','campaign_name'\n1,u,1767319200,'it''s, "so"\n\\N'\n\n2,u,1767319200,NULL\n` +
      `'id',external_user_id,time,campaign_name\r\n3,u\n4,u,1767319200,'NULL'\r\n`
    const { records, faults, places, dialect } = await cut(text, { quote: "'" })
    assert.equal(dialect, "commas, quotes ' doubled")
    assert.deepEqual(records, [row('1', 'it\'s, "so"\n\\N'), row('2'), row('4', 'NULL')])
    assert.deepEqual(faults, ['malformed: 2 columns instead of 4'])
    assert.deepEqual(
      places.map(({ byte }) => byte),
      ['1,u', '2,u', '3,u', '4,u'].map((start) => text.indexOf(start)),
    )
    assert.deepEqual(
      places.map(({ line }) => line),
      [3, 6, 8, 9],
    )
    for (const place of places) {
      const again = await cut(text, { quote: "'" }, place)
      assert.deepEqual(again.places, places.slice(place.ordinal))
    }
    const escaped = await cut(`${HEADER}\n1,u,1767319200,"a^"b^^"\n`, { escape: '^' })
    assert.deepEqual(escaped.records, [row('1', 'a"b^')])
    const open = await cut(`${HEADER}\n1,u,1767319200,x\n2,'u\n`, { quote: "'" })
    assert.deepEqual(open.records, [row('1', 'x')])
    assert.match(open.faults.join(), /^damaged_input: Quote Not Closed/)
  })
})

/** How each dialect writes a table. */
interface Writer {
  readonly name: string
  readonly choices: CsvChoices
  write(text: string, delimiter: string, always: boolean): string
  /** What `csv-parse` is told; what it reads then still has the escapes of `unescape`. */
  readonly oracle: { readonly quote: string | false; readonly escape: string | null }
}

const QUOTED = /["\r\n\\]/

const WRITERS: readonly Writer[] = [
  {
    name: 'RFC 4180',
    choices: { quote: '"', escape: '"' },
    write: (text, delimiter, always) =>
      always || QUOTED.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text,
    oracle: { quote: '"', escape: '"' },
  },
  {
    name: 'quotes with backslashes',
    choices: { quote: '"', escape: '\\' },
    write: (text, delimiter, always) =>
      always || QUOTED.test(text) || text.includes(delimiter) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text,
    oracle: { quote: '"', escape: '\\' },
  },
  {
    name: 'no quotes and no escapes',
    choices: { quote: null, escape: null },
    write: (text, delimiter) => text.replace(/[\r\n]/g, ' ').replaceAll(delimiter, ' '),
    oracle: { quote: false, escape: null },
  },
  {
    name: 'quotes that are apostrophes',
    choices: { quote: "'" },
    write: (text) => `'${text.replaceAll("'", "''")}'`,
    oracle: { quote: "'", escape: "'" },
  },
]

const CELL = fc
  .array(
    fc.constantFrom('a', 'é', '𝄞', '"', ',', ';', '\t', '|', '\n', '\r\n', '\r', ' ', "'", '\\', '{"k":"v"}', 'n', '0'),
    {
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(''))
const TABLE = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  always: fc.boolean(),
  rows: fc.array(fc.tuple(CELL, CELL), { minLength: 1, maxLength: 6 }),
})

/** The JSON strings that the fields of a row of four columns become; null for a field that is none. */
function stringsOf(scanner: RowScanner, bytes: Buffer, at: number): readonly (string | null)[] {
  const out = createByteWriter(1)
  appendByte(out, 0x0a)
  const columns = createColumns(1)
  scanner.appendRow(out, bytes, at, columns, new Uint8Array(4).fill(1))
  assert.equal(columns.length, 4)
  let taken = 0
  const strings = [0, 1, 2, 3].map((i) => {
    const [kind, start, end] = [columns.kinds[i], columns.starts[i], columns.ends[i]]
    if (kind === KIND.none || start === undefined || end === undefined) return null
    assert.ok(start > 0 && end <= out.length)
    taken += end - start
    const text = textOf(out.bytes, start, end)
    assert.equal(kind, text.includes('\\') ? KIND.escapedString : KIND.string)
    return text
  })
  assert.ok(taken < out.length)
  return strings
}

describe('rows of each dialect', () => {
  for (const { name, choices, write, oracle } of WRITERS) {
    test(`${name}: are those that csv-parse finds, and reading can begin at each`, async () => {
      await fc.assert(
        fc.asyncProperty(TABLE, async ({ delimiter, lineEnd, always, rows }) => {
          const lines = rows.map(([user, note], i) =>
            [`${i}`, `u${user}`, '1767319200', `c${note}`]
              .map((text) => write(text, delimiter, always))
              .join(delimiter),
          )
          const text = [HEADER.replaceAll(',', delimiter), ...lines, ''].join(lineEnd)
          const expected: Values[] = parse(text, {
            delimiter,
            columns: true,
            record_delimiter: lineEnd,
            ...oracle,
          })
          const { records, faults, places } = await cut(text, choices)
          assert.deepEqual(faults, [])
          assert.deepEqual(
            records,
            expected.map((each) => ({ ...each })),
          )
          for (const place of places) {
            assert.deepEqual((await cut(text, choices, place)).records, records.slice(place.ordinal))
          }
        }),
        { numRuns: 100 },
      )
    })
  }

  test('without quotes, with escapes: what a database wrote is read', async () => {
    const LETTERS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }
    await fc.assert(
      fc.asyncProperty(TABLE, async ({ delimiter, lineEnd, always: byLetters, rows }) => {
        const write = (text: string) =>
          Array.from(text, (c) => (byLetters && LETTERS[c]) || (c in LETTERS || c === delimiter ? `\\${c}` : c)).join(
            '',
          )
        const lines = rows.map(([user, note], i) =>
          [`${i}`, `u${user}`, '1767319200', `c${note}.`].map(write).join(delimiter),
        )
        const text = [HEADER.replaceAll(',', delimiter), ...lines, ''].join(lineEnd)
        const choices = { quote: null, escape: '\\' }
        const { records, faults, places } = await cut(text, choices)
        assert.deepEqual(faults, [])
        assert.deepEqual(
          records,
          rows.map(([user, note], i) => ({
            id: `${i}`,
            external_user_id: `u${user}`,
            time: '1767319200',
            // A CR at its end would make one line end with that of the row.
            campaign_name: `c${note}.`,
          })),
        )
        for (const place of places) {
          assert.deepEqual((await cut(text, choices, place)).records, records.slice(place.ordinal))
        }
      }),
      { numRuns: 100 },
    )
  })

  test('are the same wherever their bytes are divided, and so are the strings that their fields become', () => {
    const part = fc.constantFrom(
      '1,',
      '2,u,',
      ',4',
      'x',
      '"',
      '""',
      '\\',
      '\\"',
      '\\N',
      '\r',
      '\n',
      '\r\n',
      '\ufeff',
      '5,u,6,z',
      HEADER,
    )
    const textPart = fc.constantFrom(
      'x',
      'many letters',
      'é',
      '""',
      '\\"',
      '\\\\',
      '\\n',
      '\\x',
      ',',
      '\t',
      '\x1f',
      '\n',
    )
    const text = fc.oneof(
      fc.constantFrom('', '\\N', 'NULL'),
      fc.array(textPart, { maxLength: 3 }).map((parts) => parts.join('')),
    )
    const field = fc.tuple(text, fc.boolean()).map(([content, isQuoted]) => (isQuoted ? `"${content}"` : content))
    const row = fc.tuple(field, field, field, field).map((fields) => `${fields.join(',')}\n`)
    const rows = fc.array(fc.oneof(part, row), { maxLength: 20 }).map((parts) => `0,u,1,x\n${parts.join('')}`)
    const quotings = [
      { quote: 0x22, escaper: 0x22 },
      { quote: 0x22, escaper: 0x5c },
      { quote: null, escaper: 0x5c },
      { quote: null, escaper: null },
    ]
    const delimiters = fc.constantFrom(',', '\t')
    const lineEnds = fc.constantFrom('\n', '\r')
    fc.assert(
      fc.property(delimiters, lineEnds, fc.constantFrom(...quotings), rows, (delimiter, lineEnd, quoting, written) => {
        const [names, bytes] = [`${HEADER}${lineEnd}x`, written].map((each) =>
          Buffer.from(each.replaceAll(',', delimiter)),
        )
        assert.ok(names && bytes)
        const header = readCsvHeader(names, true, { path: '', delimiter: null, quoting })
        assert.ok(header)
        const read = (pieces: readonly Buffer[]) => {
          const found: unknown[] = []
          const place = { byte: 0, line: 1 }
          const reader = createRowReader({ delimiter: delimiter.charCodeAt(0), ...quoting }, header, place, {
            row(scanner, from, at, byte, line) {
              const texts = [0, 1, 2, 3].map((i) => (scanner.isNull(from, at, i) ? null : scanner.textOf(from, at, i)))
              assert.deepEqual(
                stringsOf(scanner, from, at),
                texts.map((each) => (each === null ? null : JSON.stringify(each))),
              )
              found.push([byte, line, texts])
            },
            fault: (raw, { byte, line }, reason, detail) => found.push([byte, line, reason, detail, raw.toString()]),
          })
          for (const piece of pieces) reader.take(piece)
          reader.end(null)
          return found
        }
        const whole = read([bytes])
        for (let at = 1; at < bytes.length; at++) {
          assert.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), whole, `divided at ${at}`)
        }
        assert.deepEqual(read(Array.from(bytes, (byte) => Buffer.of(byte))), whole)
      }),
      {
        numRuns: 300,
        examples: [[',', '\n', { quote: null, escaper: 0x5c }, '0,u,1,x\n5,u,6,z\r\ufeff5,u,6,z']],
      },
    )
  })
})
