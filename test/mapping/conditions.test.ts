import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { mappingHash, rulesHash } from '../../src/mapping/mapping-hash.ts'
import { outcomesOf, rawChunk } from '../harness.ts'
import { findingsIn, mappingOf, mapUnder } from './harness.ts'

const OPEN = 'users.messages.email.Open'
const CLICK = 'users.messages.email.Click'
const PURCHASE = 'users.behaviors.Purchase'
const CUSTOM = 'users.behaviors.CustomEvent'
const FAX = 'users.messages.fax.Send'

/** What becomes of a record of `type` under one condition. */
function under(condition: string, record: object, type = OPEN): string {
  const text = `events: {${type}: {when: {${condition}}}}`
  const full = JSON.stringify({ id: 'e', external_user_id: 'u', time: 1767319200, name: 'n', ...record })
  const chunk = rawChunk([Buffer.from(full)], { fileType: type })
  const [mapped] = outcomesOf(createChunkMapper(mappingOf(text))(chunk))
  return mapped?.outcome ?? ''
}

describe('a record meets a condition', () => {
  for (const [condition, record, type] of [
    ['machine_open: absent', {}],
    ['machine_open: absent', { machine_open: null }],
    ['machine_open: absent', { machine_open: '' }],
    ['machine_open: absent', { machine_open: { string: '' } }],
    ['machine_open: present', { machine_open: 'true' }],
    ['machine_open: present', { machine_open: { string: 'true' } }],
    ['machine_open: true', { machine_open: 'true' }],
    ['machine_open: true', { machine_open: true }],
    ['machine_open: "true"', { machine_open: 'true' }],
    ['is_amp: false', { is_amp: false }, CLICK],
    ['is_amp: "false"', { is_amp: false }, CLICK],
    ['workspace: cafe', { workspace: 'cafe' }],
    ['workspace: cafe', { WORKSPACE: 'cafe' }],
    ['Workspace: cafe', { workspace: 'cafe' }],
    ['workspace: café "x"', { workspace: 'café "x"' }],
    ['workspace: [bar, cafe]', { workspace: 'cafe' }],
    ['workspace: [absent]', { workspace: 'absent' }],
    ['workspace: 5', { workspace: 5 }],
    ['workspace: 5', { workspace: '5' }],
    ['workspace: 5', { workspace: '5.0' }],
    ['workspace: "5"', { workspace: 5 }],
    ['workspace: [1, b, true]', { workspace: 'b' }],
    ['workspace: [1, b, true]', { workspace: 'TRUE' }],
    ['workspace: "12345678901234567890"', { workspace: '12345678901234567890' }],
    ['price: 19.99', { price: 19.989999771118164 }, PURCHASE],
    ['price: [0, 20]', { price: 20 }, PURCHASE],
    ['external_user_id: u', {}],
    ['user_id: absent', {}],
    ['name: [signed_up, n]', {}, CUSTOM],
    ['machine_open: absent, workspace: cafe', { workspace: 'cafe' }],
    ['suspected_bot_click_reason: present', { suspected_bot_click_reason: ['x'] }, CLICK],
  ] as const) {
    test(`${condition}: ${JSON.stringify(record)}`, () => assert.equal(under(condition, record, type), 'event'))
  }
})

describe('a record that does not meet a condition is filtered', () => {
  for (const [condition, record, type] of [
    ['machine_open: absent', { machine_open: 'true' }],
    ['machine_open: present', {}],
    ['machine_open: present', { machine_open: '' }],
    ['machine_open: false', {}],
    ['is_amp: false', { is_amp: true }, CLICK],
    ['is_amp: false', { is_amp: null }, CLICK],
    ['workspace: cafe', {}],
    ['workspace: cafe', { workspace: 'Cafe' }],
    ['workspace: cafe', { workspace: 'cafe ' }],
    ['workspace: cafe', { workspace: ['cafe'] }],
    ['workspace: cafe', { properties: '{"workspace":"cafe"}' }, CUSTOM],
    ['workspace: [absent]', {}],
    ['workspace: 5', { workspace: '05x' }],
    ['workspace: "5"', { workspace: '5.0' }],
    ['price: 19.98', { price: 19.989999771118164 }, PURCHASE],
    ['machine_open: absent, workspace: cafe', { workspace: 'bar' }],
    ['machine_open: absent, workspace: cafe', { workspace: 'cafe', machine_open: 'true' }],
  ] as const) {
    test(`${condition}: ${JSON.stringify(record)}`, () => assert.equal(under(condition, record, type), 'filtered'))
  }
})

test('text is typed as the event would have it, as CSV has it', () => {
  assert.equal(under('is_amp: true', { is_amp: 'T' }, CLICK), 'event')
  assert.equal(under('is_amp: true', { is_amp: '0' }, CLICK), 'filtered')
  assert.equal(under('price: 19.9', { price: '19.90' }, PURCHASE), 'event')
  assert.equal(under('price: 19.9', { price: '19.91' }, PURCHASE), 'filtered')
  assert.equal(under('workspace: 1.5', { workspace: '1.50' }, OPEN), 'event')
})

test('fields of the Custom HTTP form and of a Snowflake share are the flat ones', () => {
  const http = { event_type: OPEN, user: { external_user_id: 'u' }, properties: { workspace: 'cafe' } }
  assert.equal(under('workspace: cafe', { ...http, external_user_id: undefined }), 'event')
  const share = { sf_created_at: 1, campaign_id: 'internal', campaign_api_id: 'c' }
  assert.equal(under('campaign_id: c', share), 'event')
  assert.equal(under('campaign_id: internal', share), 'filtered')
  const card = 'users.messages.contentcard.Click'
  assert.equal(under('card_id: c', { content_card_id: 'c' }, card), 'event')
})

test('entries are laid over one another field by field, the most specific last', () => {
  const text = `
defaults: {when: {workspace: cafe, country: DE}}
events:
  ${OPEN}: {when: {machine_open: absent}}
  "users.messages.email.*": {when: {country: [DE, AT]}}`
  const becomes = (record: object, type = OPEN) => mapUnder(text, record, type).outcome
  assert.equal(becomes({ workspace: 'cafe', country: 'AT' }), 'event')
  assert.equal(becomes({ workspace: 'cafe', country: 'CH' }), 'filtered')
  assert.equal(becomes({ workspace: 'bar', country: 'AT' }), 'filtered')
  assert.equal(becomes({ workspace: 'cafe', country: 'AT', machine_open: 'true' }), 'filtered')
  assert.equal(becomes({ workspace: 'cafe', country: 'AT', machine_open: 'true' }, CLICK), 'event')
  assert.equal(becomes({ workspace: 'cafe', country: 'AT' }, PURCHASE), 'filtered')
})

test('a condition holds for types that the catalogue lacks, and stands before name and identity, behind time and type', () => {
  const derive = `unknown_events: derive\ndefaults: {when: {workspace: cafe}}`
  assert.equal(mapUnder(derive, { workspace: 'cafe' }, FAX).outcome, 'event')
  assert.equal(mapUnder(derive, { workspace: 'bar' }, FAX).outcome, 'filtered')
  const text = 'defaults: {when: {workspace: cafe}}'
  assert.equal(mapUnder(text, {}, FAX).outcome, 'unknown_event_type')
  assert.equal(mapUnder(text, {}, 'users.canvas.Abort').outcome, 'not_exported')
  assert.equal(mapUnder(text, { time: 'soon' }, OPEN).outcome, 'malformed')
  assert.equal(mapUnder(text, { external_user_id: null }, OPEN).outcome, 'filtered')
  assert.equal(mapUnder(text, {}, CUSTOM).outcome, 'filtered')
})

describe('a mistake in a condition is found', () => {
  for (const [condition, severity, message] of [
    ['machine_opn: absent', 'error', /did you mean machine_open\?/],
    ['workspace: cafe', 'warning', /no export of Braze has the field "workspace"/],
    ['machine_open: Absent', 'error', /write absent, or for the text itself a list: \[Absent\]/],
    ['machine_open: ', 'error', /must be present, absent, a text, a number, true or false, or a list.*found nothing/],
    ['machine_open: {is: absent}', 'error', /must be present, absent.*found a mapping/],
    ['machine_open: []', 'error', /must not be empty|must be present, absent/],
    ['machine_open: [true, [x]]', 'error', /must be .*found a list/],
    ['machine_open: ""', 'error', /write absent/],
    ['is_amp: maybe', 'error', /is true or false, never "maybe"/],
    ['price: cheap', 'error', /is a number, never "cheap"/],
    ['media_urls: x', 'error', /is a list: only present and absent/],
    ['esp: 12345678901234567890', 'error', /write it in quotes/],
    ['time: 5', 'error', /--since and --until/],
    ['properties: present', 'error', /holds other fields/],
    ['esp: a, ESP: b', 'error', /two conditions on "esp"/],
    ['', 'error', /when: it must not be empty/],
  ] as const) {
    test(condition, () => {
      const found = findingsIn(`defaults:\n  when: {${condition}}`)
      assert.ok(
        found.some((one) => one.severity === severity && message.test(one.message) && (one.line ?? 0) === 2),
        JSON.stringify(found),
      )
    })
  }

  test('and none where there is none', () => {
    const alias = `defaults: {properties: {set: {a: &amp x}}}\nevents: {${OPEN}: {when: {esp: [*amp, y]}}}`
    assert.deepEqual(findingsIn(alias), [])
    assert.equal(mapUnder(alias, { esp: 'x' }, OPEN).outcome, 'event')
    assert.deepEqual(findingsIn(`events: {${OPEN}: {when: {machine_open: absent, user_id: present, id: [1, a]}}}`), [])
    const own = findingsIn(`events: {${CUSTOM}: {when: {plan: pro}}}`)
    assert.match(own[0]?.message ?? '', /not on the customer's own properties/)
  })
})

test('the hashes of a mapping know its conditions, whatever their order', () => {
  const of = (when: string) => mappingOf(`events: {${OPEN}: {when: {${when}}}}`)
  for (const hash of [mappingHash, rulesHash]) {
    assert.equal(hash(of('esp: [a, b], ip_pool: x')), hash(of('ip_pool: [x], esp: [b, a, b]')))
    const texts = ['esp: a', 'esp: b', 'esp: [a, b]', 'esp: absent', 'esp: present', 'esp: [absent]', 'ip_pool: a']
    assert.equal(new Set([...texts.map(of), mappingOf(`events: {${OPEN}: {}}`)].map(hash)).size, texts.length + 1)
  }
})
