import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { outcomesOf, rawChunk } from '../harness.ts'
import { eventUnder, findingsIn, mappingOf, mapUnder } from './harness.ts'

const OPEN = 'users.messages.email.Open'
const CUSTOM = 'users.behaviors.CustomEvent'
const PURCHASE = 'users.behaviors.Purchase'
const CANVAS_ABORT = 'users.canvas.Abort'
const FAX = 'users.messages.fax.SendFailure'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const custom = { name: 'signed_up', properties: '{"plan":"pro","seats":3,"note":"hi","none":null}' }

describe('extends', () => {
  test('starts from another built-in mapping', () => {
    const event = eventUnder('extends: enriched', { platform: 'ios' }, 'users.behaviors.app.SessionStart')
    assert.equal(event.platform, 'ios')
    assert.equal(event.$skip_user_properties_sync, true)
  })
})

describe('prefixes', () => {
  test('prefix stands before every name, also that of custom events', () => {
    assert.equal(eventUnder('prefix: "[Braze] "', {}, OPEN).event_type, '[Braze] Email Open')
    assert.equal(eventUnder('prefix: "[Braze] "', custom, CUSTOM).event_type, '[Braze] [Custom Event] signed_up')
  })

  test('custom_event_prefix overrides it for custom events, and may be empty', () => {
    const text = 'prefix: "[Braze] "\ncustom_event_prefix: ""'
    assert.equal(eventUnder(text, custom, CUSTOM).event_type, 'signed_up')
    assert.equal(eventUnder(text, {}, OPEN).event_type, '[Braze] Email Open')
  })

  test('custom_property_prefix and purchase_property_prefix stand before the keys of either', () => {
    const text = 'custom_property_prefix: "c."\npurchase_property_prefix: ""'
    assert.deepEqual(eventUnder(text, custom, CUSTOM).event_properties, {
      'c.plan': 'pro',
      'c.seats': 3,
      'c.note': 'hi',
    })
    assert.deepEqual(eventUnder(text, { properties: '{"coupon":"JAN"}' }, PURCHASE).event_properties, { coupon: 'JAN' })
  })
})

describe('names: page', () => {
  test('gives the older labels where they differ', () => {
    const type = 'users.canvas.experimentstep.SplitEntry'
    assert.notEqual(eventUnder('names: page', {}, type).event_type, eventUnder('', {}, type).event_type)
    assert.equal(eventUnder('names: page', {}, OPEN).event_type, eventUnder('', {}, OPEN).event_type)
  })
})

describe('files', () => {
  const record = Buffer.from('{"id":"1","external_user_id":"u","time":1767319200}')
  const typeAt = (path: string, fileType: string | null = null) => {
    const mapping = mappingOf(
      `files: {"legacy/*.csv": ${OPEN}, "*": ${PURCHASE}, "old?.csv": USERS_MESSAGES_EMAIL_OPEN_SHARED, "*.o": email_open}`,
    )
    const mapped = createChunkMapper(mapping)(rawChunk([record], { fileType, path }))
    return mapped.typeNames[mapped.types[0] as number]
  }

  test('gives a type to what has none, by the glob with the most letters', () => {
    assert.equal(typeAt('exports/legacy/2026/a.csv'), OPEN)
    assert.equal(typeAt('legacy/a.csv'), OPEN)
    assert.equal(typeAt('exports/old1.csv'), OPEN)
    assert.equal(typeAt('exports/a.o'), OPEN)
    assert.equal(typeAt('exports/a.csv'), PURCHASE)
    assert.equal(typeAt('legacy/a.csv', CUSTOM), CUSTOM)
  })

  test('must name event types', () => {
    const messages = findingsIn('files: {"a": users.messages.email.Opne, "b": x, "c": users.messages.fax.Transmission}')
    assert.deepEqual(
      messages.map(({ severity, path }) => [severity, path]),
      [
        ['error', 'files.a'],
        ['error', 'files.b'],
        ['warning', 'files.c'],
      ],
    )
    assert.equal(findingsIn('files: {"a": [1]}').length, 1)
  })
})

describe('events', () => {
  test('false drops the event type', () => {
    assert.equal(mapUnder(`events: {${OPEN}: false}`, {}, OPEN).outcome, 'filtered')
  })

  test('name is the whole name, without prefix', () => {
    assert.equal(eventUnder(`prefix: x\nevents: {${OPEN}: {name: Opened}}`, {}, OPEN).event_type, 'Opened')
  })

  test('naming a type that is not sent sends it, with or without a name; a glob does not', () => {
    assert.equal(mapUnder('', {}, CANVAS_ABORT).outcome, 'not_exported')
    assert.equal(
      mapUnder('events: {"users.canvas.*": {properties: {set: {a: 1}}}}', {}, CANVAS_ABORT).outcome,
      'not_exported',
    )
    assert.equal(eventUnder(`events: {${CANVAS_ABORT}: }`, {}, CANVAS_ABORT).event_type, '[Appboy] Canvas Abort')
    assert.equal(eventUnder(`events: {${CANVAS_ABORT}: {name: Again}}`, {}, CANVAS_ABORT).event_type, 'Again')
    assert.equal(
      eventUnder('events: {users.UserOrphan: {}}', {}, 'users.UserOrphan').event_type,
      '[Appboy] User Orphan',
    )
  })

  test('the most specific entry wins key by key, whatever its place', () => {
    const text = `
events:
  ${OPEN}: {properties: {rename: {campaign_id: exact}}}
  users.messages.email.*: {name: Mail, properties: {rename: {campaign_id: glob, canvas_id: canvas}}}
  users.*: {name: User, properties: {set: {level: users}}}
defaults: {properties: {set: {level: defaults, source: s}}}`
    const event = eventUnder(text, { campaign_id: 'c', canvas_id: 'v' }, OPEN)
    assert.equal(event.event_type, 'Mail')
    assert.deepEqual(event.event_properties, { exact: 'c', canvas: 'v', level: 'users', source: 's' })
  })

  test('an entry of its own brings back what a glob drops', () => {
    const text = `events: {"users.messages.*": false, ${OPEN}: {}}`
    assert.equal(mapUnder(text, {}, OPEN).outcome, 'event')
    assert.equal(mapUnder(text, {}, 'users.messages.email.Click').outcome, 'filtered')
  })
})

describe('properties', () => {
  const under = (rules: string, record: object = {}, type = OPEN) =>
    eventUnder(`events: {${type}: {properties: {${rules}}}}`, record, type).event_properties

  test('only sends those listed', () => {
    assert.deepEqual(under('only: [campaign_id]', { campaign_id: 'c', canvas_id: 'v' }), { campaign_id: 'c' })
  })

  test('only holds back keys of the customer that it does not list', () => {
    assert.deepEqual(under('only: [platform, plan]', { ...custom, platform: 'ios', app_id: 'a' }, CUSTOM), {
      platform: 'ios',
      '[Custom event property] plan': 'pro',
    })
    assert.equal(Object.keys(under('only: ["[Custom event property] *"]', custom, CUSTOM)).length, 3)
  })

  test('only withholds properties that are no JSON, whole', () => {
    assert.deepEqual(under('only: [platform]', { name: 'n', properties: 'not json' }, CUSTOM), {})
  })

  test('add sends a field that the connector does not send, after the others', () => {
    assert.equal(
      JSON.stringify(under('add: [timezone]', { timezone: 'Europe/Paris', user_agent: 'x' })),
      '{"user_agent":"x","timezone":"Europe/Paris"}',
    )
    assert.deepEqual(under('add: [timezone]'), {})
  })

  test('add takes the internal id, also from a field in another case and out of a union', () => {
    assert.deepEqual(under('add: [user_id]', { USER_ID: { string: 'internal' } }), { user_id: 'internal' })
  })

  test('drop leaves out', () => {
    assert.deepEqual(under('drop: [campaign_id]', { campaign_id: 'c', canvas_id: 'v' }), { canvas_id: 'v' })
    assert.deepEqual(under('drop: [plan, "[Custom event property] note"]', custom, CUSTOM), {
      '[Custom event property] seats': 3,
    })
  })

  test('drop of ad_id keeps the advertising id from the top level too', () => {
    const record = { ad_id: 'x', ad_id_type: 'ios_idfa', name: 'n' }
    assert.equal(eventUnder('', record, CUSTOM).idfa, 'x')
    assert.equal(eventUnder('defaults: {properties: {drop: [ad_id]}}', record, CUSTOM).idfa, undefined)
    assert.equal(eventUnder('defaults: {properties: {sha256: [ad_id]}}', record, CUSTOM).idfa, undefined)
  })

  test('drop and protection hold for what enriched repeats at the top level', () => {
    const record = { platform: 'ios', os_version: '26' }
    const text = 'extends: enriched\ndefaults: {properties: {drop: [platform], redact: [os_version]}}'
    const event = eventUnder(text, record, 'users.behaviors.app.SessionStart')
    assert.deepEqual([event.platform, event.os_version], [undefined, undefined])
    assert.deepEqual(event.event_properties, { os_version: '[REDACTED]' })
  })

  test('rename gives another name, in the same place', () => {
    assert.equal(
      JSON.stringify(under('rename: {campaign_id: cid}', { campaign_id: 'c', canvas_id: 'v' })),
      '{"cid":"c","canvas_id":"v"}',
    )
    assert.deepEqual(under('rename: {plan: tier, seats: "[Custom event property] places"}', custom, CUSTOM), {
      tier: 'pro',
      '[Custom event property] places': 3,
      '[Custom event property] note': 'hi',
    })
  })

  test('of two of the customer’s properties under one name the last counts', () => {
    const record = { name: 'n', properties: '{"plan":"a","tier":"b","x":1}' }
    assert.deepEqual(under('rename: {plan: "[Custom event property] tier"}', record, CUSTOM), {
      '[Custom event property] tier': 'b',
      '[Custom event property] x': 1,
    })
    const twice = { name: 'n', properties: '{"plan":"a","x":1,"plan":"b"}' }
    assert.deepEqual(under('rename: {plan: tier}, sha256: [plan]', twice, CUSTOM), {
      '[Custom event property] x': 1,
      tier: sha256('b'),
    })
  })

  test('set gives a constant, in the place of what the record has', () => {
    assert.deepEqual(under('set: {source: backfill, n: 1.5, yes: true, list: [a, 1]}'), {
      source: 'backfill',
      n: 1.5,
      yes: true,
      list: ['a', 1],
    })
    assert.deepEqual(under('set: {campaign_id: fixed}', { campaign_id: 'c' }), { campaign_id: 'fixed' })
    const own = under('set: {"[Custom event property] plan": fixed, note: mine}', custom, CUSTOM)
    assert.deepEqual(own, {
      note: 'mine',
      '[Custom event property] plan': 'fixed',
      '[Custom event property] seats': 3,
      '[Custom event property] note': 'hi',
    })
  })

  test('redact gives what Braze gives', () => {
    assert.deepEqual(under('redact: [email_address]', { email_address: 'a@b.c' }), { email_address: '[REDACTED]' })
    assert.deepEqual(under('redact: [email_address]', { email_address: null }), {})
    assert.deepEqual(under('redact: [plan, seats]', custom, CUSTOM), {
      '[Custom event property] plan': '[REDACTED]',
      '[Custom event property] seats': '[REDACTED]',
      '[Custom event property] note': 'hi',
    })
  })

  for (const text of ['a@b.c', 'é "quoted" \\ \u{1F600}\n', '', 'x'.repeat(5000)]) {
    test(`sha256 of ${JSON.stringify(text.slice(0, 20))} is the plain hash of its UTF-8 text`, () => {
      assert.deepEqual(under('sha256: [email_address]', { email_address: text }), { email_address: sha256(text) })
      assert.deepEqual(under('sha256: [plan]', { name: 'n', properties: JSON.stringify({ plan: text }) }, CUSTOM), {
        '[Custom event property] plan': sha256(text),
      })
    })
  }

  test('sha256 of what is no text is the hash of its JSON, so that it does not go out as it is', () => {
    assert.deepEqual(under('sha256: [seats]', { name: 'n', properties: '{"seats":3}' }, CUSTOM), {
      '[Custom event property] seats': sha256('3'),
    })
    assert.deepEqual(under('sha256: [is_amp]', { is_amp: true }), { is_amp: sha256('true') })
  })

  test('hmac is keyed by the environment variable', () => {
    const expected = createHmac('sha256', 'a key').update('a@b.c').digest('hex')
    assert.deepEqual(under('hmac: {key_env: HMAC_KEY, properties: [email_address]}', { email_address: 'a@b.c' }), {
      email_address: expected,
    })
  })

  test('a protected property can have another name', () => {
    assert.deepEqual(under('sha256: [email_address], rename: {email_address: hash}', { email_address: 'a' }), {
      hash: sha256('a'),
    })
    assert.deepEqual(under('sha256: [plan], rename: {plan: hash}, only: [plan]', custom, CUSTOM), {
      hash: sha256('pro'),
    })
  })

  test('a product is protected at the top level, a price that is protected is left out there', () => {
    const text = 'defaults: {properties: {sha256: [product_id], redact: [price]}}'
    const event = eventUnder(text, { product_id: 'sku', price: 2 }, PURCHASE)
    assert.deepEqual([event.productId, event.price], [sha256('sku'), undefined])
  })

  test('defaults protect a property of every event, the customer’s own included', () => {
    const text = 'defaults: {properties: {redact: [email_address]}}'
    assert.equal(eventUnder(text, { email_address: 'a' }, OPEN).event_properties.email_address, '[REDACTED]')
    const own = eventUnder(text, { name: 'n', properties: '{"email_address":"a"}' }, CUSTOM).event_properties
    assert.deepEqual(own, { '[Custom event property] email_address': '[REDACTED]' })
    const raw = eventUnder(text, { name: 'n', properties: '{"email_address":"a"' }, CUSTOM).event_properties
    assert.deepEqual(raw, { '[Custom event property] _raw': '[REDACTED]' })
  })

  test('a more specific list of the only properties brings back what defaults drop', () => {
    const text = `defaults: {properties: {drop: [campaign_id]}}\nevents: {${OPEN}: {properties: {only: [campaign_id]}}}`
    assert.deepEqual(eventUnder(text, { campaign_id: 'c', canvas_id: 'v' }, OPEN).event_properties, {
      campaign_id: 'c',
    })
  })

  test('no protected value is ever in the event, whatever it holds', () => {
    const mapping = mappingOf(
      'defaults: {properties: {sha256: [email_address], redact: [user_agent, plan], drop: [note]}}',
    )
    const map = createChunkMapper(mapping)
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((inner) => `secret${inner}`)
    fc.assert(
      fc.property(text, fc.constantFrom(OPEN, CUSTOM, PURCHASE), (secret, type) => {
        const properties = JSON.stringify({ plan: secret, note: secret, email_address: secret })
        const record = {
          id: '1',
          external_user_id: 'u',
          time: 1767319200,
          name: 'n',
          email_address: secret,
          user_agent: secret,
          properties,
        }
        const [mapped] = outcomesOf(map(rawChunk([Buffer.from(JSON.stringify(record))], { fileType: type })))
        assert.equal(mapped?.outcome, 'event')
        assert.ok(!mapped?.line?.includes('secret'), mapped?.line ?? '')
        JSON.parse(mapped?.line ?? '')
      }),
    )
  })
})

describe('identity', () => {
  test('user_id takes the first source that has an id', () => {
    const text = 'identity: {user_id: [external_user_id, user_id]}'
    assert.equal(eventUnder(text, { user_id: 'internal' }, OPEN).user_id, 'u-1')
    assert.equal(eventUnder(text, { external_user_id: null, user_id: 'internal' }, OPEN).user_id, 'internal')
    const refused = mapUnder(text, { external_user_id: 'anonymous', user_id: 'internal' }, OPEN)
    assert.deepEqual([JSON.parse(refused.line ?? '').user_id, refused.warnings], ['internal', ['id_dropped']])
  })

  test('device_id may come from another field', () => {
    const text = 'identity: {device_id: [device_id, app_id]}'
    assert.equal(eventUnder(text, { app_id: 'app' }, 'users.behaviors.app.SessionStart').device_id, 'app')
  })

  test('min_id_length refuses shorter ids, counted in characters', () => {
    const text = 'identity: {min_id_length: 5}'
    assert.equal(mapUnder(text, { external_user_id: 'abcd' }, OPEN).outcome, 'invalid_identity')
    assert.equal(mapUnder(text, { external_user_id: 'éééé' }, OPEN).outcome, 'invalid_identity')
    assert.equal(mapUnder(text, { external_user_id: 'a"\\d' }, OPEN).outcome, 'invalid_identity')
    assert.equal(eventUnder(text, { external_user_id: 'abcde' }, OPEN).user_id, 'abcde')
    assert.equal(eventUnder(text, { external_user_id: 'a"cde' }, OPEN).user_id, 'a"cde')
    assert.equal(eventUnder(text, { external_user_id: 'ab', device_id: 'device' }, OPEN).user_id, undefined)
  })
})

describe('unknown_events', () => {
  const record = { fax_number: '+33', pages: 2, user: null, user_id: 'internal', device_id: 'd', tags: ['a'] }

  test('skip leaves them out', () => assert.equal(mapUnder('', record, FAX).outcome, 'unknown_event_type'))

  test('derive makes a name of the words, and a property of every field that is no identity or time', () => {
    const event = eventUnder('unknown_events: derive', record, FAX)
    assert.equal(event.event_type, '[Appboy] Fax Send Failure')
    assert.deepEqual([event.user_id, event.device_id, event.insert_id], ['u-1', 'd', 'e-1'])
    assert.deepEqual(event.event_properties, { fax_number: '+33', pages: 2, tags: ['a'] })
  })

  test('derive takes unions off, and fields of any case', () => {
    const event = eventUnder('unknown_events: derive', { FAX_NUMBER: { string: '+33' }, USER_ID: 'x' }, FAX)
    assert.deepEqual(event.event_properties, { FAX_NUMBER: '+33' })
  })

  test('derive knows fields in any spelling, and keeps the keys of the others', () => {
    const spelled = { externalUserId: 'x', external_user_id: undefined, 'Device ID': 'd', 'Fax Number': '+33' }
    const event = eventUnder('unknown_events: derive', spelled, FAX)
    assert.deepEqual([event.user_id, event.device_id], ['x', 'd'])
    assert.deepEqual(event.event_properties, { 'Fax Number': '+33' })
  })

  test('derive takes the Custom HTTP form apart', () => {
    const http = {
      external_user_id: undefined,
      user: { external_user_id: 'u', timezone: 'Z' },
      properties: { pages: 1 },
    }
    const event = eventUnder('unknown_events: derive', http, FAX)
    assert.equal(event.user_id, 'u')
    assert.deepEqual(event.event_properties, { timezone: 'Z', pages: 1 })
  })

  test('derive takes the Custom HTTP form apart, with containers of any case and without a user too', () => {
    const http = { event_type: FAX, external_user_id: undefined, PROPERTIES: { External_User_Id: 'u', pages: 1 } }
    for (const user of [{}, { USER: { timezone: 'Z' } }]) {
      const event = eventUnder('unknown_events: derive', { ...http, ...user }, FAX)
      assert.equal(event.user_id, 'u')
      assert.deepEqual(event.event_properties, { pages: 1, ...(user.USER ?? {}) })
    }
  })

  test('derived events follow the rules for all events and for globs', () => {
    const text = `unknown_events: derive
defaults: {properties: {redact: [fax_number]}}
events: {"users.messages.*": {properties: {drop: [pages], rename: {tags: labels}}}}`
    const event = eventUnder(text, record, FAX)
    assert.deepEqual(event.event_properties, { fax_number: '[REDACTED]', labels: ['a'] })
  })
})

describe('reserved names', () => {
  for (const name of ['[Amplitude] Start Session', '$identify', '$groupidentify', ' [amplitude] x']) {
    test(`a custom event ${JSON.stringify(name)} is rejected when the prefix lets it through`, () => {
      const mapped = mapUnder('custom_event_prefix: ""', { name }, CUSTOM)
      assert.equal(mapped.outcome, 'invalid_event')
      assert.match(mapped.detail ?? '', /keeps for itself/)
      assert.equal(mapUnder('', { name }, CUSTOM).outcome, 'event')
    })
  }

  test('a prefix that makes the name whole is seen too', () => {
    assert.equal(mapUnder('custom_event_prefix: "[Ampl"', { name: 'itude] x' }, CUSTOM).outcome, 'invalid_event')
    assert.equal(mapUnder('custom_event_prefix: "[Ampl"', { name: 'ifier] x' }, CUSTOM).outcome, 'event')
  })
})

describe('an empty mapping file', () => {
  for (const text of ['', '# nothing', '{}', 'events: {}', 'defaults: {}']) {
    test(`${JSON.stringify(text)} changes nothing`, () => {
      assert.deepEqual(findingsIn(text), [])
      assert.deepEqual(mapUnder(text, custom, CUSTOM), mapUnder('', custom, CUSTOM))
    })
  }
})
