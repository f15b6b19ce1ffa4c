import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { cutLines } from '../../src/cut/lines.ts'
import { BEGINNING, type RawChunk } from '../../src/model.ts'
import type { OpenInput } from '../../src/read/open.ts'
import { scanningBy } from '../scan/both-ways.ts'

interface Cut {
  readonly text: string
  readonly position: number
  readonly line: number
  readonly fault: string | undefined
}

/** Cuts what comes in parts, both ways: they must agree. */
async function cut(parts: readonly Uint8Array[], damage: string | null = null): Promise<readonly Cut[]> {
  const byJs = await scanningBy('js', () => cutOnce(parts, damage))
  assert.deepEqual(await scanningBy('wasm', () => cutOnce(parts, damage)), byJs)
  return byJs
}

async function cutOnce(parts: readonly Uint8Array[], damage: string | null): Promise<readonly Cut[]> {
  const rest = parts.map((part) => new Uint8Array(part))
  const input: OpenInput = {
    source: {
      path: 'x',
      number: 0,
      fileType: null,
      candidates: [],
      isShare: false,
      isEncoded: false,
      headHash: () => '',
    },
    file: null,
    read: async () => rest.shift() ?? null,
    // Whoever gives bytes back must not look at them again.
    reuse: (bytes) => void bytes.fill(0x58),
    skipTo: async () => {},
    damage: () => damage,
    storedBytes: () => 0,
    close: async () => {},
  }
  const found: Cut[] = []
  for await (const chunk of cutLines(input, BEGINNING)) found.push(...recordsOf(chunk))
  return found
}

function recordsOf(chunk: RawChunk): Cut[] {
  return Array.from({ length: chunk.count }, (_, i) => ({
    text: Buffer.from(chunk.bytes.subarray(chunk.starts[i], chunk.ends[i])).toString(),
    position: chunk.positions[i] as number,
    line: chunk.lines?.[i] as number,
    fault: chunk.faults.find((fault) => fault.index === i)?.reason,
  }))
}

const texts = (records: readonly Cut[]) => records.map(({ text }) => text)

describe('lines', () => {
  test('end at a newline, CRLF too, and the last may end with the file', async () => {
    assert.deepEqual(texts(await cut([Buffer.from('{"a":1}\r\n{"b":2}\n{"c":3}')])), ['{"a":1}', '{"b":2}', '{"c":3}'])
  })

  test('that are blank are no records, but count as lines', async () => {
    const records = await cut([Buffer.from('\n{"a":1}\n  \t\r\n\n{"b":2}\n\n')])
    assert.deepEqual(
      records.map(({ line, position }) => [line, position]),
      [
        [2, 1],
        [5, 15],
      ],
    )
  })

  test('may begin with byte order marks and record separators', async () => {
    const records = await cut([Buffer.from('\ufeff{"a":1}\n\ufeff\n\x1e{"b":2}\r\n\x1e\ufeff{"c":"\ufeff"}\n\x1e\n')])
    assert.deepEqual(
      records.map(({ text, line }) => [text, line]),
      [
        ['{"a":1}', 1],
        ['{"b":2}', 3],
        ['{"c":"\ufeff"}', 4],
      ],
    )
  })

  test('of an object that spreads over several are one record, and only those that make a whole object', async () => {
    const spread = '{\r\n  "b": [\n    {"c": 2}\n  ]\n}'
    for (const [text, expected] of [
      [`{"a":1}\n${spread}\n{"d":3}\n`, ['1 {"a":1}', `2 ${spread}`, '7 {"d":3}']],
      [`${spread}  \n\n${spread}`, [`1 ${spread}`, `7 ${spread}`]],
      ['{"a":1,\n"b":2}\n\n{"c":3}', ['1 {"a":1,\n"b":2}', '4 {"c":3}']],
      ['{"a":1,\n{"b":2}\n', ['1 {"a":1,', '2 {"b":2}']],
      ['{"a":"x\ny"}\n{"b":2}\n', ['1 {"a":"x', '2 y"}', '3 {"b":2}']],
      ['{"a":\n{"b":2}\n}\n', ['1 {"a":', '2 {"b":2}', '3 }']],
      ['{\n"a":1}}\n{"b":2}\n', ['1 {', '2 "a":1}}', '3 {"b":2}']],
      ['{"a":1}\n{\n"b":', ['1 {"a":1}', '2 {', '3 "b":']],
    ] as const) {
      const bytes = Buffer.from(text)
      for (let size = 1; size <= bytes.length; size++) {
        const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        )
        assert.deepEqual(
          (await cut(parts)).map((record) => `${record.line} ${record.text}`),
          expected,
        )
      }
    }
  })

  test('that open an object which never ends are read as lines once they are too many for a record', async () => {
    const part = Buffer.from(`"${'x'.repeat(996)}",\n`.repeat(1000))
    const records = await cut([
      Buffer.from('{\n'),
      ...Array.from({ length: 20 }, () => part),
      Buffer.from('}\n{"a":1}\n'),
    ])
    assert.equal(records.length, 20_003)
    assert.deepEqual(records.at(-1), { text: '{"a":1}', position: 20_000_004, line: 20_003, fault: undefined })
  })

  test('are the same however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.constantFrom(
            '{"a":"é😀"}',
            '',
            '{',
            '}',
            '"a":{"b":1},',
            '"c":2',
            '\x1e{"d":1}',
            '\ufeff',
            '{"b":2}\r',
            ' ',
            '{"events":[{"c":1}, {"d":2}]}',
            'x'.repeat(300),
          ),
          { maxLength: 30 },
        ),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.boolean(),
        async (lines, sizes, ends) => {
          const bytes = Buffer.from(`\ufeff${lines.join('\n')}${ends ? '\n' : ''}`)
          const parts: Buffer[] = []
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] as number
            parts.push(bytes.subarray(at, at + size))
            at += size
          }
          assert.deepEqual(await cut(parts), await cut([bytes]))
        },
      ),
    )
  })

  test('that hold an envelope are its events', async () => {
    const records = await cut([
      Buffer.from('{"events":[{"a":1},{"b":[2]}]}\n{"events":[]}\n{"events": 5}\n{"events":[1}\n'),
    ])
    assert.deepEqual(texts(records), ['{"a":1}', '{"b":[2]}', '{"events": 5}', '{"events":[1}'])
    assert.deepEqual(
      records.map(({ line }) => line),
      [1, 1, 3, 4],
    )
  })

  test('over 16 MB cost themselves alone, and are not kept', async () => {
    const part = Buffer.alloc(1 << 20, 0x78)
    const records = await cut([Buffer.from('{"a":1}\n'), ...Array<Buffer>(20).fill(part), Buffer.from('\n{"b":2}\n')])
    assert.deepEqual(
      records.map(({ line, fault }) => [line, fault]),
      [
        [1, undefined],
        [2, 'malformed'],
        [3, undefined],
      ],
    )
    assert.equal(records[1]?.text.length, 1 << 16)
    assert.equal(records[2]?.position, 8 + (20 << 20) + 1)
  })

  test('cut off by damage are one damaged input, with what was there', async () => {
    const records = await cut([Buffer.from('{"a":1}\n{"b":')], 'damaged gzip')
    assert.deepEqual(
      records.map(({ text, fault }) => [text, fault]),
      [
        ['{"a":1}', undefined],
        ['{"b":', 'damaged_input'],
      ],
    )
  })
})
