import type { CheckedSection } from '../../model.ts'
import { countOf, worstFirst } from './order.ts'

/** Findings as one JSON object on one line. */
export function jsonFindings(sections: readonly CheckedSection[], read: number | null): string {
  const findings = sections.flatMap((section) =>
    worstFirst(section.groups).map(({ severity, cause, title, count, examples }) => ({
      section: section.name,
      severity,
      cause,
      message: examples.length === 1 ? (examples[0]?.message ?? title) : title,
      count,
      file: examples[0]?.file ?? null,
      line: examples[0]?.line ?? null,
      column: examples[0]?.column ?? null,
      path: examples[0]?.path ?? null,
      examples: examples.map(({ file, line, message }) => ({ file, line, message })),
    })),
  )
  const errors = countOf(sections, 'error')
  const warnings = countOf(sections, 'warning')
  return `${JSON.stringify({ version: 1, read, errors, warnings, findings })}\n`
}
