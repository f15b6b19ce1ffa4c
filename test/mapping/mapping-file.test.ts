import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EVENTS } from '../../src/currents/events.ts'
import { mappingHash } from '../../src/mapping/mapping-hash.ts'
import { keysAt, mappingJsonSchema } from '../../src/mapping/mapping-schema.ts'
import { STARTER } from '../../src/mapping/starter-mapping.ts'
import { findingsIn, mappingOf } from './harness.ts'

const OPEN = 'users.messages.email.Open'

const TEN_MISTAKES = `extends: brase
names: pages
prefix: "[Amplitude] "
identity:
  min_id_length: none
defaults:
  properties:
    redact: [email_adress]
events:
  users.messages.email.Opn: false
  users.messages.email.Open:
    nmae: Opened
    properties:
      drop: [campain_id]
      only: campaign_id
      rename: {canvas_id: dispatch_id}
  users.messages.email.Send:
    properties:
      redact: [email_address]
      sha256: [email_address]
`

describe('a mapping file with ten mistakes', () => {
  const findings = findingsIn(TEN_MISTAKES)

  for (const [line, column, message] of [
    [1, 10, /did you mean braze\?; found the text "brase"/],
    [2, 8, /must be one of reference, page; did you mean page\?/],
    [3, 9, /Amplitude keeps for itself/],
    [5, 18, /must be a number; found the text "none"/],
    [8, 14, /"email_adress"; did you mean email_address\?/],
    [10, 3, /"users\.messages\.email\.Opn"; did you mean users\.messages\.email\.Open\?/],
    [12, 5, /unknown key "nmae"; did you mean name\?; allowed: name, when, properties/],
    [14, 14, /"campain_id"; did you mean campaign_id\?/],
    [15, 13, /only must be a list; found the text "campaign_id"/],
    [16, 16, /two properties would have the name "dispatch_id"/],
    [20, 16, /"email_address" is in redact and in sha256/],
  ] as const) {
    test(`reports line ${line}, column ${column}`, () => {
      const there = findings.filter((finding) => finding.line === line && finding.column === column)
      assert.ok(
        there.some((finding) => message.test(finding.message)),
        JSON.stringify(findings, null, 1),
      )
    })
  }

  test('reports each once, in the order of the file', () => {
    assert.equal(findings.length, 11)
    assert.deepEqual(
      findings.map(({ line }) => line),
      findings.map(({ line }) => line).toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    )
    assert.ok(findings.every(({ severity, file }) => severity === 'error' && file === 'm.yaml'))
  })
})

describe('a mistake is found', () => {
  for (const [text, message] of [
    ['[]', /must be a mapping of keys to values; found an empty list/],
    ['just text', /must be a mapping/],
    ['a: [', /not valid YAML/],
    ['names: page\nnames: page', /not valid YAML: Map keys must be unique/],
    ['{"names": "page", "nmaes": 1}', /unknown key "nmaes"; did you mean names\?/],
    ['extends: null', /extends must be one of/],
    ['prefix: 5', /prefix must be a text; found 5/],
    ['custom_event_prefix: $identify', /keeps for itself/],
    ['custom_property_prefix: [x]', /must be a text; found a list/],
    ['purchase_property_prefix: {}', /must be a text; found a mapping/],
    ['unknown_events: derived', /must be one of skip, derive, fail; did you mean derive\?/],
    ['identity: {min_id_length: 0}', /must be 1 or more; found 0/],
    ['identity: {min_id_length: 1.5}', /min_id_length must be a whole number|min_id_length/],
    ['identity: {user_id: []}', /user_id must not be empty/],
    ['identity: {usr_id: [x]}', /did you mean user_id\?/],
    ['identity: {device_id: [devise_id]}', /did you mean device_id\?/],
    ['defaults: {name: x}', /unknown key "name"; allowed: when, properties/],
    ['defaults: {properties: []}', /must be a mapping/],
    [`events: {${OPEN}: true}`, /must be false \(drop the event\) or hold name, when, properties; found true/],
    [`events: {${OPEN}: {name: ""}}`, /name must not be empty/],
    [`events: {${OPEN}: {name: "[Amplitude] Revenue"}}`, /keeps for itself/],
    [
      'events: {"users.mesages.*": false}',
      /no event type matches "users.mesages.\*"; did you mean users\.messages\.\*\?/,
    ],
    ['events: {"*.Opened": false}', /did you mean \*\.Open/],
    [`events: {${OPEN}: {properties: {drop: [is_amq]}}}`, /did you mean is_amp\?/],
    [`events: {${OPEN}: {properties: {drop: [timezone]}}}`, /not sent: add it first/],
    [`events: {${OPEN}: {properties: {redact: [external_user_id]}}}`, /is identity or time/],
    [`events: {${OPEN}: {properties: {add: [timezon]}}}`, /did you mean timezone\?/],
    [`events: {${OPEN}: {properties: {add: [properties]}}}`, /holds other fields/],
    [`events: {${OPEN}: {properties: {add: [esp], drop: [esp]}}}`, /is added and dropped; keep one|added and dropped/],
    [`events: {${OPEN}: {properties: {drop: [esp], rename: {esp: e}}}}`, /dropped, so it cannot be renamed/],
    [`events: {${OPEN}: {properties: {set: {esp: 1}, redact: [esp]}}}`, /constant, which is not protected/],
    [`events: {${OPEN}: {properties: {set: {esp: {deep: 1}}}}}`, /must be a text, a number, true or false, or a list/],
    [`events: {${OPEN}: {properties: {rename: {esp: 1}}}}`, /esp must be a text; found 1/],
    [`events: {${OPEN}: {properties: {only: [esp, 5]}}}`, /must be a text; found 5/],
    [`events: {${OPEN}: {properties: {rename: {esp: x}, set: {x: 1}}}}`, /two properties would have the name "x"/],
    ['defaults: {properties: {hmac: {key_env: NOT_THERE, properties: [esp]}}}', /variable NOT_THERE.* is not set/],
    [
      'defaults: {properties: {hmac: {key_env: "1 x", properties: [esp]}}}',
      /must be the name of an environment variable/,
    ],
    ['defaults: {properties: {hmac: {properties: [esp]}}}', /key_env is missing/],
    ['events: {"": false}', /a key must not be empty/],
    ['defaults: {properties: {rename: {"": x}}}', /a key must not be empty/],
    [
      'events: {users.behaviors.Purchase: {properties: {rename: {product_id: sku}}}}',
      /"product_id" goes to the top level: it can be dropped and protected, not listed or renamed/,
    ],
    [
      'events: {users.behaviors.Purchase: {properties: {drop: [curency]}}}',
      /did you mean currency\? \(a key of your own is written with its prefix: "\[Purchase property\] curency"\)/,
    ],
    ['defaults: {properties: {sha256: [email_adress]}}', /written with its prefix/],
  ] as const) {
    test(text, () => {
      const findings = findingsIn(text).filter(({ severity }) => severity === 'error')
      assert.ok(
        findings.some((finding) => message.test(finding.message)),
        JSON.stringify(findings),
      )
      assert.ok(findings.every(({ line, column }) => (line ?? 0) >= 1 && (column ?? 0) >= 1))
    })
  }
})

describe('what YAML has beside mappings, lists and single values is refused, with its line', () => {
  for (const [text, line, message] of [
    [`!!omap\n- events: {${OPEN}: false}`, 1, /the tag !!omap/],
    [`prefix: x\nevents: !!omap\n- ${OPEN}: false`, 2, /the tag !!omap .*write it without a tag/],
    [`prefix: x\nevents: !!set {${OPEN}}`, 2, /the tag !!set/],
    [`!!set {events}`, 1, /the tag !!set/],
    [`events: {${OPEN}: {properties: !!pairs [drop: [esp]]}}`, 1, /the tag !!pairs/],
    ['prefix: !!binary aGk=', 1, /the tag !!binary/],
    [`events:\n  ${OPEN}: !drop {}`, 2, /the tag !drop/],
    [`!<tag:yaml.org,2002:omap> [prefix: x]`, 1, /the tag !!omap/],
    [`prefix: x\nevents: !!map [${OPEN}]`, 2, /the tag !!map/],
    [`%YAML 1.1\n---\nevents: {${OPEN}: no}`, 1, /YAML 1.2/],
    [`defaults: &all {properties: {drop: [esp]}}\nevents: {${OPEN}: {<<: *all}}`, 2, /unknown key "<<"/],
    ['prefix: x\n---\nprefix: y', 2, /several documents/],
    ['prefix: x\n...\nprefix: y', 3, /several documents/],
    ['defaults: {properties: {set: {? [a, b] : 1}}}', 1, /a key must be a text/],
    ['defaults: {properties: {set: {&a x: 1, *a : 2}}}', 1, /a key must be a text/],
    ['prefix: x\nprefix: y', 2, /keys must be unique/],
    ['- prefix: x', 1, /must be a mapping of keys to values/],
  ] as const) {
    test(text, () => {
      const errors = findingsIn(text).filter(({ severity }) => severity === 'error')
      assert.ok(
        errors.some((error) => error.line === line && message.test(error.message)),
        JSON.stringify(errors),
      )
    })
  }

  test('a plain tag says no more than what is there', () => {
    assert.deepEqual(findingsIn(`!!map\nevents: !!map\n  ${OPEN}: {name: !!str Opened}`), [])
  })
})

describe('what is no mistake', () => {
  for (const text of [
    // A property named under a glob need exist in one matching type only.
    'events: {"users.messages.*": {properties: {drop: [machine_open]}}}',
    'events: {users.behaviors.CustomEvent: {properties: {drop: [anything, "[Custom event property] emial_address"]}}}',
    'defaults: {properties: {redact: [vat_number], rename: {plan: tier}}}',
    `defaults: {properties: {add: [timezone]}}\nevents: {${OPEN}: {properties: {sha256: [timezone]}}}`,
    'extends: documented\nevents: {users.behaviors.CustomEvent: {properties: {add: [ad_id], redact: [ad_id]}}}',
    'defaults: {properties: {hmac: {key_env: HMAC_KEY, properties: [email_address]}}}',
    '{"prefix": "[Braze] ", "events": {"users.messages.email.Open": false}}',
    'a: &names {drop: [esp]}\n'.replace('a:', 'defaults:').replace('{drop', '{properties: {drop').replace(']}', ']}}'),
  ]) {
    test(text, () => assert.deepEqual(findingsIn(text), []))
  }

  for (const [text, message] of [
    [`events: {${OPEN}: {properties: {add: [loyalty_tier]}}}`, /no export of Braze has the field/],
    [`events: {${OPEN}: {properties: {add: [esp]}}}`, /sent already/],
    ['identity: {user_id: [customer_key]}', /no export of Braze has the field/],
    ['events: {users.behaviors.CustomEvent: {name: Custom}}', /every custom event gets the one name/],
    ['unknown_events: derive\nevents: {users.messages.fax.Send: {name: Fax}}', /no such event type/],
    ['defaults: {properties: {drop: [esp], redact: [esp]}}', /needs no protection/],
  ] as const) {
    test(`${text} is a warning`, () => {
      const findings = findingsIn(text)
      assert.deepEqual(
        findings.map(({ severity }) => severity),
        ['warning'],
      )
      assert.match(findings[0]?.message ?? '', message)
    })
  }

  test('an alias is what it stands for', () => {
    const text = `defaults: {properties: &rules {drop: [esp]}}\nevents: {${OPEN}: {properties: *rules}}`
    assert.deepEqual(findingsIn(text), [])
  })
})

describe('any text', () => {
  test('is read without an exception, and every finding has its place', () => {
    const word = fc.constantFrom(
      'events',
      'defaults',
      'properties',
      'identity',
      'name',
      'drop',
      'rename',
      'hmac',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '"',
      "'",
      OPEN,
      '*',
      '__proto__',
      'null',
      '1',
      '#',
      '|',
      '!!x',
      '? ',
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 25 }), (words) => {
        for (const { line, column, message } of findingsIn(words.join(''))) {
          assert.ok((line ?? 0) >= 1 && (column ?? 0) >= 1 && message !== '')
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the hash of a mapping', () => {
  const hash = (text: string) => mappingHash(mappingOf(text))

  test('does not depend on comments, order or the form of the file', () => {
    const one = `# a\nprefix: "[B] "\nevents: {${OPEN}: {name: x}, users.messages.email.Send: false}`
    const other = `{"events": {"users.messages.email.Send": false, "${OPEN}": {"name": "x"}}, "prefix": "[B] "}`
    assert.equal(hash(one), hash(other))
    assert.equal(hash(''), hash('extends: braze'))
    assert.equal(
      hash('defaults: {properties: {drop: [esp, is_amp]}}'),
      hash('defaults: {properties: {drop: [is_amp, esp]}}'),
    )
  })

  test('differs for every effect', () => {
    const texts = [
      '',
      'extends: enriched',
      'prefix: x',
      'custom_event_prefix: x',
      'custom_property_prefix: x',
      'purchase_property_prefix: x',
      'names: page',
      'unknown_events: derive',
      'unknown_events: fail',
      'unknown_events: derive\nevents: {"users.messages.email*": {properties: {drop: [esp]}}}',
      'unknown_events: derive\nevents: {"users.messages.email.*": {properties: {drop: [esp]}}}',
      'files: {"a*": users.messages.email.Open}',
      'files: {"a*": users.messages.email.Click}',
      'identity: {min_id_length: 5}',
      'identity: {user_id: [user_id]}',
      `events: {${OPEN}: false}`,
      `events: {${OPEN}: {name: x}}`,
      ...[
        'only: [esp]',
        'add: [timezone]',
        'drop: [esp]',
        'rename: {esp: x}',
        'set: {esp: x}',
        'redact: [esp]',
        'sha256: [esp]',
      ].map((rule) => `events: {${OPEN}: {properties: {${rule}}}}`),
      `events: {${OPEN}: {properties: {hmac: {key_env: HMAC_KEY, properties: [esp]}}}}`,
      ...['only: [plan]', 'drop: [plan]', 'rename: {plan: x}', 'redact: [plan]', 'sha256: [plan]'].map(
        (rule) => `events: {users.behaviors.CustomEvent: {properties: {${rule}}}}`,
      ),
    ]
    assert.equal(new Set(texts.map(hash)).size, texts.length)
  })
})

describe('the JSON Schema', () => {
  const schema = JSON.parse(JSON.stringify(mappingJsonSchema()))

  test('knows every key and every event type', () => {
    assert.deepEqual(Object.keys(schema.properties).toSorted(), keysAt([]).toSorted())
    assert.deepEqual(
      Object.keys(schema.properties.events.properties),
      EVENTS.map((row) => row.type),
    )
  })
})

describe('the starter', () => {
  test('has every key, and is right as it stands and with everything taken in', () => {
    assert.deepEqual(findingsIn(STARTER), [])
    const all = STARTER.replace(/^#(?=[a-z]| {2})/gm, '').replace('BRAZE2AMP_HMAC_KEY', 'HMAC_KEY')
    assert.deepEqual(findingsIn(all), [])
    for (const path of [[], ['identity'], ['defaults'], ['events', 'x'], ['defaults', 'properties'], ['hmac']]) {
      for (const key of keysAt(path)) assert.match(all, new RegExp(`\\b${key}:`), key)
    }
  })
})
