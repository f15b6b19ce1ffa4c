import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { BINARY, braze2amp, temporaryDirectory } from '../harness.ts'

const ROOT = join(BINARY, '../..')
const EXPORTS = 'fixtures/exports'

interface Event {
  readonly event_type: string
  readonly user_id?: string
  readonly device_id?: string
  readonly time: number
  readonly event_properties: Readonly<Record<string, unknown>>
}

/** Counts by key, most first, of equals in the order of the keys. */
function counted(keys: readonly (string | undefined)[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>()
  for (const key of keys) if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
}

describe('inspect', () => {
  test('counts exactly what the dry run writes', async () => {
    const [inspected, dryRun] = await Promise.all([
      braze2amp(['inspect', EXPORTS, '--json', '--quota', '1000'], { cwd: ROOT }),
      braze2amp(['replay', EXPORTS, '--dry-run', '--quiet', '--json'], { cwd: ROOT }),
    ])
    assert.equal(inspected.code, 0)
    const found = JSON.parse(inspected.stdout)
    const events: Event[] = dryRun.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const summary = JSON.parse(dryRun.stderr.slice(dryRun.stderr.indexOf('{"version"')))
    for (const key of ['read', 'accepted', 'rejected', 'skipped', 'pending', 'warnings', 'by_event_type']) {
      assert.deepEqual(found[key], summary[key], key)
    }
    const hottest = (list: { id: string; events: number }[]) => list.map(({ id, events: count }) => [id, count])
    const users = counted(events.map(({ user_id }) => user_id))
    const devices = counted(events.map(({ device_id }) => device_id))
    assert.deepEqual(hottest(found.hottest_users), users.slice(0, 64))
    assert.deepEqual(hottest(found.hottest_devices), devices.slice(0, 64))
    assert.deepEqual([found.users, found.devices], [users.length, devices.length])
    assert.deepEqual(
      found.names.map(({ name, events: count }: { name: string; events: number }) => [name, count]),
      counted(events.map(({ event_type }) => event_type)),
    )
    const names = new Set(events.flatMap(({ event_properties }) => Object.keys(event_properties)))
    assert.equal(found.properties, names.size)
    const times = events.map(({ time }) => time)
    assert.equal(Date.parse(found.first_time), Math.min(...times))
    assert.equal(Date.parse(found.last_time), Math.max(...times))
    const hours = counted(times.map((time) => new Date(Math.floor(time / 3_600_000) * 3_600_000).toISOString()))
    assert.deepEqual(
      found.hours.map(({ hour, events: count }: { hour: string; events: number }) => [hour, count]),
      hours.toSorted((a, b) => (a[0] < b[0] ? -1 : 1)),
    )
    assert.equal(found.bytes, Buffer.byteLength(dryRun.stdout))
    assert.equal(found.quota.share, events.length / 1000)
    assert.equal(found.files.found, 8)
    assert.deepEqual(found.files.formats, { ndjson: 2, avro: 6 })
    assert.deepEqual(found.identities.known + found.identities.anonymous, events.length)
  })

  test('says in which dialects CSV is written, and reads it as it is told', async () => {
    const cwd = temporaryDirectory()
    const header = 'id,external_user_id,time,campaign_name'
    writeFileSync(join(cwd, 'users.messages.email.Open.csv'), `${header}\n1,u,1767319200,"a ""b"""\n`)
    writeFileSync(join(cwd, 'users.messages.email.Click.csv'), `${header}\n1,u,1767319200,"a \\"b\\""\n`)
    const { stdout } = await braze2amp(['inspect', '.'], { cwd })
    assert.match(stdout, /1 csv: commas, quotes doubled \(RFC 4180\)\n/)
    assert.match(stdout, /1 csv: commas, quotes, backslash escapes\n/)
    const words = ['inspect', '.', '--json', '--csv-quote', 'none', '--csv-escape', 'none', '--csv-delimiter', ',']
    const { csv_dialects: dialects } = JSON.parse((await braze2amp(words, { cwd })).stdout).files
    assert.deepEqual(dialects, { 'commas, no quotes, no escapes': 2 })
    const refused = await braze2amp(['inspect', '.', '--csv-quote', 'none', '--csv-escape', '^'], { cwd })
    assert.deepEqual([refused.code, refused.stderr.includes('--csv-escape ^ needs quotes')], [2, true])
  })

  test('finds devices with several users and says what bounds the upload', async () => {
    const file = join(temporaryDirectory(), 'users.behaviors.app.SessionStart.ndjson')
    const lines = Array.from({ length: 3000 }, (_, i) =>
      JSON.stringify({
        id: `${i}`,
        external_user_id: `u${i % 7}`,
        device_id: i < 2900 ? 'shared' : `d${i}`,
        time: 1767319200,
      }),
    )
    writeFileSync(file, lines.join('\n'))
    const { stdout } = await braze2amp(['inspect', file, '--json'])
    const found = JSON.parse(stdout)
    assert.equal(found.devices_with_several_users, 1)
    assert.deepEqual(found.hottest_devices[0], { id: 'shared', events: 2900 })
    assert.deepEqual(found.estimates.http, { requests: 2, duration_s: 103.5, bound: 'identity', at_least: false })
    const capped = JSON.parse((await braze2amp(['inspect', file, '--json', '--max-eps', '10'])).stdout)
    assert.equal(capped.estimates.batch.bound, 'rate_cap')
    const text = (await braze2amp(['inspect', file])).stdout
    assert.match(text, /1 of them with several users/)
    assert.match(
      text,
      /--api http {3}1 min 44 s in 2 requests or more \(bound by the limit of the hottest user or device\)/,
    )
  })

  test('estimates no more than a tenth above what an upload takes, when one identity or a cap is the bound', async () => {
    const emulator = await startEmulator({ port: 0 })
    try {
      const cases = [
        { hot: 290, options: [] },
        { hot: 2, options: ['--max-eps', '100'] },
      ]
      await Promise.all(
        cases.map(async ({ hot, options }) => {
          const cwd = temporaryDirectory()
          const lines = Array.from({ length: 1000 }, (_, i) =>
            JSON.stringify({
              id: `${hot}-${i}`,
              device_id: i % 3 || i >= 3 * hot ? `d${hot}-${i}` : 'hot',
              time: 1767319200,
            }),
          )
          writeFileSync(join(cwd, 'users.behaviors.app.SessionStart.ndjson'), lines.join('\n'))
          const inspected = await braze2amp(['inspect', '.', '--json', ...options], { cwd })
          const words = ['replay', '.', '--endpoint', emulator.url, '--state', 'state', '--json', '--quiet', ...options]
          const uploaded = await braze2amp(words, { cwd, env: { AMPLITUDE_API_KEY: 'test' } })
          const estimated = JSON.parse(inspected.stdout).estimates.http.duration_s
          const taken = JSON.parse(uploaded.stdout).duration_ms / 1000
          assert.ok(estimated > 10, String(estimated))
          // How far above it is on a machine that keeps up: test/inspect/estimate.test.ts, in virtual time.
          assert.ok(taken / estimated > 0.9, `${taken} s taken, ${estimated} s estimated`)
        }),
      )
      assert.deepEqual(emulator.stats().refused, {})
    } finally {
      await emulator.close()
    }
  })

  test('says how long an upload takes that nothing known bounds', async () => {
    const cwd = temporaryDirectory()
    const lines = Array.from({ length: 20_000 }, (_, i) =>
      JSON.stringify({ id: `${i}`, device_id: `d${i}`, time: 1767319200 }),
    )
    writeFileSync(join(cwd, 'users.behaviors.app.SessionStart.ndjson'), lines.join('\n'))
    const { stdout } = await braze2amp(['inspect', '.'], { cwd })
    assert.match(
      stdout,
      /--api batch {2}at least 0\.0 s, 2\.0 s at 10,000 events\/s in 10 requests or more \(the line and/,
    )
  })

  test('takes the options of replay that say how fast an upload may go', async () => {
    const cwd = temporaryDirectory()
    const lines = Array.from({ length: 500 }, (_, i) =>
      JSON.stringify({ id: `${i}`, device_id: 'hot', time: 1767319200 }),
    )
    writeFileSync(join(cwd, 'users.behaviors.app.SessionStart.ndjson'), lines.join('\n'))
    const estimateWith = async (...options: string[]) => {
      const { stdout, stderr } = await braze2amp(['inspect', '.', '--json', ...options], { cwd })
      assert.notEqual(stdout, '', stderr)
      return JSON.parse(stdout).estimates.http
    }
    const identity = { bound: 'identity', at_least: false }
    const cap = { bound: 'rate_cap', at_least: false }
    assert.deepEqual(await estimateWith(), { requests: 1, duration_s: 17.8, ...identity })
    assert.deepEqual(await estimateWith('--device-eps', '7.5'), { requests: 1, duration_s: 71.4, ...identity })
    assert.deepEqual(await estimateWith('--device-burst', '60'), { requests: 1, duration_s: 18.5, ...identity })
    assert.deepEqual(await estimateWith('--plan', 'starter'), { requests: 50, duration_s: 17.8, ...identity })
    // A request has no more of the device than its burst of 30.
    assert.deepEqual(await estimateWith('--max-rps', '0.5', '--batch-size', '50'), {
      requests: 10,
      duration_s: 37,
      ...identity,
    })
    assert.deepEqual(await estimateWith('--max-rps', '0.5', '--batch-size', '20'), {
      requests: 25,
      duration_s: 55.4,
      ...cap,
    })
    assert.deepEqual(await estimateWith('--max-eps', '2.5'), { requests: 1, duration_s: 214.1, ...cap })
  })

  test('marks names that are not sure, unless the mapping file gives them', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'm.yaml'), 'events: {users.canvas.Abort: }\n')
    writeFileSync(join(cwd, 'named.yaml'), 'events: {users.canvas.Abort: {name: Again}}\n')
    const words = ['inspect', '-', '--event-type', 'users.canvas.Abort', '--mapping']
    const stdin = '{"id":"1","external_user_id":"u","time":1767319200}'
    assert.match((await braze2amp([...words, 'm.yaml'], { cwd, stdin })).stdout, /Canvas Abort .*a guess/)
    assert.doesNotMatch((await braze2amp([...words, 'named.yaml'], { cwd, stdin })).stdout, /a guess/)
  })

  test('shows the volume and price of each event type, names beside their types, and what the catalogue lacks', async () => {
    const cwd = temporaryDirectory()
    const write = (name: string, records: readonly object[]) => {
      const lines = records.map((record, i) =>
        JSON.stringify({ id: `${i}`, external_user_id: 'u', time: 1767319200, ...record }),
      )
      mkdirSync(join(cwd, name, '..'), { recursive: true })
      writeFileSync(join(cwd, name), lines.join('\n'))
    }
    const of = (count: number, record: object = {}) => Array.from({ length: count }, () => record)
    write('event_type=users.messages.email.Open/version=13/a.ndjson', of(1500))
    write('event_type=users.messages.email.Click/version=12/a.ndjson', of(499, { heat: 5 }))
    write('event_type=users.messages.fax.Send/version=13/a.ndjson', of(7))
    write('users.behaviors.CustomEvent.ndjson', [{ name: 'signed_up' }])
    const { stdout } = await braze2amp(['inspect', '.', '--price-per-million', '49.5'], { cwd })
    assert.match(stdout, /^ {2}1,500 {2}\[Appboy\] Email Open {16}users\.messages\.email\.Open$/m)
    assert.match(stdout, /^ {6}1 {2}\[Appboy\] \[Custom Event\] signed_up {2}users\.behaviors\.CustomEvent$/m)
    const volume = [
      'Volume',
      '  events   share  price  event type',
      '   1,500   75.0%   0.07  users.messages.email.Open',
      '     499   24.9%   0.02  users.messages.email.Click',
      '       1    0.1%  <0.01  users.behaviors.CustomEvent',
      '   2,000  100.0%   0.10  in all',
    ]
    assert.ok(stdout.includes(volume.join('\n')), stdout)
    const drift = [
      'Beyond Currents v12, which this version knows',
      '  in paths: version=13 of 2 files',
      '  event types',
      '            7  users.messages.fax.Send',
      '  fields of users.messages.email.Click',
      '          499  heat  5',
      '',
    ]
    assert.ok(stdout.endsWith(drift.join('\n')), stdout)
    assert.ok(stdout.split('\n').every((line) => line.length <= 80 || line.includes('--api')))
    const found = JSON.parse(
      (await braze2amp(['inspect', '.', '--json', '--price-per-million', '49.5'], { cwd })).stdout,
    )
    assert.deepEqual(found.volume.by_event_type[1], {
      event_type: 'users.messages.email.Click',
      events: 499,
      share: 499 / 2000,
      price: 0.024701,
    })
    assert.deepEqual([found.volume.events, found.volume.price_per_million, found.volume.price], [2000, 49.5, 0.099])
    assert.deepEqual(found.drift, {
      catalogue_version: 12,
      event_types: [{ event_type: 'users.messages.fax.Send', records: 7 }],
      fields: [{ event_type: 'users.messages.email.Click', field: 'heat', records: 499, example: '5' }],
      event_types_with_more_fields: [],
      versions: [{ version: 13, files: 2 }],
    })
    const dryRun = await braze2amp(['replay', '.', '--dry-run'], { cwd })
    assert.match(
      dryRun.stderr,
      /^ {2}drift {6}users\.messages\.fax\.Send 7, version=13 of 2 files, field heat: beyond Currents v12/m,
    )
    assert.match((await braze2amp(['--version'])).stdout, /^\d+\.\d+\.\d+ \(Currents v12 of 2026-09\)\n$/)
    for (const price of ['0', '-1', 'x']) {
      assert.equal((await braze2amp(['inspect', '.', '--price-per-million', price], { cwd })).code, 2)
    }
  })

  test('says what will be skipped, and exits 3 for a file that is refused, 2 when none could be read', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'nothing.ndjson'), '{"id":"1","external_user_id":"u","time":1767319200}\n')
    writeFileSync(join(cwd, 'users.messages.email.Open.ndjson'), '{"id":"1","time":1767319200}\n')
    const some = await braze2amp(['inspect', '.'], { cwd })
    assert.equal(some.code, 3)
    assert.match(some.stdout, /skipped +1 {2}no_identity 1/)
    assert.match(some.stderr, /refused/)
    assert.equal((await braze2amp(['inspect', 'nothing.ndjson'], { cwd })).code, 2)
  })
})
