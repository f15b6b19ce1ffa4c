import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UsageError } from '../../src/errors.ts'
import { unzstd } from '../../src/read/unzstd.ts'

/** 200 lines of NDJSON, as the zstd program (1.5) compresses them at level 19. */
const ZIPPED = Buffer.from(
  'KLUv/WR0Ky0UANZ/dhpwaao57tRsXksGYwRV9cJoacmWkmVeVCMcEYEAcQBgAFNTQ0MzMyMj0+lwOM8TE3NyYmJSUkJCMjIiIlKpUCjLEhJyvV' +
    'qt1SqVOp1KpW3LsvdGo8ej0VgsEonDoVBYliQ5ZzB437Zd1zQ9z7LcO+f/cXxnVkU0I9KSD2BBBO8W1QaGgwEEBQELBwkHBAsHBQYcSDgoJDgY' +
    'AhjCYGAggGBQEC/f7/P5/x8ff/HFFltcccUUUzzxxBJL3LgxY8bHxxFHfHdnZ1dXR0c3Nycn1+vxeN8XF3d2ZmZWVkZGNjYmJlar0WjbFhZ2dW' +
    'VlVVVFRTU1JSXVarFY1xUVdXRkZFRUREQ0NCQkVCqRSNMUFHRzY2MBNdNM88wzyyxz586cOT8/xxzzySebbHLJJZNM8sgjiyxy5cqUKS8vhxzy' +
    '9evWrVevTp369OnSpbe3s7Pf79GjHz9u3Hjx4sSJDx8uXHh5OTn5fB48+P29vX19PT39/LwEd99tt91110033XPPLbfcvXvz5v39HXfcZ59ttt' +
    'lll0022WOPLbbYtWvTpr29HXbYX2211VVXTTXVU08ttdStW7NmfX0dddRHH2200UUXTTTRQw8ttNClS5MmPT0ddNA332yzzTUHgZGoEUB0ff9Y' +
    'A9GrtB0RIAgBQvCPEOqCfgzbH9ovvCt+1Xz0uTiisjNoERa+aj71XPy0/KH9wrviW81Hz4ufyj+0L3xXfNX86Ln4U/lD94V3ja+ajz0XPy3EXZ' +
    '0v4K/+rX/1X/2r/+pf/Vf/6r/6V//Vv/qv/tV/9a/+q3/tX/1r/+rf+lf/1r/6r/7Vf1V5q+uZsUC7QmaBdoWsBdrlvICsWvgH5HT9q+N1NdA=',
  'base64',
)
const TEXT = Array.from(
  { length: 200 },
  (_, i) => `{"id":"${i}","external_user_id":"u-${i}","time":1767319200}\n`,
).join('')

interface Unpacked {
  readonly text: string
  readonly damage: string | null
}

async function unpacked(stored: Uint8Array, pieceBytes = stored.length): Promise<Unpacked> {
  let at = 0
  let damage: string | null = null
  const read = unzstd(
    async () => {
      const piece = stored.subarray(at, at + pieceBytes)
      at += pieceBytes
      return piece.length === 0 ? null : piece
    },
    'x.zst',
    (why) => {
      damage = why
    },
  )
  const parts: Uint8Array[] = []
  for (let bytes = await read(); bytes !== null; bytes = await read()) parts.push(bytes)
  return { text: Buffer.concat(parts).toString(), damage }
}

/** A frame of blocks as they are, without a checksum. `window` is the descriptor of 8 KB unless it is given. */
function frame(texts: readonly string[], window = 0x18): Buffer {
  const blocks = texts.map((text, i) => {
    const start = Buffer.alloc(3)
    start.writeUIntLE((text.length << 3) | Number(i === texts.length - 1), 0, 3)
    return Buffer.concat([start, Buffer.from(text)])
  })
  return Buffer.concat([Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, window), ...blocks])
}

function skippable(length: number): Buffer {
  return Buffer.concat([Buffer.of(0x53, 0x2a, 0x4d, 0x18, length, 0, 0, 0), Buffer.alloc(length, 0xff)])
}

describe('zstd', () => {
  test('is unpacked however its bytes come', async () => {
    for (const pieceBytes of [1, 3, 100, ZIPPED.length]) {
      assert.deepEqual(await unpacked(ZIPPED, pieceBytes), { text: TEXT, damage: null })
    }
  })

  test('of several frames, some without content, with zeros between and behind, is read whole', async () => {
    const stored = [
      skippable(9),
      frame(['a\n', 'b\n']),
      ZIPPED,
      Buffer.alloc(100),
      frame(['']),
      skippable(0),
      frame(['c\n']),
    ]
    assert.deepEqual(await unpacked(Buffer.concat([...stored, Buffer.alloc(7)]), 5), {
      text: `a\nb\n${TEXT}c\n`,
      damage: null,
    })
  })

  test('cut at any byte gives a beginning of its text, and says so', async () => {
    const lines = [`${'a'.repeat(20)}\n`, 'b\n']
    const stored = Buffer.concat([frame(lines), ZIPPED])
    const ends = frame(lines).length
    for (let length = 4; length < stored.length; length++) {
      const { text, damage } = await unpacked(stored.subarray(0, length))
      assert.ok(`${lines.join('')}${TEXT}`.startsWith(text))
      if (length !== ends) assert.match(damage ?? '', /damaged zstd/)
    }
    assert.equal((await unpacked(stored.subarray(0, ends - 1))).text, lines[0])
  })

  test('with any byte changed says so, or nothing came of it, and hangs on none', async () => {
    for (let at = 4; at < ZIPPED.length; at++) {
      const stored = Buffer.from(ZIPPED)
      stored[at] = (stored[at] as number) ^ 0x41
      const { text, damage } = await unpacked(stored).catch((error: unknown) => {
        assert.ok(error instanceof UsageError)
        return { text: '', damage: error.message }
      })
      assert.ok(damage !== null || text === TEXT, `byte ${at}`)
    }
  })

  test('followed by something else keeps what it held', async () => {
    const stored = Buffer.concat([ZIPPED, Buffer.from('{"id":1}\n')])
    const { text, damage } = await unpacked(stored)
    assert.equal(text, TEXT)
    assert.match(damage ?? '', /what follows the last frame is none/)
  })

  test('that needs more than 128 MB of memory is refused, with what to type', async () => {
    await assert.rejects(unpacked(frame(['a'], 18 << 3)), (error: unknown) => {
      assert.ok(error instanceof UsageError)
      assert.match(error.message, /256 MB/)
      assert.match(error.hint ?? '', /zstd -d --long=31 x\.zst/)
      return true
    })
    assert.equal((await unpacked(frame(['a'], 17 << 3))).text, 'a')
  })
})
