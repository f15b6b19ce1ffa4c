import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { CATALOGUE } from '../data/catalogue.ts'
import { tries } from '../harness.ts'
import { inventedRecords } from '../shapes/invented.ts'
import type { Records } from '../shapes/records.ts'
import { gzipped, SHAPES, type Shape } from '../shapes/shapes.ts'
import { memoryInput, type Result, readFileInput, readInput } from './read.ts'

const directory = mkdtempSync(join(tmpdir(), 'braze2amp-cutters-'))
after(() => rmSync(directory, { recursive: true }))

function recordsOf(type: string, count: number): Records {
  const random = randomOf(7)
  const entry = entryOf(type)
  // Where a record has no id, the one that is made for it depends on its place in the file.
  const record = (_: unknown, i: number) => ({ ...recordOf(entry, random, i), id: `id-${i}` })
  return { entry, records: Array.from({ length: count }, record) }
}

function read(shape: Shape, records: Records, pieceBytes?: number): Promise<Result> {
  return readInput(memoryInput(shape.write(records), records.entry.event_type, pieceBytes))
}

async function expectedEvents(records: Records): Promise<readonly string[]> {
  const { events } = await read(SHAPES[0] as Shape, records)
  return events
}

function fileOf(type: string, name: string, bytes: Uint8Array): string {
  const folder = join(directory, `event_type=${type}`)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

/** One damage at most, no refusal, and nothing that was not there before. */
function assertIsPartOf(result: Result, whole: readonly string[], where: string): void {
  const { events, rejected } = result
  assert.deepEqual(events, whole.slice(0, events.length), `${where}: an event that was not there`)
  assert.ok((rejected['damaged_input'] ?? 0) <= 1, `${where}: more than one damage`)
}

/** Each cutter has one shape that is tried in every way; the others of it are what the first is, but for some bytes. */
function isFirstOf(shape: Shape): boolean {
  return SHAPES.find(({ format }) => format === shape.format) === shape
}

/** Of the others every seventh byte is a cut, each beginning at another one. */
function gzipCutsOf(shape: Shape, number: number): readonly [first: number, step: number] {
  const step = tries(1, 7)
  return isFirstOf(shape) ? [1, 1] : [1 + (number % step), step]
}

for (const type of ['users.messages.email.Click', 'users.behaviors.CustomEvent', 'users.behaviors.Purchase']) {
  for (const shape of SHAPES) {
    test(`${shape.name} of ${type} gives the bytes that NDJSON gives`, async () => {
      const records = recordsOf(type, 40)
      const result = await read(shape, records)
      assert.equal(result.format, shape.format)
      assert.deepEqual(result.details, [])
      assert.deepEqual(result.events, await expectedEvents(records))
      assert.equal(result.events.length, 40)
    })
  }
}

for (const [number, shape] of SHAPES.entries()) {
  test(`${shape.name}: random records of every type give the bytes that NDJSON gives`, async () => {
    await fc.assert(
      fc.asyncProperty(inventedRecords(), async (records) => {
        const result = await read(shape, records)
        assert.deepEqual(result.details, [])
        assert.deepEqual(result.events, await expectedEvents(records))
      }),
      { numRuns: isFirstOf(shape) ? tries(150, 100) : tries(150, 20) },
    )
  })

  test(`${shape.name}: however the bytes are divided, the records are the same`, async () => {
    const records = recordsOf('users.behaviors.CustomEvent', 9)
    const whole = await read(shape, records)
    for (const pieceBytes of [1, 2, 3, 5, 7, 16, 61, 255, 1000]) {
      assert.deepEqual(await read(shape, records, pieceBytes), whole, `pieces of ${pieceBytes} bytes`)
    }
  })

  test(`${shape.name}: cut at every byte, no record is invented and the books balance`, async () => {
    const records = recordsOf('users.behaviors.CustomEvent', 7)
    const whole = await expectedEvents(records)
    const bytes = shape.write(records)
    const step = isFirstOf(shape) ? 1 : tries(1, 4)
    for (let length = number % step; length < bytes.length; length += step) {
      const result = await readInput(memoryInput(bytes.subarray(0, length), records.entry.event_type))
      assertIsPartOf(result, whole, `cut at byte ${length}`)
    }
  })

  test(`${shape.name}, gzipped: the same bytes, in several members too`, async () => {
    const records = recordsOf('users.behaviors.CustomEvent', 40)
    const bytes = shape.write(records)
    for (const members of [1, 2, 5]) {
      const path = fileOf(records.entry.event_type, `${shape.name}-${members}.gz`, gzipped(bytes, members))
      const result = await readFileInput(path)
      assert.deepEqual(result.details, [])
      assert.deepEqual(result.events, await expectedEvents(records))
    }
  })

  const [first, step] = gzipCutsOf(shape, number)
  test(`${shape.name}, gzipped: cut at every byte${step > 1 ? ` of ${step}` : ''}, what came before is kept and one damage is told`, async () => {
    const records = recordsOf('users.behaviors.CustomEvent', 7)
    const whole = await expectedEvents(records)
    const bytes = gzipped(shape.write(records), 2)
    const secondMember = bytes.indexOf(bytes.subarray(0, 10), 10)
    for (let length = first; length < bytes.length; length += step) {
      const result = await readFileInput(fileOf(records.entry.event_type, 'cut.gz', bytes.subarray(0, length)))
      assertIsPartOf(result, whole, `cut at byte ${length}`)
      // One byte is no gzip yet, and between two members gzip is whole.
      if (length > 1 && length !== secondMember) assert.equal(result.rejected['damaged_input'], 1, `cut at ${length}`)
    }
  })
}

test('a type of every kind in the catalogue goes through every shape', async () => {
  for (const entry of CATALOGUE) {
    const records = recordsOf(entry.event_type, 3)
    const expected = await expectedEvents(records)
    for (const shape of SHAPES) {
      const { events, details } = await read(shape, records)
      assert.deepEqual(details, [], `${shape.name} of ${entry.event_type}`)
      assert.deepEqual(events, expected, `${shape.name} of ${entry.event_type}`)
    }
  }
})
