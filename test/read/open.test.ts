import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openInput } from '../../src/read/open.ts'
import { decodeUtf16 } from '../../src/read/utf-16.ts'
import { BINARY, braze2amp, temporaryDirectory } from '../harness.ts'

const OPEN = 'users.messages.email.Open'
const LINES = Array.from({ length: 200 }, (_, i) => `{"id":"${i}","external_user_id":"u-${i}","time":1767319200}`)
const TEXT = `${LINES.join('\n')}\n`

async function readAll(stored: Uint8Array): Promise<{ readonly text: string; readonly damage: string | null }> {
  const path = join(temporaryDirectory(), 'input')
  writeFileSync(path, stored)
  const input = await openInput({ path, number: 0 })
  const parts: Uint8Array[] = []
  for (let bytes = await input.read(); bytes !== null; bytes = await input.read()) parts.push(bytes)
  await input.close()
  return { text: Buffer.concat(parts).toString(), damage: input.damage() }
}

describe('gzip', () => {
  const zipped = gzipSync(TEXT)

  test('of several members, with zero bytes behind the last, is read whole', async () => {
    const stored = Buffer.concat([zipped, gzipSync('more\n'), Buffer.alloc(512)])
    assert.deepEqual(await readAll(stored), { text: `${TEXT}more\n`, damage: null })
    assert.deepEqual(await readAll(Buffer.concat([zipped, Buffer.alloc(1)])), { text: TEXT, damage: null })
  })

  test('with a wrong checksum keeps all that stands before it', async () => {
    const stored = Buffer.from(zipped)
    stored[stored.length - 6] = (stored[stored.length - 6] as number) ^ 1
    const { text, damage } = await readAll(stored)
    assert.equal(text, TEXT)
    assert.match(damage ?? '', /damaged gzip/)
  })

  test('with a byte changed in its middle keeps what came before, and reads on to nothing else', async () => {
    const random = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * i) % 251))
    const stored = gzipSync(random)
    const at = Math.floor(stored.length / 2)
    stored[at] = 0xff
    stored[at + 1] = 0xff
    const { text, damage } = await readAll(stored)
    assert.match(damage ?? '', /damaged gzip/)
    assert.ok(text.length > 0)
  })

  test('cut at any byte gives a beginning of its text, and says so', async () => {
    for (let length = 18; length < zipped.length; length += 7) {
      const { text, damage } = await readAll(zipped.subarray(0, length))
      assert.ok(TEXT.startsWith(text))
      assert.match(damage ?? '', /damaged gzip/)
    }
  })
})

describe('gzip in gzip', () => {
  const twice = gzipSync(gzipSync(TEXT))

  test('is read, also three times and of several members', async () => {
    assert.deepEqual(await readAll(twice), { text: TEXT, damage: null })
    const members = Buffer.concat([gzipSync(TEXT), Buffer.alloc(512), gzipSync('more\n')])
    assert.deepEqual(await readAll(gzipSync(gzipSync(members))), { text: `${TEXT}more\n`, damage: null })
  })

  test('that is damaged keeps what came before, inside or outside', async () => {
    for (const stored of [twice.subarray(0, -30), gzipSync(gzipSync(TEXT).subarray(0, -30))]) {
      const { text, damage } = await readAll(stored)
      assert.ok(text.length > 0 && TEXT.startsWith(text))
      assert.match(damage ?? '', /damaged gzip/)
    }
  })

  test('without end is handed on as it is', async () => {
    let stored: Buffer = Buffer.from(TEXT)
    for (let depth = 0; depth < 12; depth++) stored = gzipSync(stored)
    assert.deepEqual((await readAll(stored)).text.length > 0, true)
  })
})

describe('UTF-16', () => {
  const WIDE = 'id,name\n1,\u00e9t\u00e9 \u{1f600}\n'
  const little = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
  const big = (text: string) => little(text).swap16()

  test('of either order is read as UTF-8, gzipped too', async () => {
    for (const stored of [little(WIDE), big(WIDE), gzipSync(big(WIDE))]) {
      assert.deepEqual(await readAll(stored), { text: `\ufeff${WIDE}`, damage: null })
    }
  })

  test('comes out the same however its bytes come', async () => {
    for (const [bytes, isBig] of [
      [little(WIDE), false],
      [big(WIDE), true],
    ] as const) {
      for (const size of [1, 2, 3, 5]) {
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        )
        const read = decodeUtf16(async () => pieces.shift() ?? null, isBig)
        const parts: Uint8Array[] = []
        for (let part = await read(); part !== null; part = await read()) parts.push(part)
        assert.equal(Buffer.concat(parts).toString(), `\ufeff${WIDE}`)
      }
    }
  })

  test('that is broken becomes bytes that are no UTF-8, at that place only', async () => {
    const path = join(temporaryDirectory(), 'input')
    writeFileSync(path, Buffer.concat([little('a\ud83d,b\ude00\nc\n'), Buffer.of(0x0a)]))
    const input = await openInput({ path, number: 0 })
    const parts: Uint8Array[] = []
    for (let bytes = await input.read(); bytes !== null; bytes = await input.read()) parts.push(bytes)
    await input.close()
    assert.equal(Buffer.concat(parts).toString('latin1'), '\xef\xbb\xbfa\xff,b\xff\nc\n\xff')
  })
})

describe('standard input', () => {
  test('that waits does not outlast the wish to stop', async () => {
    const root = temporaryDirectory()
    writeFileSync(join(root, '_SUCCESS'), '')
    writeFileSync(join(root, `${OPEN}.ndjson`), TEXT)
    const child = spawn(process.execPath, [BINARY, 'replay', '-', root, '--dry-run', '--event-type', OPEN], {
      stdio: 'pipe',
    })
    // It has begun once it says what it leaves out.
    await once(child.stderr, 'data')
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    assert.equal(code, 130)
  })

  test('gives a record without id the same insert_id however its bytes arrive', async () => {
    const record = '{"external_user_id":"u","time":1767319200}\n'
    const whole = await braze2amp(['replay', '-', '--dry-run', '--quiet', '--event-type', OPEN], {
      stdin: record + record,
    })
    const child = spawn(process.execPath, [BINARY, 'replay', '-', '--dry-run', '--quiet', '--event-type', OPEN], {
      stdio: 'pipe',
    })
    const parts: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => parts.push(chunk))
    child.stdin.write(record)
    setTimeout(() => child.stdin.end(record), 700)
    await new Promise((resolve) => child.on('close', resolve))
    assert.equal(Buffer.concat(parts).toString(), whole.stdout)
  })
})
