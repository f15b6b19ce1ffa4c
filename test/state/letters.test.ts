import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createByteWriter } from '../../src/json/bytes.ts'
import type { KeptEvent } from '../../src/model.ts'
import { createDeadLetters } from '../../src/state/dead-letters.ts'
import { appendEventLetter, appendLaneLine, appendRecordLetter, readLaneLine } from '../../src/state/letter.ts'
import { temporaryDirectory } from '../harness.ts'

function kept(event: string, record: string, place: Partial<KeptEvent> = {}): KeptEvent {
  const before = Buffer.from('before')
  const data = Buffer.concat([before, Buffer.from(event), Buffer.from(record), Buffer.from('after')])
  const eventStart = before.length
  const eventEnd = eventStart + Buffer.byteLength(event)
  return {
    data,
    eventStart,
    eventEnd,
    recordStart: eventEnd,
    recordEnd: eventEnd + Buffer.byteLength(record),
    path: 'a "b".ndjson',
    position: 4096,
    line: 7,
    type: 0,
    ...place,
  }
}

const WHY = { reason: 'invalid_event', detail: 'bad "time"', status: 400, atMs: 1_767_225_600_000 } as const

describe('a dead letter', () => {
  test('is one line in the documented order, with record and event byte for byte', () => {
    const out = createByteWriter(1)
    const event = kept('{"event_type":"x","n":12345678901234567890}', '{ "id":\n1e400,\r\n"n":12345678901234567890}')
    appendEventLetter(out, event, 'users.X', WHY)
    assert.equal(
      Buffer.from(out.bytes.subarray(0, out.length)).toString(),
      '{"reason":"invalid_event","detail":"bad \\"time\\"","status":400,"source":{"file":"a \\"b\\".ndjson",' +
        '"position":4096,"line":7},"event_type":"users.X","record":{ "id": 1e400,  "n":12345678901234567890},' +
        '"event":{"event_type":"x","n":12345678901234567890},"at":1767225600000}\n',
    )
  })

  test('of a malformed record holds its raw text', () => {
    const out = createByteWriter(1)
    const place = { path: 'f', position: 3, line: null } as const
    appendRecordLetter(out, place, Buffer.from('{"a":"\u0000\n'), null, { ...WHY, reason: 'malformed', status: null })
    const letter = JSON.parse(Buffer.from(out.bytes.subarray(0, out.length)).toString())
    assert.deepEqual(
      [letter.record, letter.event, letter.status, letter.event_type, letter.source],
      ['{"a":"\u0000\n', null, null, null, { file: 'f', position: 3, line: null }],
    )
  })
})

test('what a lane file holds comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.object(),
      fc.string(),
      fc.nat(),
      fc.option(fc.nat()),
      (event, record, path, position, line) => {
        const out = createByteWriter(1)
        appendLaneLine(out, kept(event, JSON.stringify(record), { path, position, line }), 'users.X')
        const text = Buffer.from(out.bytes.subarray(0, out.length))
        assert.equal(text.indexOf('\n'), text.length - 1)
        const back = readLaneLine(text, 0, text.length - 1)
        const bytes = Buffer.from(back.data)
        assert.equal(bytes.toString('utf8', back.eventStart, back.eventEnd), event)
        assert.equal(bytes.toString('utf8', back.recordStart, back.recordEnd), JSON.stringify(record))
        assert.deepEqual([back.path, back.position, back.line, back.eventType], [path, position, line, 'users.X'])
      },
    ),
  )
})

describe('the file of dead letters', () => {
  const letter = (n: number) => kept(`{"n":${n}}`, '{}')
  const add = (letters: ReturnType<typeof createDeadLetters>, n: number) => letters.addEvent(letter(n), null, WHY)

  test('comes into being with its first letter, for its owner only', async () => {
    const path = join(temporaryDirectory(), 'dead-letters.ndjson')
    const letters = createDeadLetters(path)
    await letters.flush()
    assert.ok(!existsSync(path))
    add(letters, 1)
    await letters.close()
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('holds each letter once, in order, whoever waits for the disk', async () => {
    const path = join(temporaryDirectory(), 'dead-letters.ndjson')
    const letters = createDeadLetters(path)
    const flushes: Promise<void>[] = []
    for (let n = 0; n < 200; n++) {
      add(letters, n)
      if (n % 3 === 0) {
        const flushed = letters.flush().then(() => {
          const lines = readFileSync(path, 'utf8').split('\n').length - 1
          assert.ok(lines > n, `flushed with ${lines} lines, ${n + 1} were added`)
        })
        flushes.push(flushed)
      }
      if (n % 20 === 0) await new Promise(setImmediate)
    }
    await Promise.all(flushes)
    await letters.close()
    const events = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event.n)
    assert.deepEqual(
      events,
      Array.from({ length: 200 }, (_, n) => n),
    )
  })

  test('that cannot be written rejects every flush', async () => {
    const letters = createDeadLetters(join(temporaryDirectory(), 'missing', 'dead-letters.ndjson'))
    add(letters, 1)
    await assert.rejects(letters.flush(), { code: 'ENOENT' })
  })
})
