import type { z } from 'zod'
import { closest, didYouMean } from '../did-you-mean.ts'
import type { MappingDocument } from './mapping-document.ts'
import { keysAt, mappingSchema } from './mapping-schema.ts'
import type { RuleOrigin } from './rule-types.ts'

/** Something wrong with a mapping file, and where. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** Offset into the text, or the place itself. */
  readonly at: number | RuleOrigin
  readonly path: string
}

type Issue = z.core.$ZodIssue

/** What the schema has against a mapping file: unknown keys, wrong kinds of values. */
export function shapeProblems(document: MappingDocument): readonly Problem[] {
  let plain: unknown
  try {
    plain = document.plain() ?? {}
  } catch (error) {
    return [{ severity: 'error', message: (error as Error).message, at: 0, path: '' }]
  }
  const result = mappingSchema.safeParse(plain)
  return result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(issue, plain, document))
}

function problemsOf(issue: Issue, plain: unknown, document: MappingDocument): readonly Problem[] {
  const path = issue.path
  if (issue.code === 'invalid_union') {
    const inner = meantBranch(issue.errors)
    if (inner !== null) {
      return inner.flatMap((one) => problemsOf({ ...one, path: [...path, ...one.path] }, plain, document))
    }
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const allowed = keysAt(path)
      return {
        severity: 'error',
        message: `unknown key "${key}"${didYouMean(closest(key, allowed))}; allowed: ${allowed.join(', ')}`,
        at: document.findKey([...path, key]),
        path: pathText([...path, key]),
      }
    })
  }
  const found = valueAt(plain, path)
  const message = `${messageOf(issue, path, found)}; found ${describe(found)}`
  return [{ severity: 'error', message, at: document.find(path), path: pathText(path) }]
}

/** The issues of the branch that a value was meant for: the one that got further in than its own kind. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  return (
    branches.find((issues) => issues.some((one) => one.path.length > 0 || one.code === 'unrecognized_keys')) ?? null
  )
}

function messageOf(issue: Issue, path: readonly PropertyKey[], found: unknown): string {
  const key = String(path.at(-1) ?? 'the file')
  switch (issue.code) {
    case 'invalid_type':
      return found === undefined ? `${key} is missing` : `${key} must be ${KINDS[issue.expected] ?? issue.expected}`
    case 'invalid_value': {
      const near = typeof found === 'string' ? closest(found, issue.values.map(String)) : null
      return `${key} must be one of ${issue.values.map(String).join(', ')}${didYouMean(near)}`
    }
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `${key} must be ${issue.minimum} or more`
        : `${key} must not be empty`
    case 'too_big':
      return `${key} must be ${issue.maximum} or less`
    case 'invalid_format':
      return `${key} must be the name of an environment variable: letters, digits and _`
    case 'invalid_key':
      return 'a key must not be empty'
    case 'invalid_union':
      if (path.includes('set')) return `${key} must be a text, a number, true or false, or a list of these`
      return path.includes('when')
        ? `${key} must be present, absent, a text, a number, true or false, or a list of values`
        : `${key} must be false (drop the event) or hold ${keysAt(['events', '*']).join(', ')}`
    default:
      return `${key}: ${issue.message}`
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
  number: 'a number',
  int: 'a whole number',
}

function valueAt(plain: unknown, path: readonly PropertyKey[]): unknown {
  let value = plain
  for (const part of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[part]
  return value
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'string' ? `the text ${JSON.stringify(value)}` : String(value)
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map(String).join('.')
}
