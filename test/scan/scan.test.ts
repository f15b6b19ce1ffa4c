import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KIND } from '../../src/json/kind.ts'
import type { MappingOptions } from '../../src/mapping/plan.ts'
import type { RawChunk } from '../../src/model.ts'
import { cutBy, isScanned, READ_AS, readBy } from './both-ways.ts'
import { oddLines } from './odd-lines.ts'

/** Reads lines both ways, and compares all that becomes of them. Returns how many the scanner in WebAssembly took, and how many are events. */
async function compare(
  bytes: Uint8Array,
  pieceBytes = bytes.length,
  options: MappingOptions = READ_AS.click,
): Promise<{ readonly scanned: number; readonly events: number }> {
  const byWasm = await readBy('wasm', bytes, pieceBytes, options)
  const byJs = await readBy('js', bytes, pieceBytes, options)
  assert.equal(byJs.scanned, 0)
  for (const [i, record] of byJs.records.entries()) assert.equal(byWasm.records[i], record)
  assert.equal(byWasm.records.length, byJs.records.length)
  assert.deepEqual(byWasm.unknownFields, byJs.unknownFields)
  return byWasm
}

function kindOf(value: unknown, text: string): number {
  if (value === null) return KIND.null
  if (value === true) return KIND.true
  if (value === false) return KIND.false
  if (Array.isArray(value)) return KIND.array
  if (typeof value === 'string') return text.includes('\\') ? KIND.escapedString : KIND.string
  return /[.eE]/.test(text) ? KIND.number : KIND.integer
}

/** Holds the entries of a chunk against `JSON.parse`. */
function checkEntries(chunk: RawChunk): void {
  const { entries, bytes, count, starts, ends } = chunk
  assert.ok(entries)
  for (let i = 0; i < count; i++) {
    if (!isScanned(entries.firsts, i)) continue
    const text = Buffer.from(bytes.subarray(starts[i], ends[i])).toString()
    const expected = Object.entries<unknown>(JSON.parse(text)).map(([key, value]) => [key, value])
    const found: unknown[][] = []
    for (let at = entries.firsts[i] as number; at < (entries.firsts[i + 1] as number); at++) {
      const valueText = Buffer.from(bytes.subarray(entries.starts[at], entries.ends[at])).toString()
      const value: unknown = JSON.parse(valueText)
      found.push([entries.names[entries.keys[at] as number], value])
      assert.equal(entries.kinds[at], kindOf(value, valueText), valueText)
    }
    assert.deepEqual(found, expected, text)
  }
}

function scannedIn({ entries, count }: RawChunk): number {
  let scanned = 0
  for (let i = 0; i < count; i++) if (entries !== undefined && isScanned(entries.firsts, i)) scanned++
  return scanned
}

/** Lines of one string value, or one key, of every length around the steps of 16 bytes, at every place in a step. */
function linesAround(ends: readonly string[]): Buffer {
  const lines: string[] = []
  for (const end of ends) {
    for (let length = 0; length < 50; length++) {
      const text = 'x'.repeat(length) + end
      lines.push(`{"a":"${text}"}`, `{"time":1767225600,"name":"${text}","id":"a"}`, `{"k${text}":1,"b":2}`)
    }
  }
  return Buffer.from(`${lines.join('\n')}\n`)
}

describe('lines that are scanned in WebAssembly', () => {
  for (const [pieceBytes, lines, readAs] of [
    [1, 300, 'click'],
    [7, 2_000, 'customEvent'],
    [100, 4_000, 'click'],
    [5_000, 16_000, 'customEvent'],
    [1 << 16, 16_000, 'click'],
    [1 << 18, 16_000, 'customEvent'],
    [1 << 20, 16_000, 'customEvent'],
    [1 << 22, 30_000, 'click'],
  ] as const) {
    test(`give what JavaScript gives, in pieces of ${pieceBytes} bytes`, async () => {
      const { scanned, events } = await compare(oddLines(pieceBytes, lines), pieceBytes, READ_AS[readAs])
      assert.ok(scanned > lines / 3 && events > lines / 6, `of ${lines} ${scanned} were scanned, ${events} are events`)
    })
  }

  test('have the members that JSON.parse finds', async () => {
    await cutBy('wasm', oddLines(20, 10_000), 1 << 16, checkEntries)
  })

  test('are all those that are flat', async () => {
    const lines = [
      '{"id":"a","time":1767225600,"user_id":"u","name":null,"properties":"{\\"a\\":\\"\\u00e9\\"}","x":-1.5e-7,"y":true,"z":false}',
      '{"id": "a", "time": 1767225600, "user_id": "u", "name": "é😀", "x": ["a", "b\\n", 1, null], "y": []}',
      '{"":0}',
      `{"${'k'.repeat(109)}":1}`,
    ]
    for (const end of ['\n', '\r\n']) {
      const { scanned } = await compare(Buffer.from(lines.map((line) => line + end).join('')))
      assert.equal(scanned, lines.length)
    }
  })

  test('may be damaged at any byte', async () => {
    const line =
      '{"id":"a0","time":1767225600,"user_id":"u","name":"n\\u00e9\\n","price":-1.5e+7, "x": ["a",1],"is_amp":true,"y":null}\r\n'
    const lines: Buffer[] = []
    for (let at = 0; at < line.length; at++) {
      const [before, behind] = [Buffer.from(line.slice(0, at)), Buffer.from(line.slice(at + 1))]
      lines.push(Buffer.concat([before, behind]), Buffer.concat([before, Buffer.from('\n')]))
      for (const byte of [
        0x00, 0x0a, 0x0d, 0x1f, 0x20, 0x22, 0x2c, 0x30, 0x3a, 0x5c, 0x5d, 0x65, 0x7b, 0x7d, 0x80, 0xff,
      ]) {
        lines.push(Buffer.concat([before, Buffer.of(byte), behind]))
        lines.push(Buffer.concat([before, Buffer.of(byte), Buffer.from(line.slice(at))]))
      }
    }
    await compare(Buffer.concat(lines))
  })

  test('may have texts of any length', async () => {
    const ends = ['', '\\"', '\\\\', '\\', '\\u00e9', '\\u00g9', 'é', '\t', '\u0000', '"', '\n', 'x'.repeat(3000)]
    assert.ok((await compare(linesAround(ends))).scanned > 500)
  })

  test('have nothing of what an earlier chunk left behind them', async () => {
    // Whatever is cut off went on so in the chunk before.
    const whole = `{"id":"a","time":1767225600,"x":"${'y'.repeat(40)}","z":[1,"b"],"n":12345,"t":true}\n`
    const parts: Buffer[] = []
    for (let at = 1; at < whole.length; at++)
      parts.push(Buffer.from(whole.repeat(3)), Buffer.from(`${whole.slice(0, at)}\n`))
    for (const part of parts) {
      await cutBy('wasm', part, part.length, (chunk) => {
        checkEntries(chunk)
        const isWhole = part.length >= whole.length
        assert.equal(scannedIn(chunk), isWhole ? chunk.count : 0, part.toString())
      })
    }
  })

  test('fill the scanner to the last byte with the shortest lines and members', async () => {
    const INPUT_BYTES = 1 << 22
    for (const line of [
      '{"":1}\n',
      '{"":1,"a":2}\n',
      `{${Array.from({ length: 500 }, (_, i) => `"${i}":1`).join()}}\n`,
    ]) {
      const body = line.repeat(Math.floor(INPUT_BYTES / line.length))
      for (const extra of [0, 1]) {
        const blank = '\n'.repeat(INPUT_BYTES - body.length + extra)
        let found = 0
        await cutBy('wasm', Buffer.from(body + blank), INPUT_BYTES + extra, (chunk) => {
          found += chunk.count
          assert.equal(chunk.entries === undefined, extra === 1)
          if (chunk.entries === undefined) return
          const { firsts, keys, kinds, starts, ends } = chunk.entries
          const width = (firsts[1] as number) - (firsts[0] as number)
          for (let i = 0; i < chunk.count; i++) {
            assert.equal(chunk.starts[i], i * line.length)
            assert.equal(chunk.ends[i], (i + 1) * line.length - 1)
            for (let m = 0; m < width; m++) {
              const at = i * width + m
              assert.equal(starts[at], (starts[m] as number) + i * line.length)
              assert.equal(ends[at], (ends[m] as number) + i * line.length)
              assert.equal(keys[at], keys[m])
              assert.equal(kinds[at], KIND.integer)
            }
          }
        })
        assert.equal(found, Math.floor(INPUT_BYTES / line.length))
      }
    }
  })

  test('may have more keys than are remembered: those behind wait for the next chunk, in which all are new again', async () => {
    const REMEMBERED = 1024
    const line = (i: number) => `{"id":"a","time":1767225600,"user_id":"u","${1e6 + i}":"x","name":"n"}\n`
    const lines = Array.from({ length: 2 * REMEMBERED }, (_, i) => line(i)).join('')
    const { scanned } = await compare(Buffer.from(lines.repeat(3)), lines.length)
    // The scanner may have been at work before the first chunk.
    const each = REMEMBERED - 4
    assert.ok(scanned >= 2 * each && scanned <= 3 * each, `${scanned} were scanned`)
  })
})
