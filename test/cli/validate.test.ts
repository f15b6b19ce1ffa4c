import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { braze2amp, temporaryDirectory } from '../harness.ts'

const OPEN = 'users.messages.email.Open'
const CUSTOM = 'users.behaviors.CustomEvent'

function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory()
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  return directory
}

const record = (fields: object) =>
  `${JSON.stringify({ id: '1', external_user_id: 'u', time: 1767319200, ...fields })}\n`

interface Found {
  readonly severity: string
  readonly cause: string
  readonly message: string
  readonly count: number
  readonly file: string | null
  readonly line: number | null
}

async function findingsOf(cwd: string, ...words: string[]) {
  const { code, stdout, stderr } = await braze2amp(['validate', ...words, '--output', 'json'], { cwd })
  assert.notEqual(stdout, '', stderr)
  const report: { findings: Found[]; read: number | null; errors: number; warnings: number } = JSON.parse(stdout)
  return { code, ...report }
}

describe('validate', () => {
  test('with nothing to do exits 2', async () => {
    const { code, stderr } = await braze2amp(['validate'], { cwd: temporaryDirectory() })
    assert.equal(code, 2)
    assert.match(stderr, /nothing to validate/)
    assert.equal((await braze2amp(['validate', '.', '--update'])).code, 2)
  })

  test('without paths checks the mapping file alone', async () => {
    const cwd = directoryWith({ 'braze2amp.yaml': 'names: page\n', 'bad.yaml': 'names: pages\n' })
    const good = await findingsOf(cwd)
    assert.deepEqual([good.code, good.findings, good.read], [0, [], null])
    const bad = await findingsOf(cwd, '--mapping', 'bad.yaml')
    assert.equal(bad.code, 3)
    assert.deepEqual([bad.findings[0]?.file, bad.findings[0]?.line], ['bad.yaml', 1])
  })

  test('does not look at records through a mapping that is wrong', async () => {
    const cwd = directoryWith({ 'braze2amp.yaml': 'names: pages\n', [`${OPEN}.ndjson`]: '{broken\n' })
    const { code, findings, read } = await findingsOf(cwd, `${OPEN}.ndjson`)
    assert.deepEqual([code, findings.map(({ cause }) => cause), read], [3, ['mapping'], null])
  })

  test('groups what is wrong with records by cause, with counts and the first place', async () => {
    const lines = [
      record({}),
      record({ id: '2', time: 'soon' }),
      record({ id: '3', time: 'later' }),
      '{"id":\n',
      record({ id: '5', is_amp: 'perhaps' }),
      record({ id: '6', time: 1262304000 }),
      record({ id: '7', campaign_name: 'x'.repeat(1025) }),
      record({ id: '8', external_user_id: null }),
      record({ id: '9', event_type: 'users.messages.fax.Send' }),
      record({}),
    ]
    const cwd = directoryWith({ [`${OPEN}.ndjson`]: lines.join('') })
    const { code, findings, read, errors, warnings } = await findingsOf(cwd, `${OPEN}.ndjson`)
    assert.equal(code, 3)
    assert.deepEqual([read, errors], [10, 3])
    const found = findings.map(({ severity, cause, count, line }) => [severity, cause, count, line])
    assert.deepEqual(found, [
      ['error', 'malformed', 2, 2],
      ['error', 'malformed', 1, 4],
      ['warning', 'ancient_time', 1, 6],
      ['warning', 'event_type_mismatch', 1, 9],
      ['warning', 'field_type', 1, 5],
      ['warning', 'long_string', 1, 7],
      ['warning', 'unknown_event_type', 1, 9],
      ['note', 'duplicate', 1, 10],
      ['note', 'no_identity', 1, 8],
    ])
    assert.equal(warnings, 5)
  })

  test('fails for warnings when asked to', async () => {
    const cwd = directoryWith({ [`${OPEN}.ndjson`]: record({ time: 1262304000 }) })
    assert.equal((await findingsOf(cwd, '.')).code, 0)
    assert.equal((await findingsOf(cwd, '.', '--fail-on', 'warning')).code, 3)
  })

  test('reports a file that cannot be read, and exits 2 when none could', async () => {
    const cwd = directoryWith({ 'no-type.ndjson': record({}), 'more/users.messages.email.Open.ndjson': record({}) })
    const all = await findingsOf(cwd, '.')
    assert.deepEqual([all.code, all.findings[0]?.cause, all.findings[0]?.file], [3, 'refused', 'no-type.ndjson'])
    assert.equal((await findingsOf(cwd, 'no-type.ndjson')).code, 2)
  })

  test('says which entries and rules of the mapping file never did anything, and what it drops', async () => {
    const cwd = directoryWith({
      'braze2amp.yaml': `defaults:
  properties: {drop: [esp, ip_pool], set: {a: 1}}
events:
  ${OPEN}: {name: Opened}
  users.messages.email.Click: {name: Clicked}
  ${CUSTOM}: {properties: {redact: [plan, email], rename: {"[Custom event property] note": n}}}
  users.messages.email.Send: false
`,
      [`in/${OPEN}.ndjson`]: record({ esp: 'x', ip_pool: null }),
      [`in/${CUSTOM}.ndjson`]: record({ name: 'n', properties: '{"plan":"pro","note":1}' }),
      'in/users.messages.email.Send.ndjson': record({}),
    })
    const { code, findings } = await findingsOf(cwd, 'in')
    assert.equal(code, 0)
    const found = findings.map(({ severity, cause, line, file }) => [severity, cause, file, line])
    assert.deepEqual(found, [
      ['warning', 'never_fired', 'braze2amp.yaml', 2],
      ['warning', 'never_fired', 'braze2amp.yaml', 6],
      ['warning', 'never_matched', 'braze2amp.yaml', 5],
      ['note', 'dropped', 'braze2amp.yaml', 7],
    ])
  })

  describe('finds what a rule names', () => {
    const rules = `events:
  ${OPEN}: {properties: {drop: [esp]}}
  ${CUSTOM}: {properties: {redact: [plan]}}
`
    const user = { user: { external_user_id: 'u' } }
    const shapes: Readonly<Record<string, readonly [string, string]>> = {
      'in containers of any case': [
        record({ event_type: OPEN, external_user_id: null, USER: { external_user_id: 'u' }, PROPERTIES: { ESP: 'x' } }),
        record({ event_type: CUSTOM, NAME: 'n', CUSTOM_PROPERTIES: { plan: 'pro' } }),
      ],
      'in properties without a user': [
        `{"event_type":"${OPEN}","id":"1","time":1767319200,"properties":{"external_user_id":"u","esp":"x"}}\n`,
        record({ event_type: CUSTOM, name: 'n', PROPERTIES: '{"plan":"pro"}' }),
      ],
      'behind a union wrapper': [
        record({ event_type: OPEN, esp: { string: 'x' } }),
        record({ event_type: CUSTOM, name: 'n', properties: { string: '{"plan":"pro"}' } }),
      ],
      'in nested purchase or custom properties': [
        record({ event_type: OPEN, ...user, properties: { esp: 'x' } }),
        record({ event_type: CUSTOM, ...user, properties: { name: 'n', custom_properties: { plan: 'pro' } } }),
      ],
    }
    for (const [where, records] of Object.entries(shapes)) {
      test(where, async () => {
        const cwd = directoryWith({ 'braze2amp.yaml': rules, 'in.ndjson': records.join('') })
        assert.deepEqual((await findingsOf(cwd, 'in.ndjson')).findings, [])
      })
    }

    test('but not what the mapper passes over', async () => {
      const records = [
        record({ event_type: OPEN, properties: { esp: 'x' } }),
        record({ event_type: CUSTOM, name: 'n', properties: { Plan: 'pro' } }),
      ]
      const cwd = directoryWith({ 'braze2amp.yaml': rules, 'in.ndjson': records.join('') })
      const { findings } = await findingsOf(cwd, 'in.ndjson')
      assert.deepEqual(
        findings.map(({ cause, line }) => [cause, line]),
        [
          ['never_fired', 2],
          ['never_fired', 3],
        ],
      )
    })
  })

  test('needs no key and is stable', async () => {
    const words = ['validate', 'fixtures/exports', '--output', 'junit']
    const cwd = new URL('../../..', import.meta.url).pathname
    const [one, other] = await Promise.all([braze2amp(words, { cwd }), braze2amp(words, { cwd })])
    assert.equal(one.code, 3)
    assert.equal(one.stdout, other.stdout)
    assert.equal(one.stdout.match(/<failure /g)?.length, 2)
  })

  test('annotates with file and line on GitHub', async () => {
    const cwd = directoryWith({ [`${OPEN}.ndjson`]: `${record({})}{broken\n` })
    const { code, stdout } = await braze2amp(['validate', '.', '--output', 'github'], { cwd })
    assert.equal(code, 3)
    assert.match(stdout, /^::error file=users\.messages\.email\.Open\.ndjson,line=2,title=malformed::invalid JSON/)
  })
})

test('validate says of a single finding what is wrong, not only what was found', async () => {
  const cwd = directoryWith({
    [`${OPEN}.ndjson`]: record({ time: 4070908800, campaign_id: 5, email_address: ['a'], is_amp: { deep: 1 } }),
    'no-type.ndjson': record({}),
  })
  const { stdout } = await braze2amp(['validate', '.'], { cwd })
  const at = `${OPEN}.ndjson:1 warning`
  for (const line of [
    `${at} ${OPEN}: its time is more than a day after now: 2099-01-01T00:00:00.000Z`,
    `${at} ${OPEN}: campaign_id is a number, in Braze's schema it is a string`,
    `${at} ${OPEN}: email_address is a list, in Braze's schema it is a string`,
    `${at} ${OPEN}: is_amp is an object, in Braze's schema it is a boolean`,
  ]) {
    assert.ok(stdout.split('\n').includes(line), `${line}\n${stdout}`)
  }
  assert.match(stdout, /^no-type\.ndjson error the file does not say .*\. Give it in one of four ways: --event-type/m)
})

describe('validate --golden', () => {
  const cwd = directoryWith({
    [`golden/opens/${OPEN}.ndjson`]: record({ campaign_id: 'c' }),
    'golden/customs/event_type=users.behaviors.CustomEvent/input.ndjson':
      record({ name: 'n' }) + record({ name: 'n', id: '2', external_user_id: null }),
    'm.yaml': 'defaults: {properties: {rename: {campaign_id: cid}}}\n',
  })
  const golden = (...words: string[]) => braze2amp(['validate', '--golden', 'golden', ...words], { cwd })

  test('fails without expected events, writes them when asked to, then passes', async () => {
    const missing = await golden()
    assert.equal(missing.code, 3)
    assert.match(missing.stdout, /golden\/opens has no expected\.ndjson/)
    const update = await golden('--update')
    assert.equal(update.code, 0)
    const expected = JSON.parse(readFileSync(join(cwd, 'golden/opens/expected.ndjson'), 'utf8'))
    assert.equal(expected.event_properties.campaign_id, 'c')
    const passed = await golden()
    assert.equal(passed.code, 0)
    assert.match(passed.stdout, /golden\/opens: 1 event of 1 record as expected/)
    assert.match(passed.stdout, /event_type=users\.behaviors\.CustomEvent: 1 event of 2 records as expected/)
  })

  test('leaves notes in Markdown alone, and names any other file that cannot be read', async () => {
    const root = directoryWith({
      'golden/README.md': '# Our cases\n',
      [`golden/opens/${OPEN}.ndjson`]: record({}),
      'golden/opens/notes.txt': 'no records\n',
    })
    const { code, findings } = await findingsOf(root, '--golden', 'golden', '--update')
    assert.deepEqual([code, findings.map(({ file }) => file)], [3, ['golden/opens/notes.txt']])
  })

  test('shows what another mapping changes, and fails', async () => {
    await golden('--update')
    const changed = await golden('--mapping', 'm.yaml')
    assert.equal(changed.code, 3)
    assert.match(changed.stdout, /- event_properties\.campaign_id: "c"\n {2}\+ event_properties\.cid: "c"/)
    const junit = await golden('--mapping', 'm.yaml', '--output', 'junit')
    assert.equal(junit.stdout.match(/<failure /g)?.length, 1)
    const github = await golden('--mapping', 'm.yaml', '--output', 'github')
    assert.match(
      github.stdout,
      /^::error file=golden\/opens\/expected\.ndjson,line=1,title=golden::the events.*%0Aevent 1 differs%0A/,
    )
  })

  test('with no case exits 2', async () => {
    assert.equal((await braze2amp(['validate', '--golden', '.'], { cwd: temporaryDirectory() })).code, 2)
    assert.equal((await braze2amp(['validate', '--golden', 'nowhere'], { cwd })).code, 2)
  })
})
