import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { CheckedSection, Finding, FindingGroup, Severity } from '../../../src/model.ts'
import { findingsText } from '../../../src/report/findings/findings.ts'

const place = { file: 'a/b.yaml', line: 3, column: 5, path: 'events.x' }

function group(severity: Severity, title: string, count = 1, example: Partial<Finding> = {}): FindingGroup {
  const finding = { severity, cause: 'cause', message: title, ...place, ...example }
  return { severity, cause: 'cause', title, count, examples: [finding] }
}

const section = (...groups: FindingGroup[]): CheckedSection => ({
  name: 'records',
  passed: [{ name: 'records', detail: '3 read' }],
  groups,
})

const text = (
  output: 'human' | 'json' | 'junit' | 'github',
  groups: FindingGroup[],
  failsOn: 'error' | 'warning' = 'error',
) => findingsText(output, { sections: [section(...groups)], read: 3, failsOn })

describe('findings for a person', () => {
  test('are the worst first, then the most frequent, with counts and one example', () => {
    const lines = text('human', [
      group('note', 'n'),
      group('warning', 'w', 7),
      group('error', 'e', 2),
      group('error', 'f', 9),
    ])
      .replaceAll(String.fromCharCode(27), '')
      .split('\n')
    assert.match(lines[0] ?? '', /error.* 9 × f.*a\/b\.yaml:3:5/)
    assert.match(lines[1] ?? '', /error.* 2 × e/)
    assert.match(lines[2] ?? '', /warning.* 7 × w/)
    assert.match(lines[3] ?? '', /a\/b\.yaml:3:5 .*note.* events\.x: n/)
    assert.match(lines.at(-2) ?? '', /11 errors, 7 warnings/)
  })
})

describe('findings as JSON', () => {
  test('are one line with counts', () => {
    const report = JSON.parse(text('json', [group('warning', 'w', 7), group('error', 'e')]))
    assert.deepEqual([report.version, report.read, report.errors, report.warnings], [1, 3, 1, 7])
    assert.deepEqual(report.findings[0], {
      section: 'records',
      severity: 'error',
      cause: 'cause',
      message: 'e',
      count: 1,
      ...place,
      examples: [{ file: 'a/b.yaml', line: 3, message: 'e' }],
    })
  })
})

describe('findings as GitHub workflow commands', () => {
  test('escape what would end the message or a property', () => {
    const odd = { file: 'a,b:c%.yaml', message: '100% wrong:\r\nsecond, line' }
    const [line] = text('github', [group('error', 't', 1, odd)]).split('\n')
    assert.equal(
      line,
      '::error file=a%2Cb%3Ac%25.yaml,line=3,col=5,title=cause events.x::100%25 wrong:%0D%0Asecond, line',
    )
  })

  test('leave out what is not known, say how many more there are, and use all three levels', () => {
    const unplaced = { file: null, line: null, column: null, path: null }
    const lines = text('github', [group('error', 'e', 3, unplaced), group('warning', 'w'), group('note', 'n')]).split(
      '\n',
    )
    assert.deepEqual(lines.slice(0, 2), ['::error title=cause::e', '::error::2 more: e'])
    assert.match(lines[2] ?? '', /^::warning file=/)
    assert.match(lines[3] ?? '', /^::notice file=/)
  })
})

interface SchemaElement {
  readonly attributes: readonly string[]
  readonly required?: readonly string[]
  readonly children: readonly string[]
}

/** The elements that we use of junit-10.xsd, with all that it allows in them (jenkinsci/xunit-plugin, types/model/xsd). */
const SCHEMA: Readonly<Record<string, SchemaElement>> = {
  testsuites: { attributes: ['name', 'time', 'tests', 'failures', 'errors'], children: ['testsuite'] },
  testsuite: {
    attributes: [
      'name',
      'tests',
      'failures',
      'errors',
      'group',
      'time',
      'skipped',
      'timestamp',
      'hostname',
      'id',
      'package',
      'file',
      'log',
      'url',
    ],
    required: ['name', 'tests', 'failures', 'errors'],
    children: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
  },
  testcase: {
    attributes: ['name', 'time', 'classname', 'group'],
    required: ['name'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  failure: { attributes: ['type', 'message'], children: [] },
  'system-out': { attributes: [], children: [] },
}

interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
  content: string
}

/** Parses XML strictly: anything that is not well-formed throws. */
function parseXml(xml: string): Element {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what XML cannot hold
  assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/)
  assert.doesNotMatch(xml, /\p{Surrogate}/u)
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>'
  assert.ok(xml.startsWith(declaration))
  const root: Element = { name: '', attributes: {}, children: [], content: '' }
  const open = [root]
  const token = /<\/([\w-]+)>|<([\w-]+)((?: [\w-]+="[^"<]*")*)(\/?)>|([^<]+)/y
  token.lastIndex = declaration.length
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex
    const match = token.exec(xml)
    assert.ok(match, `not well-formed: ${xml.slice(at, at + 80)}`)
    const [, closed, opened, attributes = '', selfClosed, content] = match
    const parent = open.at(-1) as Element
    if (closed !== undefined) assert.equal(open.pop()?.name, closed)
    else if (opened !== undefined) {
      const pairs = Array.from(attributes.matchAll(/ ([\w-]+)="([^"]*)"/g), ([, key, value]) => [
        key,
        unescaped(value ?? ''),
      ])
      const element = { name: opened, attributes: Object.fromEntries(pairs), children: [], content: '' }
      parent.children.push(element)
      if (selfClosed === '') open.push(element)
    } else parent.content += unescaped(content ?? '')
  }
  assert.equal(open.length, 1)
  return root.children[0] as Element
}

function unescaped(text: string): string {
  assert.doesNotMatch(text, /&(?!amp;|lt;|gt;|quot;|#10;|#9;)/)
  return text.replace(/&(amp|lt|gt|quot|#10|#9);/g, (_, name: string) => ENTITIES[name] ?? '')
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#10': '\n', '#9': '\t' }

function checkSchema(element: Element): void {
  const allowed = SCHEMA[element.name]
  assert.ok(allowed, element.name)
  for (const key of Object.keys(element.attributes))
    assert.ok(allowed.attributes.includes(key), `${element.name} ${key}`)
  for (const key of allowed.required ?? []) assert.ok(key in element.attributes, `${element.name} without ${key}`)
  for (const child of element.children) {
    assert.ok(allowed.children.includes(child.name), `${element.name} > ${child.name}`)
    checkSchema(child)
  }
}

const all = (element: Element, name: string): Element[] =>
  element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...all(child, name)])

describe('findings as JUnit XML', () => {
  test('have one failure for each error and none for warnings', () => {
    const root = parseXml(text('junit', [group('error', 'e'), group('error', 'f', 12), group('warning', 'w')]))
    checkSchema(root)
    assert.deepEqual(
      all(root, 'failure').map(({ attributes }) => attributes['message']),
      ['f', '11 more: f', 'e'],
    )
    assert.equal(root.attributes['failures'], '3')
    assert.match(all(root, 'system-out')[0]?.content ?? '', /warning events\.x w/)
  })

  test('have a failure for each warning when warnings fail, never for notes', () => {
    const root = parseXml(text('junit', [group('warning', 'w'), group('note', 'n')], 'warning'))
    assert.deepEqual(
      all(root, 'failure').map(({ attributes }) => attributes['message']),
      ['w'],
    )
  })

  test('have a test case when there is nothing to say', () => {
    const root = parseXml(
      findingsText('junit', { sections: [{ name: 'mapping', passed: [], groups: [] }], read: null, failsOn: 'error' }),
    )
    assert.equal(all(root, 'testcase').length, 1)
  })

  test('name what passed the same from run to run, whatever was counted', () => {
    const namesOf = (detail: string) => {
      const passed = [{ name: 'golden/opens', detail }]
      const sections = [{ name: 'golden', passed, groups: [] }]
      const root = parseXml(findingsText('junit', { sections, read: null, failsOn: 'error' }))
      return all(root, 'testcase').map(({ attributes }) => attributes['name'])
    }
    assert.deepEqual(namesOf('1 event of 1 record as expected'), ['golden/opens'])
    assert.deepEqual(namesOf('2 events of 3 records as expected'), ['golden/opens'])
  })

  test('keep text that XML would take for its own', () => {
    const odd = `a & b <c> "d" 'e' &amp; \n\t]]>`
    const [failure] = all(parseXml(text('junit', [group('error', odd)])), 'failure')
    assert.equal(failure?.attributes['message'], odd.split('\n')[0])
    assert.ok(failure?.content.endsWith(odd))
  })

  test('are well-formed and within the schema, whatever the findings say', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 30 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anything, anything, anything, fc.constantFrom('error', 'warning', 'note'))),
        (findings) => {
          const groups = findings.map(([title, file, path, severity]) =>
            group(severity as Severity, title, 1, { file, path }),
          )
          const root = parseXml(text('junit', groups))
          checkSchema(root)
          assert.equal(all(root, 'failure').length, groups.filter(({ severity }) => severity === 'error').length)
          assert.equal(Number(root.attributes['tests']), all(root, 'testcase').length)
        },
      ),
    )
  })
})
