import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { placeOf } from '../../src/chunk.ts'
import { CUTTERS } from '../../src/cut/cut.ts'
import { createByteWriter } from '../../src/json/bytes.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { BEGINNING, type MappedChunk } from '../../src/model.ts'
import { EVENT, OUTCOMES } from '../../src/outcomes.ts'
import { chooseFormat } from '../../src/read/choose-format.ts'
import { openInput } from '../../src/read/open.ts'
import { recordBytes, withRecordTexts } from '../../src/record-text.ts'
import { appendEventLetter, appendLaneLine, appendRecordLetter } from '../../src/state/letter.ts'
import { createEventSlabs } from '../../src/upload/event-slabs.ts'
import type { UploadEvent } from '../../src/upload/upload-event.ts'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { mapping, memoryInput, readFileInput, readInput } from '../conformance/read.ts'
import { temporaryDirectory, ticketFor } from '../harness.ts'
import { SHAPES } from '../shapes/shapes.ts'

const FIXTURES = fileURLToPath(new URL('../../../fixtures/', import.meta.url))
const OPEN = 'users.messages.email.Open'
const mapChunk = createChunkMapper(mapping)
const eventSlabs = createEventSlabs()

/** What an upload would write that cannot send anything: all events, by turns as dead letters and lines of a lane file, and what was rejected. */
async function lettersOf(path: string): Promise<Buffer> {
  const out = createByteWriter(1)
  const input = await openInput({ path, number: 0 })
  const chosen = await chooseFormat(input, null)
  let count = 0
  assert.ok(chosen.format !== null)
  for await (const raw of CUTTERS[chosen.format](chosen.input, BEGINNING)) addLetters(mapChunk(raw))
  await input.close()
  return Buffer.from(out.bytes.subarray(0, out.length))

  function addLetters(chunk: MappedChunk): void {
    const { raw, outcomes, types, typeNames, details } = chunk
    const events = [...eventSlabs.keep({ ...chunk, raw: withRecordTexts(raw) }, ticketFor(1))].flat().values()
    for (let i = 0; i < chunk.count; i++) {
      const type = typeNames[types[i] as number] ?? null
      const outcome = OUTCOMES[outcomes[i] as number]
      if (outcomes[i] === EVENT) {
        const event = events.next().value as UploadEvent
        const why = { reason: 'server_error', detail: 'HTTP 503', status: 503, atMs: 1 } as const
        if (count++ % 2 === 0) appendEventLetter(out, event, type, why)
        else appendLaneLine(out, event, type)
      } else if (outcome?.is === 'rejected') {
        const why = { reason: outcome.reason, detail: details.get(i) ?? '', status: null, atMs: 1 }
        appendRecordLetter(out, placeOf(raw, i), recordBytes(raw, i), type, why)
      }
    }
  }
}

function write(content: string | Uint8Array, name = 'letters.ndjson'): string {
  const path = join(temporaryDirectory(), name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

async function assertSameEvents(path: string): Promise<void> {
  const first = await readFileInput(path)
  const letters = await lettersOf(path)
  assert.equal(letters.length > 0, first.events.length + first.details.length > 0)
  if (letters.length === 0) return
  const again = write(letters)
  const second = await readFileInput(again)
  assert.equal(second.format, 'letters')
  assert.deepEqual(second.events, first.events)
  assert.deepEqual(second.rejected, first.rejected)
  assert.equal((await lettersOf(again)).toString(), letters.toString(), 'letters of letters are the same')
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile() && !path.endsWith('_SUCCESS'))
}

describe('events that come back from letters are those that the records became', () => {
  for (const path of [...filesIn(join(FIXTURES, 'shapes')), ...filesIn(join(FIXTURES, 'exports'))]) {
    test(path.slice(FIXTURES.length), () => assertSameEvents(path))
  }

  const TYPES = ['users.behaviors.CustomEvent', 'users.behaviors.Purchase', 'users.messages.email.Click']
  for (const { name, extension, write: inShape } of SHAPES) {
    test(`${name}, every third record without an id`, async () => {
      for (const type of TYPES) {
        const random = randomOf(7)
        const records = Array.from({ length: 90 }, (_, i) => {
          const record = recordOf(entryOf(type), random, i)
          return i % 3 === 0 ? { ...record, id: '' } : record
        })
        const path = write(inShape({ entry: entryOf(type), records }), `${type}.${extension}`)
        assert.equal((await readFileInput(path)).events.length, 90)
        await assertSameEvents(path)
      }
    })
  }

  test("rows of the Snowflake share, whose ids for the API stand in for Braze's own", async () => {
    const rows = 'ID,EXTERNAL_USER_ID,TIME,CAMPAIGN_ID,CAMPAIGN_API_ID,IS_AMP\n1,u,1767319200,internal,public,true\n'
    const path = write(rows, 'USERS_MESSAGES_EMAIL_OPEN_SHARED.csv')
    assert.match((await readFileInput(path)).events.join(), /"campaign_id":"public".*"is_amp":true/)
    await assertSameEvents(path)
  })

  test('in one file, though their records came from CSV, JSON and the share', async () => {
    const shared = 'ID,EXTERNAL_USER_ID,TIME,CAMPAIGN_ID,CAMPAIGN_API_ID\n2,u,1767319200,internal,public\n'
    const paths = [
      write('{"id":"3","external_user_id":"u","time":1767319200,"is_amp":"true"}\n', `${OPEN}.ndjson`),
      write('id,external_user_id,time,is_amp\n1,u,1767319200,true\n', `${OPEN}.csv`),
      write(shared, 'USERS_MESSAGES_EMAIL_OPEN_SHARED.csv'),
    ]
    const events: string[] = []
    const letters: Buffer[] = []
    for (const path of [...paths, ...paths]) {
      events.push(...(await readFileInput(path)).events)
      letters.push(await lettersOf(path))
    }
    assert.match(events.join('\n'), /"is_amp":true[\s\S]*"is_amp":true[\s\S]*"public"/)
    const back = await readFileInput(write(Buffer.concat(letters)))
    assert.deepEqual(back.events, events)
    assert.deepEqual(back.lines, [1, 2, 3, 4, 5, 6])
  })
})

const SOURCE = '"source":{"file":"a.ndjson","position":7,"line":3}'
const EVENT_OF_MINE = '"event":{"insert_id":"0123456789abcdef0123456789abcdef"}'

/** A dead letter as one may find or mend it. */
function letter(
  record: string,
  more: { type?: string | null; reason?: string; detail?: string; event?: string } = {},
): string {
  const { type = OPEN, reason = 'malformed', detail = 'bad', event = '"event":null' } = more
  const why = `"reason":${JSON.stringify(reason)},"detail":${JSON.stringify(detail)},"status":null`
  return `{${why},${SOURCE},"event_type":${JSON.stringify(type)},"record":${record},${event},"at":1}`
}

const RECORD = '{"id":"1","external_user_id":"u","time":1767319200}'
const NO_ID = '{"external_user_id":"u","time":1767319200}'

const read = (lines: readonly string[]) => readInput(memoryInput(Buffer.from(`${lines.join('\n')}\n`), null), 'letters')

describe('a letter', () => {
  for (const [name, line, expected] of [
    [
      'of a record from CSV, as older versions wrote it',
      letter('{"id":"1","external_user_id":"u","time":"1767319200"}').replace('"line":3', '"line":3,"values":"text"'),
      /"time":1767319200000,"insert_id":"1"/,
    ],
    ['with a record', letter(RECORD), /"\[Appboy\] Email Open".*"insert_id":"1"/],
    ['whose raw text is a good record by now', letter(JSON.stringify(RECORD)), /"insert_id":"1"/],
    [
      'whose raw text has escapes',
      letter(JSON.stringify(RECORD.replace('"u"', '"ü\\n\\"\\ud800"'))),
      /"user_id":"ü\\n\\"\\ud800"/,
    ],
    [
      'with the insert_id that was made',
      letter(NO_ID, { event: EVENT_OF_MINE }),
      /"insert_id":"0123456789abcdef0123456789abcdef"/,
    ],
    ['whose record has an id beside it', letter(RECORD, { event: EVENT_OF_MINE }), /"insert_id":"1"/],
    ['without id and event', letter(NO_ID), /"insert_id":"[0-9a-f]{32}"/],
    [
      'with an insert_id of another making',
      letter(NO_ID, { event: '"event":{"insert_id":"x"}' }),
      /"insert_id":"[0-9a-f]{32}"/,
    ],
    [
      'whose type is not that in the record',
      letter(RECORD.replace('{', '{"event_type":"users.messages.sms.Send",')),
      /Email Open/,
    ],
    [
      'without a type, with one in the record',
      letter(RECORD.replace('{', `{"event_type":"${OPEN}",`), { type: null }),
      /Email Open/,
    ],
    ['with white space between its parts', letter(RECORD).replaceAll(/([,:])"/g, '$1 "'), /"insert_id":"1"/],
    ['with its keys in another order', `{"record":${RECORD},"event_type":"${OPEN}",${SOURCE}}`, /"insert_id":"1"/],
    ['that is a plain record instead', RECORD.replace('{', `{"event_type":"${OPEN}",`), /"insert_id":"1"/],
  ] as const) {
    test(`${name} becomes an event`, async () => {
      const { events, details } = await read([line])
      assert.deepEqual(details, [])
      assert.match(events.join('\n'), expected)
      assert.equal(events.length, 1)
    })
  }

  for (const [name, line, expected] of [
    ['that is broken still', letter('"{\\"id\\":\\"brok"'), /^malformed: invalid JSON: ends too early/],
    [
      'of damage',
      letter(JSON.stringify(RECORD), { reason: 'damaged_input', detail: 'unexpected end of file' }),
      /^damaged_input: unexpected end of file$/,
    ],
    [
      'that lost bytes',
      letter(JSON.stringify(RECORD.replace('"u"', '"\ufffd"'))),
      /^malformed: the raw text has lost bytes/,
    ],
    ['with a NUL byte', letter(JSON.stringify(RECORD.replace('"u"', '"\0"'))), /^malformed: NUL byte/],
    ['whose record is a number', letter('17'), /^malformed: not a JSON object/],
    ['without a type anywhere', letter(RECORD, { type: null }), /^malformed: no event type/],
    ['cut off', letter(RECORD).slice(0, -30), /^malformed: /],
    ['with something behind it', `${letter(RECORD)},{}`, /^malformed: invalid JSON/],
    ['without a source', `{"record":${RECORD},"event_type":"${OPEN}","source":null}`, /^malformed: time is missing/],
  ] as const) {
    test(`${name} is rejected and costs itself alone`, async () => {
      const { events, details, lines } = await read([letter(RECORD), line, letter(RECORD)])
      assert.equal(events.length, 2)
      assert.deepEqual(lines, [1, 2, 3])
      assert.equal(details.length, 1)
      assert.match(details[0] ?? '', expected)
    })
  }
})

test('a file of letters is damaged anywhere: no letter is lost that is whole, and nothing is made up', () => {
  const lines = [letter(RECORD), letter(NO_ID, { event: EVENT_OF_MINE }), letter('"{\\"broken"')]
  const bytes = Buffer.from(`${lines.join('\n')}\n`)
  return fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: bytes.length }),
      fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { maxLength: 3 }),
      fc.integer({ min: 1, max: 400 }),
      async (end, changes, pieceBytes) => {
        const damaged = Buffer.from(bytes.subarray(0, end))
        for (const [at, value] of changes) if (at < end) damaged[at] = value
        const result = await readInput(memoryInput(damaged, null, pieceBytes), 'letters')
        const whole = damaged
          .toString('latin1')
          .split('\n')
          .filter((line) => lines.slice(0, 2).includes(line))
        assert.ok(result.events.length >= whole.length)
        assert.ok(result.read <= 3 + changes.length)
      },
    ),
  )
})

describe('a file of letters is recognised', () => {
  const long = 'x'.repeat(100_000)
  const laneLine = `{${SOURCE},"event_type":"${OPEN}","record":${RECORD},"event":{}}`
  for (const [name, text, format] of [
    ['dead letters', `${letter(RECORD)}\n${letter(RECORD)}\n`, 'letters'],
    ['one without a newline', letter(RECORD), 'letters'],
    ['a lane file', `${laneLine}\n`, 'letters'],
    ['a letter larger than what is looked at', `${letter(`{"x":"${long}"}`)}\n`, 'letters'],
    ['its detail larger than what is looked at', `{"reason":"x","detail":"${long}"}\n`, 'ndjson'],
    ['a record with other fields beside', `{"source":{},"event_type":"x","record":1,"event":2,"id":"1"}\n`, 'ndjson'],
    ['a record with some of the fields', `{"source":"s","event_type":"x"}\n`, 'ndjson'],
  ] as const) {
    test(`${name}: ${format}`, async () => {
      for (const pieceBytes of text.length > 10_000 ? [7000] : [1, text.length]) {
        assert.equal((await readInput(memoryInput(Buffer.from(text), OPEN, pieceBytes))).format, format)
      }
    })
  }
})
