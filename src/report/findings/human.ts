import type { CheckedSection, FindingGroup, Severity } from '../../model.ts'
import { counted } from '../number.ts'
import { style } from '../style.ts'
import { countOf, placeText, worstFirst } from './order.ts'

/** Findings for a person: grouped by cause, worst first, with counts and one example each. */
export function humanFindings(sections: readonly CheckedSection[]): string {
  const lines: string[] = []
  for (const section of sections) {
    for (const group of worstFirst(section.groups)) lines.push(...groupLines(group))
    for (const { name, detail } of section.passed) lines.push(`${style.green('ok')} ${name}: ${detail}`)
  }
  const errors = countOf(sections, 'error')
  const warnings = countOf(sections, 'warning')
  lines.push(style.bold(`${counted(errors, 'error')}, ${counted(warnings, 'warning')}`))
  return `${lines.join('\n')}\n`
}

function groupLines({ severity, title, count, examples }: FindingGroup): readonly string[] {
  const colour = COLOURS[severity]
  const [example] = examples
  const isPlaced = example !== undefined && example.file !== null
  const place = isPlaced ? `${placeText(example)} ` : ''
  const path = example?.path ? `${example.path}: ` : ''
  if (count === 1) return [`${place}${colour(severity)} ${path}${example?.message ?? title}`]
  const more = example === undefined ? '' : `  e.g. ${place}${example.message === title ? '' : example.message}`
  return [`${colour(severity)} ${count.toLocaleString('en-US')} × ${title}${style.dim(more.trimEnd())}`]
}

const COLOURS = { error: style.red, warning: style.yellow, note: style.cyan } as const satisfies Record<
  Severity,
  unknown
>
