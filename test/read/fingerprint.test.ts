import assert from 'node:assert/strict'
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  createPassingFingerprint,
  createPassingMatch,
  createTrailingFingerprint,
  EMPTY_FINGERPRINT,
  fingerprintOfFile,
  matchFile,
} from '../../src/read/fingerprint.ts'
import { SPAN_BYTES } from '../../src/read/stored-bytes.ts'
import { temporaryDirectory } from '../harness.ts'

/** Bytes that are nowhere alike. */
function bytes(length: number): Buffer {
  const all = Buffer.alloc(length)
  let state = 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    all[i] = state >>> 24
  }
  return all
}

function fileOf(content: Uint8Array): string {
  const path = join(temporaryDirectory(), 'input')
  writeFileSync(path, content)
  return path
}

function changedAt(content: Buffer, at: number): Buffer {
  const copy = Buffer.from(content)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

describe('a file and its fingerprint', () => {
  for (const place of [0, 1, 100, SPAN_BYTES - 1, SPAN_BYTES, SPAN_BYTES + 1, 3 * SPAN_BYTES]) {
    test(`at byte ${place}: growing is fine, shrinking and changing are not`, async () => {
      const content = bytes(4 * SPAN_BYTES)
      const path = fileOf(content.subarray(0, place))
      const fingerprint = await fingerprintOfFile(path, place)
      assert.deepEqual(await fingerprintOfFile(path, null), fingerprint)
      assert.equal(await matchFile(path, fingerprint), 'same')
      appendFileSync(path, content.subarray(place))
      assert.equal(await matchFile(path, fingerprint), 'same')
      assert.deepEqual(await fingerprintOfFile(path, place), fingerprint)
      if (place === 0) return
      for (const at of [0, Math.min(place, SPAN_BYTES) - 1, Math.max(0, place - SPAN_BYTES), place - 1]) {
        writeFileSync(path, changedAt(content, at))
        assert.equal(await matchFile(path, fingerprint), 'changed', `byte ${at}`)
      }
      writeFileSync(path, changedAt(content, place))
      assert.equal(await matchFile(path, fingerprint), 'same')
      truncateSync(path, place - 1)
      assert.equal(await matchFile(path, fingerprint), 'shrank')
    })
  }

  test('that is gone is the system’s error', async () => {
    const gone = join(temporaryDirectory(), 'gone')
    await assert.rejects(matchFile(gone, { byte: 0, head: '', tail: '' }), { code: 'ENOENT' })
    await assert.rejects(fingerprintOfFile(fileOf(bytes(3)), 4), /shorter than 4 bytes/)
  })
})

test('what passes by has the fingerprints that its file would have, however it is cut', async () => {
  const content = bytes(5 * SPAN_BYTES + 777)
  const path = fileOf(content)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1000, max: 2 * SPAN_BYTES }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 0, max: 6 * SPAN_BYTES }),
      async (cuts, place) => {
        const passing = createPassingFingerprint()
        let at = 0
        for (let i = 0; at < content.length; i++) {
          const next = at + (cuts[i % cuts.length] as number)
          passing.add(content.subarray(at, next))
          at = next
        }
        passing.end()
        const found = passing.before(place)
        assert.deepEqual(found, await fingerprintOfFile(path, found.byte))
        assert.ok(found.byte <= place && place - found.byte < SPAN_BYTES + 777, `${found.byte} for ${place}`)

        for (const [input, expected] of [
          [content, 'same'],
          [content.subarray(0, found.byte), 'same'],
          [changedAt(content, Math.max(0, found.byte - 1)), found.byte === 0 ? 'same' : 'changed'],
          [content.subarray(0, Math.max(0, found.byte - 1)), found.byte === 0 ? 'same' : 'shrank'],
        ] as const) {
          const match = createPassingMatch(found)
          let early: string | null = null
          for (let from = 0, i = 0; from < input.length; i++) {
            const to = from + (cuts[i % cuts.length] as number)
            early = match.add(input.subarray(from, to))
            assert.equal(early === null, Math.min(to, input.length) < found.byte)
            from = to
          }
          assert.equal(match.end(), expected)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('what was read of a file so far has the fingerprint of the file, also when reading went on at another place', async () => {
  const content = bytes(4 * SPAN_BYTES + 777)
  const path = fileOf(content)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 2 * SPAN_BYTES }), { minLength: 1, maxLength: 30 }),
      fc.option(fc.integer({ min: SPAN_BYTES, max: 4 * SPAN_BYTES })),
      async (cuts, place) => {
        const trail = createTrailingFingerprint()
        assert.deepEqual(trail.take(), EMPTY_FINGERPRINT)
        let at = 0
        let pieceFrom = 0
        for (const [i, cut] of cuts.entries()) {
          const next = Math.min(at + cut, content.length)
          trail.add(new Uint8Array(content.subarray(at, next)), next)
          at = next
          const found = trail.take()
          const isEnough = at - pieceFrom >= Math.min(at, SPAN_BYTES)
          assert.deepEqual(found, isEnough ? await fingerprintOfFile(path, at) : null)
          if (i === 0 && place !== null && at >= SPAN_BYTES) {
            at = place - SPAN_BYTES
            pieceFrom = at
          }
        }
      },
    ),
    { numRuns: 60 },
  )
})
