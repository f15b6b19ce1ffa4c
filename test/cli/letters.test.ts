import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Summary } from '../../src/report/summary.ts'
import { start } from '../emulator/harness.ts'
import { braze2amp, temporaryDirectory } from '../harness.ts'
import { lettersIn, records } from '../upload/harness.ts'

const env = { AMPLITUDE_API_KEY: 'k' }
const FILE = 'exports/users.messages.email.Open.ndjson'

/** An upload of 300 records, of which Amplitude refuses 99 and three are broken. */
async function uploadWithLetters(t: Parameters<typeof start>[0]): Promise<string> {
  const emulator = await start(t, { silencedDevices: ['silenced'] })
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, 'exports'))
  const lines = records(300, (i) => (i % 3 === 0 ? { device_id: 'silenced' } : {})).map((line, i) =>
    i % 100 === 1 ? line.slice(0, -5) : line,
  )
  writeFileSync(join(cwd, FILE), `${lines.join('\n')}\n`)
  const { code, stderr } = await braze2amp(['replay', 'exports', '--endpoint', emulator.url], { cwd, env })
  assert.equal(code, 3, stderr)
  assert.equal(lettersIn(join(cwd, '.braze2amp/dead-letters.ndjson')).length, 102)
  return cwd
}

describe('the dead letters of an upload', () => {
  test('can be sent elsewhere; what is rejected again still says where in the export it stands', async (t) => {
    const cwd = await uploadWithLetters(t)
    const other = await start(t, { httpEventsPerSecond: 1e6 })
    const words = ['replay', '.braze2amp/dead-letters.ndjson', '--state', 'second', '--endpoint', other.url, '--json']
    const { code, stdout, stderr } = await braze2amp(words, { cwd, env })
    assert.equal(code, 3, stderr)
    const { read, accepted, rejected }: Summary = JSON.parse(stdout)
    assert.deepEqual([read, accepted, rejected.by_reason], [102, 99, { malformed: 3 }])
    assert.equal(other.stats().unique, 99)
    assert.match(
      stderr,
      /malformed \.braze2amp\/dead-letters\.ndjson:2 \(from exports\/users\.messages\.email\.Open\.ndjson:102\): invalid JSON: ends too early/,
    )
    const again = lettersIn(join(cwd, 'second/dead-letters.ndjson'))
    assert.deepEqual(
      again.map(({ source: { file, line }, record }) => [file, line, typeof record]),
      [2, 102, 202].map((line) => [FILE, line, 'string']),
    )
  })

  test('are what the records were to every command', async (t) => {
    const cwd = await uploadWithLetters(t)
    const letters = '.braze2amp/dead-letters.ndjson'
    const dry = await braze2amp(['replay', letters, '--dry-run', '--quiet'], { cwd })
    const all = await braze2amp(['replay', 'exports', '--dry-run', '--quiet'], { cwd })
    const silenced = all.stdout.split('\n').filter((line) => line.includes('"silenced"'))
    assert.deepEqual(dry.stdout.trim().split('\n').toSorted(), silenced.toSorted())
    const piped = await braze2amp(['replay', '-', '--dry-run', '--quiet', '--format', 'letters'], {
      cwd,
      stdin: readFileSync(join(cwd, letters)),
    })
    assert.equal(piped.stdout, dry.stdout)

    const inspection = JSON.parse((await braze2amp(['inspect', letters, '--json'], { cwd })).stdout)
    assert.deepEqual([inspection.read, inspection.accepted], [102, 99])
    const { stdout: explained } = await braze2amp(['explain', letters, '--id', 'e3'], { cwd })
    assert.match(explained, /dead-letters\.ndjson:\d+ {2}users\.messages\.email\.Open/)
    assert.match(explained, /device_id +"silenced" {2}← device_id/)
    const validated = await braze2amp(['validate', letters], { cwd })
    assert.equal(validated.code, 3)
    assert.match(validated.stdout, /malformed/)
  })

  test('are not read by an upload that writes them', async (t) => {
    const cwd = await uploadWithLetters(t)
    const before = readFileSync(join(cwd, '.braze2amp/dead-letters.ndjson'), 'utf8')
    mkdirSync(join(cwd, '.braze2amp/lanes'), { recursive: true })
    copyFileSync(join(cwd, '.braze2amp/dead-letters.ndjson'), join(cwd, '.braze2amp/lanes/1.ndjson'))
    for (const [path, state] of [
      ['.braze2amp/dead-letters.ndjson', []],
      ['.braze2amp', []],
      ['.braze2amp/lanes/1.ndjson', []],
      [join(cwd, '.braze2amp/lanes/1.ndjson'), ['--state', './.braze2amp/']],
    ] as const) {
      const { code, stderr } = await braze2amp(['replay', path, '--endpoint', 'http://127.0.0.1:9', ...state], {
        cwd,
        env,
      })
      assert.equal(code, 2)
      assert.match(stderr, /belongs to the state directory .*move the file elsewhere/s)
    }
    assert.equal(readFileSync(join(cwd, '.braze2amp/dead-letters.ndjson'), 'utf8'), before)
  })
})

test('a file of letters that name no event type is read all the same: each costs itself', async () => {
  const cwd = temporaryDirectory()
  const source = { file: FILE, position: 0, line: 1 }
  const letter = { source, event_type: null, record: '{"id":"1","time":1767225600}', event: null }
  writeFileSync(join(cwd, 'letters.ndjson'), `${JSON.stringify(letter)}\n`)
  const { code, stderr } = await braze2amp(['replay', 'letters.ndjson', '--dry-run'], { cwd })
  assert.equal(code, 3)
  assert.match(
    stderr,
    /malformed letters\.ndjson:1 \(from exports\/users\.messages\.email\.Open\.ndjson:1\): no event type/,
  )
  assert.match(stderr, /1 record read/)
})

test('an insert_id that was made is kept, and explain says so', async () => {
  const cwd = temporaryDirectory()
  const id = '0123456789abcdef0123456789abcdef'
  const letter = {
    source: { file: FILE, position: 0, line: 1 },
    event_type: 'users.messages.email.Open',
    record: { external_user_id: 'u', time: 1_767_225_600 },
    event: { insert_id: id },
  }
  writeFileSync(join(cwd, 'lane.ndjson'), `${JSON.stringify(letter)}\n`)
  const { stdout } = await braze2amp(['explain', 'lane.ndjson'], { cwd })
  assert.match(stdout, new RegExp(`insert_id +"${id}" {2}made before, kept by the letter`))
})
