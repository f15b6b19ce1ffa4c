import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createGunzip, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { gunzip } from '../../src/read/gunzip.ts'
import { openStoredFile } from '../../src/read/stored-bytes.ts'
import { randomOf } from '../bench/generate.ts'
import { braze2amp, temporaryDirectory, tries } from '../harness.ts'

const root = temporaryDirectory()

interface Inflated {
  readonly text: string
  readonly isDamaged: boolean
}

async function inflated(stored: Uint8Array, from: 'file' | 'pipe', pieceBytes: number): Promise<Inflated> {
  const path = join(root, 'stored')
  writeFileSync(path, stored)
  const opened = await openStoredFile(path)
  let damages = 0
  const read = gunzip(
    () => opened.read(pieceBytes),
    from === 'file' ? opened.file : null,
    () => {
      damages += 1
    },
  )
  const parts: Uint8Array[] = []
  for (let bytes = await read(); bytes !== null; bytes = await read()) parts.push(bytes)
  await opened.close()
  assert.ok(damages <= 1)
  return { text: Buffer.concat(parts).toString('latin1'), isDamaged: damages > 0 }
}

/** What zlib makes of bytes that it is given one by one, a stream of its own for each member and what is padded behind it. */
async function byteByByte(stored: Uint8Array): Promise<Inflated> {
  let text = ''
  let at = 0
  for (;;) {
    while (stored[at] === 0) at++
    if (at === stored.length) return { text, isDamaged: false }
    const stream = createGunzip()
    const found = { hasFailed: false }
    let wake = () => {}
    stream.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
    })
    stream.on('end', () => wake())
    stream.on('error', () => {
      found.hasFailed = true
      wake()
    })
    const given = at
    while (at < stored.length && !found.hasFailed && stream.bytesWritten === at - given) {
      const byte = stored.subarray(at, at + 1)
      at += 1
      await new Promise<void>((resolve) => {
        wake = resolve
        stream.write(byte, () => resolve())
      })
    }
    if (found.hasFailed) return { text, isDamaged: true }
    if (stream.bytesWritten < at - given) {
      at = given + stream.bytesWritten
      continue
    }
    await new Promise<void>((resolve) => {
      wake = resolve
      stream.end()
    })
    return { text, isDamaged: found.hasFailed }
  }
}

function flipAt(bytes: Uint8Array, at: number, bits: number): void {
  bytes[at] = (bytes[at] as number) ^ bits
}

const random = randomOf(5)
const TEXTS = ['', 'a short text\n', 'the same again and again, '.repeat(60)].concat(
  Array.from({ length: 900 }, () => Math.floor(random() * 1e9).toString(36)).join('\n'),
)

const MEMBER = fc.record({
  text: fc.constantFrom(...TEXTS),
  level: fc.constantFrom(0, 1, 9),
  padding: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 600 })),
})

describe('gzip', () => {
  test('from a file and from a pipe gives all that zlib can make of it, however it is padded, cut and damaged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(MEMBER, { minLength: 1, maxLength: 4 }),
        fc.array(fc.record({ at: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) }), { maxLength: 2 }),
        fc.option(fc.nat(), { freq: 3 }),
        fc.constantFrom(1, 100, 1 << 18),
        async (members, flips, cut, pieceBytes) => {
          const whole = Buffer.concat(
            members.map(({ text, level, padding }) =>
              Buffer.concat([gzipSync(text, { level }), Buffer.alloc(padding)]),
            ),
          )
          const stored = cut === null ? whole : whole.subarray(0, 2 + (cut % (whole.length - 1)))
          for (const { at, flip } of flips) {
            // It stays gzip.
            if (stored.length > 2) flipAt(stored, 2 + (at % (stored.length - 2)), flip)
          }
          const expected = await byteByByte(stored)
          if (flips.length === 0 && cut === null) {
            assert.deepEqual(expected, { text: members.map(({ text }) => text).join(''), isDamaged: false })
          }
          for (const from of ['file', 'pipe'] as const) {
            assert.deepEqual(await inflated(stored, from, pieceBytes), expected, from)
          }
        },
      ),
      { numRuns: tries(60, 12) },
    )
  })

  test('that breaks in a later part, or in a member behind others, gives what stands before', async () => {
    const noise = Buffer.from(Array.from({ length: 120_000 }, () => Math.floor(random() * 256)))
    const first = Buffer.concat([gzipSync(noise), Buffer.alloc(70_000)])
    const damaged = Buffer.concat([first, gzipSync(noise.subarray(0, 90_000))])
    // The checksum.
    flipAt(damaged, damaged.length - 6, 1)
    for (const from of ['file', 'pipe'] as const) {
      const { text, isDamaged } = await inflated(damaged, from, 1 << 16)
      assert.ok(isDamaged)
      assert.equal(text, Buffer.concat([noise, noise.subarray(0, 90_000)]).toString('latin1'))
    }
  })

  test('with what is no member behind padding is damaged', async () => {
    for (const rest of ['no member', '\x1f', '\x1f\x8b']) {
      const stored = Buffer.concat([gzipSync('text'), Buffer.alloc(40_000), Buffer.from(rest, 'latin1')])
      for (const from of ['file', 'pipe'] as const) {
        assert.deepEqual(await inflated(stored, from, 1 << 18), { text: 'text', isDamaged: true })
      }
    }
  })
})

const LINES = Array.from({ length: 500 }, (_, i) => {
  const properties = { note: Math.floor(random() * 1e15).toString(36) }
  return `${JSON.stringify({ id: `${i}`, external_user_id: `u-${i}`, time: 1_767_319_200, properties })}\n`
})

for (const [name, damage] of [
  [
    'a changed byte',
    (stored: Buffer) => stored.fill(0xff, Math.floor(stored.length * 0.8), Math.floor(stored.length * 0.8) + 4),
  ],
  ['a bad checksum', (stored: Buffer) => stored.fill(0x55, stored.length - 8, stored.length - 4)],
  ['a missing end', (stored: Buffer) => stored.subarray(0, stored.length - 900)],
] as const) {
  test(`${name}: standard input gives the events that the file gives, and one rejected record`, async () => {
    const cwd = temporaryDirectory()
    const path = 'users.behaviors.CustomEvent.ndjson.gz'
    const stored = damage(gzipSync(LINES.join('')))
    writeFileSync(join(cwd, path), stored)
    const words = ['--dry-run', '--quiet', '--summary', 'summary.json', '--event-type', 'users.messages.email.Open']
    const rejectedIn = () => JSON.parse(readFileSync(join(cwd, 'summary.json'), 'utf8')).rejected
    const fromFile = await braze2amp(['replay', path, ...words], { cwd })
    const rejected = rejectedIn()
    const fromPipe = await braze2amp(['replay', '-', ...words], { cwd, stdin: stored })
    assert.deepEqual([fromFile.code, fromPipe.code], [3, 3], fromPipe.stderr)
    assert.deepEqual(rejectedIn(), rejected)
    assert.equal(rejected.by_reason.damaged_input, 1)
    const events = fromFile.stdout.split('\n').length - 1
    assert.ok(name === 'a bad checksum' ? events === 500 : events > 300 && events < 500, `${events} events`)
    assert.equal(fromPipe.stdout, fromFile.stdout)
  })
}
