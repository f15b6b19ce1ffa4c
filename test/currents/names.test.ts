import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { typeNamedBy, typeOfSchema } from '../../src/currents/event-type.ts'
import { EVENTS } from '../../src/currents/events.ts'
import { typeOfPath } from '../../src/currents/path-type.ts'
import { isTableWithoutEvents } from '../../src/currents/table-name.ts'
import { temporaryDirectory } from '../harness.ts'

const OPEN = 'users.messages.email.Open'
const PURCHASE = 'users.behaviors.Purchase'

/** Path, type, and the words that were taken for it when they are the end of one only. */
const PATHS: readonly (readonly [string, string | null, string | null])[] = [
  // The type itself.
  ['event_type=users.messages.email.Open/date=2026-01-01-00/437/x.avro', OPEN, null],
  ['event_type=users.messages.fax.Send/a.ndjson', 'users.messages.fax.Send', null],
  ['event_type=partners.messages.fax.Send/a.ndjson', 'partners.messages.fax.Send', null],
  ['event_type=email_open/a.ndjson', OPEN, null],
  ['users.messages.email.Open-2026-01.csv.gz', OPEN, null],
  ['USERS_MESSAGES_EMAIL_OPEN_SHARED/data_0_0_0.csv', OPEN, null],
  ['copy_of_USERS_MESSAGES_EMAIL_OPEN_SHARED.csv', OPEN, null],
  // Types that the catalogue lacks.
  ['users.messages.fax.Send.2026-01-02.ndjson.gz', 'users.messages.fax.Send', null],
  ['users.messages.fax.Send/part-0001.json', 'users.messages.fax.Send', null],
  ['USERS_CAMPAIGNS_REVENUE_SHARED.csv', 'users.campaigns.revenue', null],
  ['USERS_BEHAVIORS_GEOFENCE_DATAEVENT_SHARED.csv', 'users.behaviors.geofence.dataevent', null],
  ['USERS_MESSAGES_EMAIL_OPEN_ROLLUP_SHARED.csv', 'users.messages.email.open.rollup', null],
  ['PARTNERS_FAX_SEND_SHARED.csv', 'partners.fax.send', null],
  ['PARTNERS_FAX_SEND_SHARED/data_0.csv', 'partners.fax.send', null],
  ['partners.fax.Send.ndjson', 'partners.fax.Send', null],
  ['agentconsole.NewThing.avro', 'agentconsole.NewThing', null],
  // A company's own tables.
  ['email_open.ndjson', OPEN, 'email_open'],
  ['exports/stg_braze__email_open/part-00000-7c1e.c000.json', OPEN, 'email_open'],
  ['EmailOpen.csv', OPEN, 'EmailOpen'],
  ['email_soft_bounce_2026-01-02.csv', 'users.messages.email.SoftBounce', 'email_soft_bounce'],
  ['app_sessionstart.ndjson', 'users.behaviors.app.SessionStart', 'app_sessionstart'],
  ['in-app-message-click.json', 'users.messages.inappmessage.Click', 'in_app_message_click'],
  ['canvas_entry.csv', 'users.canvas.Entry', 'canvas_entry'],
  [
    'braze_canvas_experimentstep_conversion.csv',
    'users.canvas.experimentstep.Conversion',
    'canvas_experimentstep_conversion',
  ],
  ['customevent.ndjson', 'users.behaviors.CustomEvent', 'customevent'],
  ['fct_custom_event_20260102.csv.gz', 'users.behaviors.CustomEvent', 'custom_event'],
  ['2026-01_braze_purchase.ndjson', PURCHASE, 'purchase'],
  ['table=purchase/dt=2026-01-02/part-0.json', PURCHASE, 'purchase'],
  ['email_open/open.ndjson', OPEN, 'email_open'],
  ['/mnt/lake/email_open/dt=2026-01-02/part-0.json', OPEN, 'email_open'],
  ['/mnt/lake/email_open/2026/01/02/part-0.json', OPEN, 'email_open'],
  ['purchase_in_app_message_click.csv', 'users.messages.inappmessage.Click', 'in_app_message_click'],
  // Nothing, or nothing certain.
  ['email_open_to_sms_send.csv', null, null],
  ['canvas_entry/email_open_sms_send.csv', null, null],
  ['open.ndjson', null, null],
  ['customer_purchase_orders.csv', null, null],
  ['users.csv', null, null],
  ['users.json.gz', null, null],
  ['users.daily.export.ndjson', null, null],
  ['agentconsole.csv', null, null],
  ['data_shared/part-0.csv', null, null],
  ['/home/purchase/part-0.json', null, null],
  ['/home/email_open/exports/part-0.json', null, null],
  ['part-00000.json', null, null],
]

describe('the event type of a path', () => {
  for (const [path, type, spelled] of PATHS) {
    test(`${path} is ${type ?? 'none'}`, () => {
      const found = typeOfPath(path)
      assert.deepEqual([found.type, found.spelled], [type, spelled])
    })
  }

  test('is told with all that it could be when a name fits several', () => {
    const { type, candidates } = typeOfPath('braze_export_open.ndjson')
    assert.equal(type, null)
    assert.deepEqual(candidates, ['users.messages.pushnotification.Open', OPEN])
    assert.deepEqual(typeOfPath('email_open_to_sms_send.csv').candidates, [OPEN, 'users.messages.sms.Send'])
  })

  test('is spelled by the last two parts of each type, or none', () => {
    for (const { type } of EVENTS) {
      const parts = type.split('.')
      if (parts.length < 3) continue
      const name = `raw_${parts.slice(-2).join('_').toLowerCase()}_2026.csv`
      assert.equal(typeOfPath(name).type, type, name)
    }
  })

  test('is also looked for in the folder that the run was started in, unless it is only the end of one', () => {
    const before = process.cwd()
    const root = temporaryDirectory()
    try {
      for (const [folder, path, type] of [
        [`event_type=${OPEN}/date=2026-01-01-00`, 'part-0.json', OPEN],
        [`event_type=${OPEN}/date=2026-01-01-00`, 'email_click.json', OPEN],
        [`event_type=${OPEN}/date=2026-01-01-00`, `event_type=${PURCHASE}/a.json`, PURCHASE],
        [`event_type=${OPEN}/date=2026-01-01-00`, '../../a.json', null],
        ['USERS_MESSAGES_EMAIL_OPEN_SHARED', 'data_0.csv', OPEN],
        ['email_open', 'part-0.json', null],
        ['purchase', 'part-0.json', null],
      ] as const) {
        mkdirSync(join(root, folder), { recursive: true })
        process.chdir(join(root, folder))
        assert.equal(typeOfPath(path).type, type, `${folder} ${path}`)
      }
      assert.equal(typeOfPath('part-0.json').isShare, false)
      process.chdir(join(root, 'USERS_MESSAGES_EMAIL_OPEN_SHARED'))
      assert.equal(typeOfPath('part-0.csv').isShare, true)
    } finally {
      process.chdir(before)
    }
  })
})

describe('the event type that a record or a user names', () => {
  for (const [text, type] of [
    [OPEN, OPEN],
    ['USERS_MESSAGES_EMAIL_OPEN_SHARED', OPEN],
    ['users_messages_email_open', OPEN],
    ['stg_email_open', OPEN],
    ['users.messages.fax.Send', 'users.messages.fax.Send'],
    ['partners.fax.Send', 'partners.fax.Send'],
    ['messages.email.Open', OPEN],
    ['behaviors.CustomEvent', 'users.behaviors.CustomEvent'],
    ['USERS_MESSAGES_FAX_SEND', 'users.messages.fax.send'],
    ['enter', null],
    ['open', null],
    ['', null],
    ['signed up', null],
  ] as const) {
    test(`"${text}" is ${type ?? 'none'}`, () => assert.equal(typeNamedBy(text), type))
  }

  test('is what follows the export in the name of a schema, also of a new root', () => {
    assert.equal(typeOfSchema(`dataexport.prod-03.S3.inner.${OPEN}`), OPEN)
    assert.equal(typeOfSchema('dataexport.S3.inner.partners.fax.Send'), 'partners.fax.Send')
    assert.equal(typeOfSchema('acme.Row'), null)
  })
})

test('tables without events are known by name', () => {
  for (const name of [
    'SNAPSHOTS_CAMPAIGN_MESSAGE_VARIATION_SHARED.csv',
    'changelogs_canvas_shared',
    'CATALOGS_ITEMS_SHARED.csv.gz',
    'USER_DEFAULT_ATTRIBUTES_SHARED.csv',
    'USERS_ATTRIBUTES_SHARED',
    'AGENTCONSOLE_RAWLLMREQUEST_SHARED.csv',
  ]) {
    assert.ok(isTableWithoutEvents(name), name)
  }
  for (const name of ['snapshots_2026', 'snapshots_braze', 'catalogs', 'USERS_CANVAS_ENTRY_SHARED', 'users.ndjson']) {
    assert.ok(!isTableWithoutEvents(name), name)
  }
})
