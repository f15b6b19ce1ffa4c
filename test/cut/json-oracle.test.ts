import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CUTTERS } from '../../src/cut/cut.ts'
import { BEGINNING } from '../../src/model.ts'
import { memoryInput } from '../conformance/read.ts'
import { tries } from '../harness.ts'

/**
 * Documents are made of parts whose records are known, so that what the cutter finds can be compared with what was put in; `JSON.parse` is the
 * second opinion on documents that were spoiled.
 */

interface Cut {
  readonly text: string
  readonly position: number
  readonly line: number
  readonly fault: string | null
}

async function cut(bytes: Buffer, pieceBytes = bytes.length): Promise<readonly Cut[]> {
  const found: Cut[] = []
  for await (const raw of CUTTERS.json(memoryInput(bytes, null, pieceBytes), BEGINNING)) {
    const faults = new Map(raw.faults.map(({ index, reason, detail }) => [index, `${reason}: ${detail}`]))
    for (let i = 0; i < raw.count; i++) {
      const end = raw.ends[i] as number
      const text = Buffer.from(raw.bytes.subarray(raw.starts[i], end)).toString('latin1')
      const behind = String.fromCharCode(raw.bytes[end] as number)
      assert.ok(faults.has(i) || !/\w$/.test(text) || !/[\w+.-]/.test(behind), 'a number is over')
      found.push({
        text,
        position: raw.positions[i] as number,
        line: raw.lines?.[i] ?? 0,
        fault: faults.get(i) ?? null,
      })
    }
  }
  return found
}

const RECORD = '\x01'
const END = '\x02'

/** Text of a document in which every record stands between two marks. */
type Marked = fc.Arbitrary<string>

const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '\r\n', '  \n ')
const string = fc
  .array(
    fc.constantFrom('a', 'é', '𝄞', '\\"', '\\\\', '\\n', '\\u0041', '{', '}', '[', ']', ',', ':', ' ', 'abcdefghij'),
    { maxLength: 9 },
  )
  .map((parts) => `"${parts.join('')}"`)
const scalar = fc.oneof(string, fc.constantFrom('0', '-1.5e+3', '12345678901234567890', 'true', 'false', 'null'))

function joined(open: string, items: readonly string[], close: string, spaces: readonly string[]): string {
  const at = (i: number) => spaces[i % spaces.length] ?? ''
  return `${open}${at(0)}${items.map((item, i) => `${at(i + 1)}${item}${at(i + 2)}`).join(',')}${close}`
}

const spaces = fc.array(space, { minLength: 1, maxLength: 5 })
const member = (key: fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.tuple(key, space, space, value).map(([k, before, behind, v]) => `${k}${before}:${behind}${v}`)

/** Any value; no key in it is that of a record, or `events`. */
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.tuple(fc.array(tie('value'), { maxLength: 3 }), spaces).map(([items, s]) => joined('[', items, ']', s)),
    fc
      .tuple(fc.array(member(string, tie('value')), { maxLength: 3 }), spaces)
      .map(([items, s]) => joined('{', items, '}', s)),
  ),
}))

const marked = (text: string) => `${RECORD}${text}${END}`
const plainMember = member(string, value)
const recordMember = fc.oneof(
  member(fc.constantFrom('"id"', '"time"', '"externalUserId"'), scalar),
  plainMember,
  member(string, fc.constant('[{"id":1},{"events":[{"id":2}]}]')),
  member(fc.constant('"events"'), scalar),
)

/** An object with the key of a record before all others. */
const record: Marked = fc
  .tuple(fc.array(recordMember, { maxLength: 5 }), spaces)
  .map(([members, s]) => marked(joined('{', ['"id":1', ...members], '}', s)))

/** What may stand in an array or a list, and is one record, good or not. */
const item: Marked = fc.oneof(
  { weight: 4, arbitrary: record },
  { weight: 1, arbitrary: fc.oneof(scalar, fc.constantFrom('[]', '[{"id":1}]', '{}')).map(marked) },
)

const list = (first: Marked) =>
  fc.tuple(first, fc.array(item, { maxLength: 3 }), spaces).map(([one, more, s]) => joined('[', [one, ...more], ']', s))

const emptyEvents = member(fc.constant('"events"'), fc.constantFrom('[]', '[ \n]'))
const noRecords = fc.oneof(
  { weight: 3, arbitrary: plainMember },
  { weight: 1, arbitrary: member(string, fc.constant('[{"name":"a"},{"id":1}]')) },
  { weight: 1, arbitrary: emptyEvents },
)

/** Lists of records under any key, then perhaps the list of events, behind which no other list counts. */
const envelope: Marked = fc
  .tuple(
    fc.array(noRecords, { maxLength: 3 }),
    fc.array(member(string, list(record)), { maxLength: 2 }),
    fc.array(noRecords, { maxLength: 2 }),
    fc.option(member(fc.constant('"events"'), list(item))),
    fc.array(fc.oneof(plainMember, member(string, fc.constant('[{"id":1}]')), emptyEvents), { maxLength: 2 }),
    spaces,
  )
  .map(([before, others, between, events, behind, s]) => {
    const members = [...before, ...others, ...between, ...(events === null ? [] : [events, ...behind])]
    const isEnvelope = others.length > 0 || members.some((text) => /^"events"\s*:\s*\[/.test(text))
    const text = joined('{', members, '}', s)
    return isEnvelope ? text : marked(text)
  })

const array: Marked = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: item }, { weight: 1, arbitrary: envelope }), { maxLength: 5 }),
    spaces,
  )
  .map(([items, s]) => joined('[', items, ']', s))

const document: Marked = fc
  .array(
    fc.tuple(
      fc.constantFrom('', '', ' ', '\n', '\ufeff', '\x1e', '\r\n\x1e\ufeff'),
      fc.oneof(record, array, envelope, string.map(marked)),
    ),
    { maxLength: 5 },
  )
  .map((parts) => `${parts.flat().join('')}\n`)

interface Read {
  readonly bytes: Buffer
  readonly records: readonly Cut[]
  /** Byte behind each record. */
  readonly ends: readonly number[]
}

/** The records of a marked document, and its text. */
function readMarks(text: string): Read {
  const records: Cut[] = []
  const ends: number[] = []
  let line = 1
  let start = -1
  let startLine = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\n') line++
    else if (text[i] === RECORD) {
      start = i
      startLine = line
    } else if (text[i] === END) {
      const bytes = Buffer.from(text.slice(start + 1, i))
      records.push({ text: bytes.toString('latin1'), position: records.length, line: startLine, fault: null })
      ends.push(withoutMarks(text.slice(0, i)).length)
    }
  }
  return { bytes: withoutMarks(text), records, ends }
}

function withoutMarks(text: string): Buffer {
  return Buffer.from(text.replaceAll(RECORD, '').replaceAll(END, ''))
}

const pieceSize = fc.oneof(fc.constantFrom(1, 2, 3, 4, 5), fc.integer({ min: 1, max: 200 }))

describe('the records of a document', () => {
  test('are those that were put in, with their places, however the bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(document, pieceSize, async (text, pieceBytes) => {
        const { bytes, records } = readMarks(text)
        assert.deepEqual(await cut(bytes), records)
        assert.deepEqual(await cut(bytes, pieceBytes), records)
      }),
      { numRuns: tries(5000, 700) },
    )
  })

  test('that was spoiled are the same as long as it is whole, and however the bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(
        document,
        fc.nat(),
        fc.constantFrom(...'"\\{}[],: \n\0\xff1x'),
        pieceSize,
        async (text, at, byte, size) => {
          const read = readMarks(text)
          const { bytes } = read
          const place = at % bytes.length
          bytes[place] = byte.charCodeAt(0)
          const found = await cut(bytes)
          assert.deepEqual((await cut(bytes, size)).map(withoutExcerpt), found.map(withoutExcerpt))
          const before = recordsBefore(read, place)
          assert.deepEqual(found.slice(0, before.length), before)
        },
      ),
      { numRuns: tries(5000, 700) },
    )
  })

  test('that was cut short are those that ended before, and one fault', async () => {
    await fc.assert(
      fc.asyncProperty(array, fc.nat(), pieceSize, async (text, at, pieceBytes) => {
        const read = readMarks(text)
        const { bytes } = read
        const place = 1 + (at % (bytes.length - 1))
        const found = await cut(bytes.subarray(0, place), pieceBytes)
        const before = recordsBefore(read, place)
        assert.deepEqual(found.slice(0, before.length), before)
        assert.match(found.at(-1)?.fault ?? '', /^damaged_input: /)
      }),
      { numRuns: tries(2000, 300) },
    )
  })

  test('are those of JSON.parse, when that can read it after a byte was changed', async () => {
    let readable = 0
    const items = fc.array(item, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(items, spaces, fc.nat(), fc.constantFrom(...'"\\{}[],: \n1x'), async (parts, s, at, byte) => {
        const { bytes } = readMarks(joined('[', parts, ']', s))
        bytes[at % bytes.length] = byte.charCodeAt(0)
        const found = await cut(bytes)
        const values = parsed(bytes.toString('latin1'))
        const isWhole = found.every(({ text, fault }) => fault === null && parsed(text) !== undefined)
        if (!Array.isArray(values) || JSON.stringify(values).includes('"events":[')) {
          assert.ok(values !== undefined || !isWhole, 'what is broken does not go unnoticed')
          return
        }
        readable++
        assert.ok(isWhole)
        assert.deepEqual(
          found.map(({ text }) => parsed(text)),
          values,
        )
      }),
      { numRuns: tries(5000, 700) },
    )
    assert.ok(readable > 50, 'documents that nothing can read show little')
  })
})

/** The records that end before the byte in front of `place`: a number is over only when something follows it. */
function recordsBefore({ records, ends }: Read, place: number): readonly Cut[] {
  return records.filter((_, i) => (ends[i] as number) < place)
}

/** What an excerpt of the rest holds depends on how much of it was at hand. */
function withoutExcerpt(record: Cut): Cut {
  return record.fault?.startsWith('damaged_input') ? { ...record, text: '' } : record
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
