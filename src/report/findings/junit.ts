import type { CheckedSection, Finding, FindingGroup, Severity } from '../../model.ts'
import { findingPlace, furtherText, worstFirst } from './order.ts'

/**
 * Findings as JUnit XML, with elements and attributes of Jenkins' junit-10 schema only: a suite per thing checked, a test case
 * per kind of finding with a `failure` per error, and at least one test case. Warnings are text beside the cases.
 *
 * @param failsOn `warning`: warnings are failures too
 */
export function junitFindings(sections: readonly CheckedSection[], failsOn: Severity): string {
  const isFailure = ({ severity }: FindingGroup) =>
    severity === 'error' || (severity === 'warning' && failsOn === 'warning')
  const suites = sections.map((section) => {
    const groups = worstFirst(section.groups)
    const failing = groups.filter(isFailure)
    const passed = section.passed.length > 0 || failing.length > 0 ? section.passed : [section]
    const failures = failing.flatMap((group) => failuresOf(group))
    const cases = [
      ...passed.map(({ name }) => `    <testcase classname=${quoted(section.name)} name=${quoted(name)}/>`),
      ...failing.map((group) => testCase(section.name, group)),
    ]
    const notes = groups.filter((group) => !isFailure(group)).flatMap((group) => group.examples.map(noteOf))
    const output = notes.length === 0 ? [] : [`    <system-out>${escapeText(notes.join('\n'))}</system-out>`]
    return {
      tests: cases.length,
      failures: failures.length,
      xml: [
        `  <testsuite name=${quoted(section.name)} tests="${cases.length}" failures="${failures.length}" errors="0">`,
        ...cases,
        ...output,
        '  </testsuite>',
      ].join('\n'),
    }
  })
  const total = (count: 'tests' | 'failures') => suites.reduce((sum, suite) => sum + suite[count], 0)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="braze2amp" tests="${total('tests')}" failures="${total('failures')}" errors="0">`,
    ...suites.map(({ xml }) => xml),
    '</testsuites>\n',
  ].join('\n')
}

function testCase(section: string, group: FindingGroup): string {
  const [first] = group.examples
  const name = first?.path ? `${first.path}: ${group.title}` : group.title
  return [
    `    <testcase classname=${quoted(section)} name=${quoted(name)}>`,
    ...failuresOf(group).map(
      ({ message, detail }) =>
        `      <failure type=${quoted(group.cause)} message=${quoted(firstLine(message))}>${escapeText(detail)}</failure>`,
    ),
    '    </testcase>',
  ].join('\n')
}

/** A failure for each finding that was kept, and one for all further ones. */
function failuresOf(group: FindingGroup): readonly { message: string; detail: string }[] {
  const shown = group.examples.map((example) => ({ message: example.message, detail: noteOf(example) }))
  const further = furtherText(group)
  return further === null ? shown : [...shown, { message: further, detail: '' }]
}

/** Reports list the messages, and show the content of the one that is opened. */
function firstLine(text: string): string {
  return text.split(/\r?\n/, 1).join('')
}

function noteOf(finding: Finding): string {
  return [findingPlace(finding), finding.severity, finding.path, finding.message].filter(Boolean).join(' ')
}

function quoted(text: string): string {
  return `"${escapeText(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`
}

/** Characters that XML cannot hold at all, escaped or not, become U+FFFD. */
function escapeText(text: string): string {
  return text
    .replace(LONE_SURROGATE, '\uFFFD')
    .replace(NOT_XML, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 forbids
const NOT_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g
const LONE_SURROGATE = /\p{Surrogate}/gu
