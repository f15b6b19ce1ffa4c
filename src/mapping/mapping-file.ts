import type { Finding } from '../model.ts'
import { catalogueProblems } from './mapping-check.ts'
import { type MappingDocument, parseMapping } from './mapping-document.ts'
import { type Problem, shapeProblems } from './mapping-shape.ts'
import { type Environment, readRules } from './read-rules.ts'
import type { MappingRules, Profile } from './rule-types.ts'

/** A mapping file that was read: its rules are to be used only when no finding is an error. */
export interface ReadMapping {
  readonly rules: MappingRules
  /** Everything wrong with it at once, in the order of the file. */
  readonly findings: readonly Finding[]
}

/**
 * Reads a mapping file's text and checks it: syntax, shape, and names against the catalogue (src/README.md §3).
 *
 * @param profile the one given on the command line, which beats the file's `extends`; null for none
 * @param environment where the keys of `hmac` are
 */
export function readMapping(
  file: string,
  text: string,
  profile: Profile | null,
  environment: Environment,
): ReadMapping {
  const document = parseMapping(file, text)
  const { rules, problems } = readRules(document, environment)
  const all: readonly Problem[] = [
    ...document.problems.map(({ message, at }) => ({ severity: 'error' as const, message, at, path: '' })),
    ...shapeProblems(document),
    ...problems,
    ...catalogueProblems(rules, profile ?? rules.extends ?? 'braze', document),
  ]
  return { rules, findings: findingsOf(all, document) }
}

function findingsOf(problems: readonly Problem[], document: MappingDocument): readonly Finding[] {
  const findings = problems.map(({ severity, message, at, path }): Finding => {
    const { line, column } = typeof at === 'number' ? document.origin(at, path) : at
    return { severity, cause: 'mapping', message, file: document.file, line, column, path }
  })
  const unique = new Map(findings.map((finding) => [`${finding.line}:${finding.column} ${finding.message}`, finding]))
  return [...unique.values()].toSorted(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0) || a.message.localeCompare(b.message),
  )
}
