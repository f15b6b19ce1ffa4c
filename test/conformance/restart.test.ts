import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CUTTERS } from '../../src/cut/cut.ts'
import { BEGINNING, type RawChunk, type Restart } from '../../src/model.ts'
import { chooseFormat } from '../../src/read/choose-format.ts'
import { openInput } from '../../src/read/open.ts'
import { recordBytes } from '../../src/record-text.ts'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { temporaryDirectory } from '../harness.ts'
import type { StoredRecord } from '../shapes/records.ts'
import { gzipped, SHAPES } from '../shapes/shapes.ts'

/** A resumed run reads an input from a place in its middle, and must find there what it would have found from the start. */

interface Cut {
  readonly ordinal: number
  readonly text: string
  readonly position: number
  readonly line: number | null
  readonly fault: string | null
}

async function chunksOf(
  path: string,
  from: Restart,
): Promise<readonly { restart: Restart; records: readonly Cut[] }[]> {
  const input = await openInput({ path, number: 0 })
  try {
    const { format, input: chosen } = await chooseFormat(input, null)
    assert.ok(format !== null)
    const chunks: { restart: Restart; records: readonly Cut[] }[] = []
    let ordinal = from.ordinal
    for await (const raw of CUTTERS[format](chosen, from)) {
      chunks.push({ restart: raw.restart, records: recordsOf(raw, ordinal) })
      ordinal += raw.count
    }
    return chunks
  } finally {
    await input.close()
  }
}

function recordsOf(raw: RawChunk, first: number): readonly Cut[] {
  const faults = new Map(raw.faults.map(({ index, detail }) => [index, detail]))
  return Array.from({ length: raw.count }, (_, i) => ({
    ordinal: first + i,
    text: Buffer.from(recordBytes(raw, i)).toString(),
    position: raw.positions[i] as number,
    line: raw.lines?.[i] ?? null,
    fault: faults.get(i) ?? null,
  }))
}

/** Enough records that every format makes several chunks of them. */
const RECORDS = (() => {
  const random = randomOf(11)
  const entry = entryOf('users.messages.email.Open')
  return { entry, records: Array.from({ length: 1800 }, (_, i) => recordOf(entry, random, i) as StoredRecord) }
})()

async function assertRestarts(bytes: Uint8Array): Promise<number> {
  const path = join(temporaryDirectory(), 'users.messages.email.Open')
  writeFileSync(path, bytes)
  const whole = await chunksOf(path, BEGINNING)
  const all = whole.flatMap(({ records }) => records)
  for (const { restart, records } of whole) {
    assert.ok(restart.ordinal <= (records[0]?.ordinal ?? 0), 'a restart never misses a record')
    const again = (await chunksOf(path, restart)).flatMap((chunk) => chunk.records)
    assert.deepEqual(again, all.slice(restart.ordinal))
  }
  return whole.length
}

describe('cut from the middle', () => {
  for (const { name, write } of SHAPES) {
    test(`${name}: the records are those of a cut from the start`, async () => {
      const chunks = await assertRestarts(write(RECORDS))
      assert.ok(chunks > 1, 'an input of one chunk shows nothing')
    })
  }

  test('gzipped, the decoded bytes are skipped', async () => {
    const [shape] = SHAPES
    assert.ok(shape !== undefined)
    await assertRestarts(gzipped(shape.write(RECORDS), 3))
  })

  test('objects that spread over lines, marks before them, gzip in gzip and UTF-16 are found again', async () => {
    const texts = RECORDS.records.map((record, i) => {
      // A mark stands before whole lines only.
      const text = JSON.stringify(record, null, i % 5 === 1 ? 1 : 0)
      return `${i % 5 === 2 ? '\ufeff' : i % 5 === 3 ? '\x1e' : ''}${i % 97 === 5 ? `{"id":\n"x"\n` : text}\n`
    })
    const text = texts.join('')
    assert.ok((await assertRestarts(Buffer.from(text))) > 1)
    await assertRestarts(gzipped(gzipped(Buffer.from(text), 3)))
    await assertRestarts(Buffer.from(`\ufeff${text}`, 'utf16le').swap16())
  })

  test('broken lines and rows, blank ones, and a cut end are found again', async () => {
    const lines = RECORDS.records.map((record, i) => (i % 97 === 5 ? '{"id":' : JSON.stringify(record)))
    const text = lines.map((line, i) => (i % 50 === 3 ? `\r\n${line}\r\n` : `${line}\n`)).join('')
    await assertRestarts(Buffer.from(`\ufeff${text}${(lines.at(-1) ?? '').slice(0, 40)}`))
    const rows = lines.map((_, i) =>
      i % 97 === 5 ? `i${i},"u` : `i${i},"u\n${i}",${1_767_225_600 + i},${'x'.repeat(400)}`,
    )
    for (const lineEnd of ['\n', '\r\n', '\r', '\r\r\n', '\r\r', '\n\r\r\n\r']) {
      await assertRestarts(Buffer.from(`id,external_user_id,time,subject${lineEnd}${rows.join(lineEnd)}`))
    }
    const mixed = rows.map(
      (row, i) => `${i % 83 === 2 ? 'a\r,b' : ''}${row}${i % 7 === 1 ? '\ry' : ''}${i % 40 === 0 ? '\n' : '\r'}`,
    )
    await assertRestarts(Buffer.from(`id,external_user_id,time,subject\n${mixed.join('')}`))
  })
})
