import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { braze2amp, temporaryDirectory } from '../harness.ts'

const OPEN = 'users.messages.email.Open'
const RECORD = '{"id":"1","external_user_id":"u-1","time":1767319200,"campaign_id":"c","email_address":"a@b.c"}\n'

function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  return directory
}

const dryRun = (cwd: string, ...words: string[]) =>
  braze2amp(['replay', '-', '--dry-run', '--event-type', OPEN, ...words], { cwd, stdin: RECORD })

describe('braze2amp.yaml in the working directory', () => {
  const cwd = directoryWith({
    'braze2amp.yaml': `events: {${OPEN}: {name: Opened}}\n`,
    'other.json': '{"prefix":"[B] "}',
  })

  test('is picked up and announced on standard error', async () => {
    const { code, stdout, stderr } = await dryRun(cwd)
    assert.equal(code, 0)
    assert.equal(JSON.parse(stdout).event_type, 'Opened')
    assert.match(stderr, /^mapping: braze2amp\.yaml, found in the working directory/)
  })

  test('is not announced with --quiet, and not used with --no-mapping or another file', async () => {
    assert.equal((await dryRun(cwd, '--quiet')).stderr, '')
    assert.equal(JSON.parse((await dryRun(cwd, '--no-mapping')).stdout).event_type, '[Appboy] Email Open')
    const other = await dryRun(cwd, '--mapping', 'other.json')
    assert.equal(JSON.parse(other.stdout).event_type, '[B] Email Open')
    assert.doesNotMatch(other.stderr, /found in/)
  })
})

describe('--profile', () => {
  test('given on the command line beats the extends of the file', async () => {
    const cwd = directoryWith({ 'braze2amp.yaml': 'extends: enriched\n' })
    assert.match((await dryRun(cwd)).stdout, /skip_user_properties_sync/)
    assert.doesNotMatch((await dryRun(cwd, '--profile', 'braze')).stdout, /skip_user_properties_sync/)
  })
})

describe('a bad mapping file', () => {
  const cwd = directoryWith({
    'braze2amp.yaml': `nmaes: page\nevents:\n  ${OPEN}:\n    properties: {drop: [campain_id]}\n`,
    'warned.yaml': 'defaults: {properties: {add: [loyalty]}}\n',
  })

  test('makes replay exit 2 with every error, and nothing is mapped', async () => {
    const { code, stdout, stderr } = await dryRun(cwd)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /braze2amp\.yaml:1:1 nmaes: unknown key "nmaes"; did you mean names\?/)
    assert.match(stderr, /braze2amp\.yaml:4:25 events\..*did you mean campaign_id\?/)
  })

  test('makes mapping check exit 3, inspect and explain exit 2', async () => {
    const check = await braze2amp(['mapping', 'check'], { cwd })
    assert.equal(check.code, 3)
    assert.match(check.stdout, /2 errors, 0 warnings/)
    assert.equal((await braze2amp(['inspect', '.'], { cwd })).code, 2)
    assert.equal((await braze2amp(['explain', '.'], { cwd })).code, 2)
  })

  test('with warnings alone passes, unless warnings fail', async () => {
    assert.equal((await braze2amp(['mapping', 'check', 'warned.yaml'], { cwd })).code, 0)
    assert.equal((await braze2amp(['mapping', 'check', 'warned.yaml', '--fail-on', 'warning'], { cwd })).code, 3)
    const run = await dryRun(cwd, '--mapping', 'warned.yaml')
    assert.equal(run.code, 0)
    assert.match(run.stderr, /warned\.yaml:1:31 warning/)
  })

  test('that is not there exits 2', async () => {
    for (const words of [
      ['mapping', 'check', 'no.yaml'],
      ['validate', '--mapping', 'no.yaml'],
    ]) {
      const { code, stderr } = await braze2amp(words, { cwd })
      assert.equal(code, 2)
      assert.match(stderr, /cannot read the mapping file no\.yaml/)
    }
  })
})

describe('mapping init', () => {
  test('writes a starter that passes its check, and never overwrites', async () => {
    const cwd = temporaryDirectory()
    assert.equal((await braze2amp(['mapping', 'init'], { cwd })).code, 0)
    const written = readFileSync(join(cwd, 'braze2amp.yaml'), 'utf8')
    assert.equal((await braze2amp(['mapping', 'check'], { cwd })).code, 0)
    const again = await braze2amp(['mapping', 'init'], { cwd })
    assert.equal(again.code, 2)
    assert.match(again.stderr, /there already/)
    const shown = await braze2amp(['mapping', 'init', '-'], { cwd })
    assert.equal(shown.stdout, written)
    assert.ok(!existsSync(join(cwd, '-')))
  })
})

describe('mapping schema', () => {
  test('prints a JSON Schema', async () => {
    const { code, stdout } = await braze2amp(['mapping', 'schema'])
    assert.equal(code, 0)
    assert.match(JSON.parse(stdout).$schema, /json-schema\.org/)
  })
})

describe('unknown_events: fail', () => {
  const record = (type: string) => `{"event_type":"${type}","id":"1","external_user_id":"u","time":1767319200}\n`
  const cwd = directoryWith({
    'braze2amp.yaml': 'unknown_events: fail\n',
    'events.ndjson': record(OPEN) + record('users.messages.fax.Send'),
  })

  test('ends the run with exit 2 and says what was met where', async () => {
    for (const words of [
      ['replay', 'events.ndjson', '--dry-run'],
      ['inspect', 'events.ndjson'],
    ]) {
      const { code, stderr } = await braze2amp(words, { cwd })
      assert.equal(code, 2)
      assert.match(stderr, /events\.ndjson:2 is of type users\.messages\.fax\.Send, which the catalogue lacks/)
    }
  })
})

describe('explain', () => {
  test('names the rule and the line of the mapping file for each property', async () => {
    const text = `prefix: "[B] "
identity: {user_id: [user_id]}
defaults:
  properties:
    set: {source: replay}
    drop: [esp]
events:
  ${OPEN}:
    properties:
      rename: {campaign_id: cid}
      sha256: [email_address]
  users.messages.email.Click: false
`
    const cwd = directoryWith({ 'm.yaml': text })
    const record = {
      id: '1',
      user_id: 'i',
      time: 1767319200,
      campaign_id: 'c',
      email_address: 'a',
      esp: 'x',
      ip_pool: 'p',
    }
    const explain = (...words: string[]) =>
      braze2amp(['explain', '-', '--mapping', 'm.yaml', ...words], { cwd, stdin: JSON.stringify(record) })
    const { stdout } = await explain('--event-type', OPEN, '--json')
    const { properties, top_level, left_out } = JSON.parse(stdout)
    const rules = new Map([...top_level, ...properties].map(({ property, rule }) => [property, rule]))
    assert.equal(rules.get('event_type'), 'name of the event type (m.yaml:1 prefix)')
    assert.equal(rules.get('user_id'), 'the user (m.yaml:2 identity.user_id)')
    assert.equal(rules.get('source'), 'set (m.yaml:5 defaults.properties.set.source)')
    assert.equal(rules.get('cid'), `renamed (m.yaml:10 events.${OPEN}.properties.rename.campaign_id)`)
    assert.equal(rules.get('email_address'), `as its SHA-256 (m.yaml:11 events.${OPEN}.properties.sha256)`)
    assert.equal(rules.get('ip_pool'), 'as it is')
    assert.deepEqual(left_out, [{ field: 'esp', why: 'dropped (m.yaml:6 defaults.properties.drop)', value: 'x' }])
    const dropped = await explain('--event-type', 'users.messages.email.Click')
    assert.match(dropped.stdout, /skipped: filtered {2}dropped \(m\.yaml:12 events\.users\.messages\.email\.Click\)/)
  })

  test('names the conditions that leave a record out, and validate those that leave none out', async () => {
    const text = `defaults: {when: {esp: present}}
events:
  ${OPEN}:
    when: {machine_open: absent, ip_pool: [a, b]}
`
    const cwd = directoryWith({
      'm.yaml': text,
      [`${OPEN}.ndjson`]: `${RECORD.replace('}', ',"esp":"x","ip_pool":"c","machine_open":"true"}')}${RECORD.replace('"1"', '"2"').replace('}', ',"esp":"x","ip_pool":"a"}')}`,
    })
    const words = [`${OPEN}.ndjson`, '--mapping', 'm.yaml']
    const { stdout } = await braze2amp(['explain', ...words, '--id', '1'], { cwd })
    const place = (column: string) => `m.yaml:4 events.${OPEN}.when.${column}`
    assert.ok(
      stdout.includes(`skipped: filtered  does not meet (${place('machine_open')}; ${place('ip_pool')})`),
      stdout,
    )
    const validated = await braze2amp(['validate', ...words, '--output', 'json'], { cwd })
    const found = JSON.parse(validated.stdout).findings.map(({ cause, line, column }: Record<string, unknown>) => [
      cause,
      line,
      column,
    ])
    assert.deepEqual(found, [
      ['never_fired', 1, 19],
      ['dropped', 4, 34],
      ['dropped', 4, 12],
    ])
    const late = await braze2amp(['explain', ...words, '--id', '1', '--until', '2026-01-01'], { cwd })
    assert.match(late.stdout, /skipped: filtered {2}left out by --include/)
  })

  test('says of the customer’s own properties what was done to them', async () => {
    const type = 'users.behaviors.CustomEvent'
    const text = `custom_property_prefix: "c."\nevents: {${type}: {properties: {rename: {plan: tier}, redact: [plan]}}}`
    const cwd = directoryWith({ 'm.yaml': text })
    const record = {
      id: '1',
      external_user_id: 'u',
      time: 1767319200,
      name: 'n',
      properties: '{"plan":"pro","note":"hi"}',
    }
    const words = ['explain', '-', '--mapping', 'm.yaml', '--event-type', type, '--json']
    const { stdout } = await braze2amp(words, { cwd, stdin: JSON.stringify(record) })
    const [tier, note] = JSON.parse(stdout).properties
    assert.deepEqual([tier.property, tier.value], ['tier', '[REDACTED]'])
    assert.match(tier.rule, /^plan renamed, redacted \(m\.yaml:2 .*rename\.plan; m\.yaml:2 .*redact\)$/)
    assert.equal(note.rule, "the customer's own property (m.yaml:1 custom_property_prefix)")
  })
})
