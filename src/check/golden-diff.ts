import { isDeepStrictEqual } from 'node:util'

/** How events differ from those that were expected. */
export interface GoldenDiff {
  /** Line of the expected events where the first difference is, from 1. */
  readonly line: number
  /** What is missing or new, one value a line. */
  readonly text: string
}

/** Lines of a difference that are shown. */
const SHOWN_LINES = 40

/**
 * Compares events, one JSON text a line, with those expected; null when they are the same. White space and the order of keys do
 * not count, the order of events does.
 */
export function goldenDiff(expected: readonly string[], actual: readonly string[]): GoldenDiff | null {
  const lines: string[] = []
  let first = 0
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const difference = differenceOf(expected[i], actual[i], i + 1)
    if (difference.length === 0) continue
    if (first === 0) first = i + 1
    lines.push(...difference)
  }
  if (first === 0) return null
  const shown = lines.slice(0, SHOWN_LINES)
  const more = lines.length - shown.length
  return { line: first, text: [...shown, ...(more > 0 ? [`… ${more} more lines`] : [])].join('\n') }
}

function differenceOf(expected: string | undefined, actual: string | undefined, number: number): readonly string[] {
  if (expected === actual) return []
  if (expected === undefined) return [`event ${number} is new`, `  + ${actual}`]
  if (actual === undefined) return [`event ${number} is missing`, `  - ${expected}`]
  const before = parsed(expected)
  const after = parsed(actual)
  if (before === undefined)
    return [`line ${number} of the expected events is no JSON`, `  - ${expected}`, `  + ${actual}`]
  if (isDeepStrictEqual(before, after)) return []
  return [`event ${number} differs`, ...valueDifferences('', before, after)]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function valueDifferences(path: string, before: unknown, after: unknown): readonly string[] {
  if (isDeepStrictEqual(before, after)) return []
  if (isPlainObject(before) && isPlainObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return keys.flatMap((key) => valueDifferences(path === '' ? key : `${path}.${key}`, before[key], after[key]))
  }
  return [
    ...(before === undefined ? [] : [`  - ${path}: ${JSON.stringify(before)}`]),
    ...(after === undefined ? [] : [`  + ${path}: ${JSON.stringify(after)}`]),
  ]
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
