import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryInput, readInput } from '../conformance/read.ts'

const TYPE = 'users.messages.email.Open'
const A = '{"id":"1","external_user_id":"u","time":1767319200}'
const B = '{"id":"2","external_user_id":"u","time":1767319200}'
const PRETTY = '{\n  "id" : "1",\n  "user" : {\n    "external_user_id" : "u"\n  },\n  "time" : 1767319200\n}'
const LONG = 'x'.repeat(70_000)
/** A line of our own dead-letter file. */
const LETTER = `{"reason":"invalid_event","detail":"no","status":400,"source":{"file":"a","position":0,"line":1},"event_type":"${TYPE}","record":${A},"event":null,"at":1767319200000}`

const CASES: readonly (readonly [string, string, string | null, number])[] = [
  ['nothing', '', null, 0],
  ['white space', ' \n\t\r\n', null, 0],
  ['very many blank lines before a record', `${'\n'.repeat(70_000)}${A}`, 'ndjson', 1],
  ['an object a line', `${A}\n${B}\n`, 'ndjson', 2],
  ['one object without a newline', A, 'ndjson', 1],
  ['one object behind a byte order mark', `\ufeff${A}`, 'ndjson', 1],
  ['CRLF', `${A}\r\n${B}\r\n`, 'ndjson', 2],
  ['letters behind a broken one', `{"reason":"malformed","source":{"fi\n${LETTER}\n${LETTER}\n`, 'letters', 3],
  ['letters behind one whose text goes on', `${LETTER.slice(0, -9)}\n${LETTER}\n`, 'letters', 2],
  ['broken lines first, one with a whole object in it', `{"id":"0","ext\n{"id":"1"},"x":1}\n${A}\n`, 'ndjson', 3],
  ['a broken first line', `{"id":"0","ext\n${A}\n${B}\n`, 'ndjson', 3],
  ['a first line longer than what is looked at', `{"x":"${LONG}",${A.slice(1)}\n${B}\n`, 'ndjson', 2],
  ['an envelope a line', `{"events":[${A}]}\n{"events":[${B}]}\n`, 'ndjson', 2],
  ['an envelope a line, other keys first', `{"n":1,"events":[${A}]}\n{"n":2,"events":[${B}]}\n`, 'ndjson', 2],
  ['one line of an envelope longer than what is looked at', `{"n":1,"events":[{"x":"${LONG}"},${A}]}`, 'json', 2],
  ['an envelope with one event a line', `{"events": [\n${A},\n${B}\n]}`, 'json', 2],
  ['an envelope with one event on its line', `{"n": 1, "events": [\n${A}\n]}\n`, 'json', 1],
  [
    'an object with a list of objects, one a line',
    `{"meta": {"page": 1}, "data": [\n${A},\n${B}\n], "next": null}`,
    'json',
    2,
  ],
  ['an object with a list of objects on one line', `{"meta":{"tags":["a"]},"rows":[${A},${B}]}\n`, 'json', 2],
  ['an empty list of events beside one of objects', `{"events":[],"data":[${A}]}`, 'json', 1],
  ['the same, one a line', `{"events":[${A}]}\n{"events":[],"data":[${B}]}\n`, 'ndjson', 2],
  [
    'a list of columns before that of the records',
    `{"meta":[{"name":"id"},{"name":"time"}],"data":[${A},${B}],"rows":2}`,
    'json',
    2,
  ],
  ['the same, one a line', `{\n"columns": [\n{"n": "id"}\n],\n"rows": [\n${A},\n${B}\n],\n"count": 2\n}\n`, 'json', 2],
  [
    'a list of other things behind that of the records',
    `{"data":[${A}],"errors":[{"code":5}],"more":[${B}]}`,
    'json',
    2,
  ],
  ['only a list of other things', `{"errors":[{"code":5},{"code":6}]}\n{"errors":[{"code":7}]}\n`, 'ndjson', 2],
  ['records without id or user in a list', `{"n":[],"rows":[{"x":{"y":1},"Time":1767319200}]}`, 'json', 1],
  ['a list of events beside another', `{"events":[\n${A}\n],"data":[{}]}`, 'json', 1],
  ['a record with a list of objects', `{"id":"1","data":[{"a":1},{"a":2}],\n"time":1767319200}`, 'json', 1],
  ['byte order marks before lines', `\ufeff${A}\n\ufeff${B}\n\ufeff\n`, 'ndjson', 2],
  ['record separators before lines', `\x1e${A}\n\x1e${B}\n`, 'ndjson', 2],
  ['record separators before objects over lines', `\x1e${PRETTY}\n\x1e${PRETTY}\n`, 'json', 2],
  ['record separators on one line', `\x1e${A}\x1e${B}\x1e`, 'json', 2],
  ['arrays with byte order marks before them', `\ufeff[${A}]\n\ufeff[${B}]\ufeff`, 'json', 2],
  ['objects over many lines', `${PRETTY}\n${PRETTY.replace('"1"', '"2"')}\n`, 'json', 2],
  ['one object over many lines', PRETTY, 'json', 1],
  ['objects over many lines, CRLF', `${PRETTY}\n${PRETTY}`.replaceAll('\n', '\r\n'), 'json', 2],
  ['an object over lines that does not end within what is looked at', PRETTY.replace('"u"', `"${LONG}"`), 'json', 1],
  ['objects that share a line', `${A}${B}`, 'json', 2],
  ['an array', ` [${A},\n${B}]`, 'json', 2],
  ['a header', 'id,external_user_id,time\n1,u,1767319200\n', 'csv', 1],
  ['a header in quotes', '"ID"\t"EXTERNAL_USER_ID"\t"TIME"\n1\tu\t1767319200\n', 'csv', 1],
]

for (const [name, text, format, count] of CASES) {
  test(`${name} is ${format ?? 'empty'}`, async () => {
    for (const pieceBytes of text.length > 10_000 ? [5000, 66_000] : [1, 64, text.length + 1]) {
      const result = await readInput(memoryInput(Buffer.from(text), TYPE, pieceBytes))
      assert.equal(result.format, format)
      assert.equal(result.read, count)
      assert.equal(result.refused, null)
    }
  })
}

/** An archive of one file. */
function tarOf(name: string, text: string): Buffer {
  const header = Buffer.alloc(512)
  header.write(name)
  header.write(text.length.toString(8).padStart(11, '0'), 124)
  header.write('        ', 148)
  header.write('0', 156)
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return Buffer.concat([header, Buffer.from(text), Buffer.alloc(1024)])
}

const REFUSED: readonly (readonly [string, Buffer, RegExp, RegExp])[] = [
  ['Parquet', Buffer.from('PAR1\x15\x04\x15\x10'), /Parquet/, /read_parquet/],
  ['ORC', Buffer.from('ORC\x08\x03\x10\x00\x00'), /ORC/, /orc-contents/],
  ['bzip2', Buffer.from('BZh91AY&SY'), /bzip2/, /bzip2 -dc/],
  ['zip', Buffer.from('PK\x03\x04\x14\0\0\0'), /zip/, /unzip -p/],
  ['an Excel workbook', Buffer.from(`PK\x03\x04${'\0'.repeat(26)}[Content_Types].xml\0\0`), /Excel/, /in2csv/],
  ['UTF-16 without a mark', Buffer.from('id,time\n1,2\n', 'utf16le'), /UTF-16LE/, /iconv -f UTF-16LE/],
  ['UTF-16 without a mark, the other order', Buffer.from(A, 'utf16le').swap16(), /UTF-16BE/, /iconv -f UTF-16BE/],
  ['UTF-32', Buffer.from('fffe0000690000006400000', 'hex'), /UTF-32/, /iconv -f UTF-32/],
  ['UTF-32 without a mark', Buffer.from(Uint32Array.from(Buffer.from(A)).buffer), /UTF-32LE/, /iconv/],
  [
    'a tar archive',
    tarOf(`${TYPE}.ndjson`, `${A}\n`),
    /tar archive/,
    /mkdir .* && tar -xf .* && braze2amp replay .*\.d/,
  ],
  [
    'a picture',
    Buffer.from('89504e470d0a1a0a0000000d49484452000000ff', 'hex'),
    /not text/,
    /NDJSON, JSON, CSV or Avro/,
  ],
]

for (const [name, bytes, what, hint] of REFUSED) {
  test(`${name} is refused with what to do instead`, async () => {
    for (const pieceBytes of [1, bytes.length]) {
      const { refused } = await readInput(memoryInput(bytes, TYPE, pieceBytes))
      assert.match(refused?.message ?? '', what)
      assert.match(refused?.hint ?? '', hint)
    }
  })
}

test('a few control characters or bytes that are no UTF-8 do not make text binary', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => `${i},u\u0001,1767319200\n`).join('')
  const text = Buffer.concat([Buffer.from(`id,external_user_id,time\n${rows}x,`), Buffer.from([0xe9, 0, 0x0a])])
  const result = await readInput(memoryInput(text, TYPE))
  assert.equal(result.format, 'csv')
  assert.equal(result.read, 41)
})
