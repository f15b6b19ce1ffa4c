import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CATALOGUE } from '../data/catalogue.ts'
import { BINARY, braze2amp, temporaryDirectory } from '../harness.ts'

const OPEN = 'users.messages.email.Open'
const EXPORTS = 'fixtures/exports'
const ROOT = join(BINARY, '../..')

const explain = (words: readonly string[], stdin = '') => braze2amp(['explain', ...words], { stdin, cwd: ROOT })

describe('explain', () => {
  test('shows what is left out in columns, and says when another field takes its place', async () => {
    const type = 'users.messages.pushnotification.Open'
    const header = 'ID,EXTERNAL_USER_ID,TIME,CAMPAIGN_ID,CAMPAIGN_API_ID,BUTTON_ACTION_TYPE,SF_CREATED_AT'
    const row = '1,u,2026-02-01 10:00:00Z,internal,api,OPEN,2026-02-01 11:00:00'
    const { stdout } = await explain(['-', '--event-type', type], `${header}\n${row}\n`)
    assert.match(stdout, /campaign_id +"internal" {2}campaign_api_id takes its place in a Snowflake share/)
    assert.match(stdout, /campaign_id +"api" {2}← campaign_api_id\n/)
    const leftOut = stdout.split('left out\n')[1]?.split('\n').filter(Boolean) ?? []
    assert.equal(new Set(leftOut.map((line) => line.indexOf('"'))).size, 1, stdout)
  })

  test('says what null is: not sent', async () => {
    const { stdout } = await explain(
      ['-', '--event-type', OPEN],
      '{"id":"1","external_user_id":"u","time":1767319200,"esp":null}',
    )
    assert.match(stdout, /esp +null {2}null is not sent/)
  })

  test('exits 3 when it could not read a file', async () => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, `${OPEN}.ndjson`), '{"id":"1","external_user_id":"u","time":1767319200}\n')
    writeFileSync(join(cwd, 'mystery.ndjson'), '{"id":"1","external_user_id":"u","time":1767319200}\n')
    const { code, stdout, stderr } = await braze2amp(['explain', '.'], { cwd })
    assert.deepEqual([code, stdout.includes('Email Open')], [3, true])
    assert.match(stderr, /refused mystery\.ndjson does not say which event type/)
    const absent = await braze2amp(['explain', '.', '--id', 'nowhere'], { cwd })
    assert.equal(absent.code, 2)
    assert.match(absent.stderr, /no record has the id nowhere/)
  })

  test('says of each value which field and rule put it there, and why the rest is left out', async () => {
    const record = {
      id: '1',
      external_user_id: 'u',
      user_id: 'x',
      time: 1767319200,
      campaign_id: 'c',
      subject: 's',
      is_amp: null,
    }
    const { code, stdout } = await explain(['-', '--event-type', OPEN, '--json'], JSON.stringify(record))
    assert.equal(code, 0)
    const explained = JSON.parse(stdout)
    assert.deepEqual(explained.record, record)
    assert.equal(explained.event.event_type, '[Appboy] Email Open')
    assert.deepEqual(explained.properties, [
      { property: 'campaign_id', from: 'campaign_id', rule: 'as it is', value: 'c' },
    ])
    assert.deepEqual(
      explained.top_level.map(({ property, from }: { property: string; from: string | null }) => [property, from]),
      [
        ['event_type', null],
        ['user_id', 'external_user_id'],
        ['time', 'time'],
        ['insert_id', 'id'],
        ['library', null],
      ],
    )
    assert.deepEqual(explained.left_out, [
      { field: 'user_id', why: "Braze's internal id is not sent", value: 'x' },
      { field: 'subject', why: 'the connector does not send it with this event', value: 's' },
      { field: 'is_amp', why: 'null is not sent', value: null },
    ])
  })

  describe('of a record in the Custom HTTP form', () => {
    const OPENED = { event_type: OPEN, id: 'e1', time: 1767319200 }
    const explained = async (record: object) => {
      const { stdout } = await explain(['-', '--json'], JSON.stringify({ ...OPENED, ...record }))
      const { properties, top_level, left_out } = JSON.parse(stdout)
      const from = (list: readonly { property: string; from: string | null }[]) =>
        Object.fromEntries(list.map((value) => [value.property, value.from]))
      const left = left_out.map(({ field, why }: { field: string; why: string }) => [field, why])
      return { properties: from(properties), topLevel: from(top_level), left }
    }

    test('finds the fields in properties when there is no user beside them', async () => {
      const { properties, topLevel, left } = await explained({
        properties: { external_user_id: 'u1', campaign_name: 'Welcome', subject: 's' },
      })
      assert.deepEqual(properties, { campaign_name: 'properties.campaign_name' })
      assert.equal(topLevel['user_id'], 'properties.external_user_id')
      assert.deepEqual(left, [
        ['event_type', 'says which event type the record is'],
        ['properties.subject', 'the connector does not send it with this event'],
      ])
    })

    test('leaves properties alone when the record has an identity of its own', async () => {
      const { properties, left } = await explained({ external_user_id: 'u1', properties: { campaign_name: 'Welcome' } })
      assert.deepEqual(properties, {})
      assert.deepEqual(left.at(-1), ['properties', 'the connector does not send it with this event'])
    })

    test('finds user and properties in any case, also a user without fields', async () => {
      const { properties, topLevel } = await explained({
        USER: {},
        device_id: 'd1',
        Properties: { CAMPAIGN_NAME: 'Welcome' },
      })
      assert.deepEqual(properties, { campaign_name: 'Properties.CAMPAIGN_NAME' })
      assert.equal(topLevel['device_id'], 'device_id')
    })

    test('says which of two fields of one name is sent', async () => {
      const { topLevel, properties, left } = await explained({
        device_id: 'd1',
        user: { device_id: 'd2', id: 'e2' },
        properties: { id: 'e3', external_user_id: 'u1', user: 'x', esp: 'y' },
      })
      assert.deepEqual([topLevel['device_id'], topLevel['insert_id']], ['user.device_id', 'id'])
      assert.deepEqual(properties, { esp: 'properties.esp' })
      assert.deepEqual(left.slice(1, 4), [
        ['device_id', 'user.device_id takes its place'],
        ['user.id', 'id takes its place'],
        ['properties.id', 'id takes its place'],
      ])
    })
  })

  test('shows the very bytes of the dry run', async () => {
    const { stdout } = await explain([EXPORTS, '--id', 'raw-1', '--json'])
    const dryRun = await braze2amp(['replay', EXPORTS, '--dry-run', '--quiet'], { cwd: ROOT })
    const line = dryRun.stdout.split('\n').find((text) => text.includes('"insert_id":"raw-1"'))
    assert.ok(stdout.includes(`"event":${line},`))
  })

  test('keeps the digits of long integers', async () => {
    const record =
      '{"id":"1","external_user_id":"u","time":1767319200,"name":"n","properties":"{\\"n\\":12345678901234567890}","x":98765432109876543210}'
    const { stdout } = await explain(['-', '--event-type', 'users.behaviors.CustomEvent', '--json'], record)
    assert.match(stdout, /"value":12345678901234567890\b/)
    assert.match(stdout, /"field":"x".*"value":98765432109876543210\b/)
  })

  test('picks the first record of each type, one by its line, or one by its id', async () => {
    const all = await explain([EXPORTS])
    assert.equal(all.stdout.match(/^fixtures\//gm)?.length, 8)
    const byLine = await explain([`${EXPORTS}/warehouse`, '--include', '*CustomEvent', '--line', '24'])
    assert.match(byLine.stdout, /part-00000\.ndjson:24 {2}users\.behaviors\.CustomEvent\n {2}skipped: no_identity/)
    const byId = await explain([EXPORTS, '--id', 'timeless-1'])
    assert.match(byId.stdout, /rejected: malformed {2}time is not a time: "soon"/)
  })

  test('finds an id behind a broken line, in a union wrapper, and as a number', async () => {
    const file = join(temporaryDirectory(), `${OPEN}.ndjson`)
    const rest = '"external_user_id":"u","time":1767319200}'
    writeFileSync(file, `{"id":"b","x\n{"id":{"string":"c"},${rest}\n{"id":42,${rest}\n{"id":"\\u0064",${rest}\n`)
    for (const [id, line] of [
      ['c', 2],
      ['42', 3],
      ['d', 4],
    ] as const) {
      assert.match((await explain([file, '--id', id])).stdout, new RegExp(`:${line} `))
    }
  })

  test('says why a record is skipped, in the words of the summary', async () => {
    for (const [options, reason] of [
      [['--exclude', '*.Open'], 'filtered'],
      [['--event-type', 'users.messages.rcs.Send'], 'not_exported'],
    ] as const) {
      const { stdout } = await explain(
        ['-', '--event-type', OPEN, ...options],
        '{"id":"1","external_user_id":"u","time":1767319200}',
      )
      assert.match(stdout, new RegExp(`skipped: ${reason} {2}\\w`))
    }
  })

  for (const words of [
    [EXPORTS, '--id', 'nowhere'],
    [EXPORTS, '--line', '99999'],
  ]) {
    test(`${words.join(' ')} finds nothing and exits 2`, async () => {
      const { code, stderr } = await explain(words)
      assert.equal(code, 2)
      assert.match(stderr, /no (record|input) has/)
    })
  }

  test('ends quietly when its reader goes away', async () => {
    const file = join(temporaryDirectory(), 'many.ndjson')
    const record = (type: string) =>
      JSON.stringify({ event_type: type, id: type, external_user_id: 'u', time: 1767319200 })
    writeFileSync(
      file,
      CATALOGUE.map((entry) => record(entry.event_type))
        .join('\n')
        .concat('\n')
        .repeat(50),
    )
    const child = spawn(process.execPath, [BINARY, 'explain', file], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    const stderr: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    const [code] = await once(child, 'close')
    assert.deepEqual([code, Buffer.concat(stderr).toString()], [0, ''])
  })
})

describe('events', () => {
  test('lists the catalogue as the reference data has it', async () => {
    const { code, stdout } = await braze2amp(['events', '--json'])
    assert.equal(code, 0)
    const expected = CATALOGUE.map((entry) => {
      const isCustom = entry.event_type.endsWith('.CustomEvent')
      const name = isCustom ? '[Custom Event] <name>' : entry.amplitude_name
      return [entry.event_type, name === null ? null : `[Appboy] ${name}`, entry.send, [...entry.connector_properties]]
    })
    assert.deepEqual(
      JSON.parse(stdout).map((row: Record<string, unknown>) => [
        row['type'],
        row['amplitude_name'],
        row['sent'],
        row['properties'],
      ]),
      expected,
    )
  })

  test('narrows to a glob, and gives bare names to compare', async () => {
    const { stdout } = await braze2amp(['events', 'users.messages.email.*', '--names'])
    assert.deepEqual(stdout.split('\n').slice(0, 2), ['[Appboy] Email Send', '[Appboy] Email Delivery'])
    assert.doesNotMatch((await braze2amp(['events', 'users.canvas.*', '--names'])).stdout, /Abort/)
    assert.match((await braze2amp(['events', '*.Abort'])).stdout, /users\.canvas\.Abort .*a guess .*not sent/)
  })

  test('says what it could have been when nothing matches', async () => {
    const { code, stderr } = await braze2amp(['events', 'users.messages.email.Opn'])
    assert.equal(code, 2)
    assert.match(stderr, /did you mean users\.messages\.email\.Open\?/)
  })
})
