import type { CheckedSection, FindingGroup, Severity } from '../../model.ts'
import { number } from '../number.ts'
import { style } from '../style.ts'
import { findingPlace, totalsText, worstFirst } from './order.ts'

/** Findings for a person: grouped by cause, worst first, with counts and one example each. */
export function humanFindings(sections: readonly CheckedSection[]): string {
  const lines: string[] = []
  for (const section of sections) {
    for (const group of worstFirst(section.groups)) lines.push(...groupLines(group))
    for (const { name, detail } of section.passed) lines.push(`${style.green('ok')} ${name}: ${detail}`)
  }
  lines.push(style.bold(totalsText(sections)))
  return `${lines.join('\n')}\n`
}

function groupLines({ severity, title, count, examples }: FindingGroup): readonly string[] {
  const colour = COLOURS[severity]
  const [example] = examples
  const isPlaced = example !== undefined && example.file !== null
  const place = isPlaced ? `${findingPlace(example)} ` : ''
  const path = example?.path ? `${example.path}: ` : ''
  if (count === 1) return [`${place}${colour(severity)} ${path}${example?.message ?? title}`]
  const more = example === undefined ? '' : `  e.g. ${place}${example.message === title ? '' : example.message}`
  return [`${colour(severity)} ${number(count)} × ${title}${style.dim(more.trimEnd())}`]
}

const COLOURS = { error: style.red, warning: style.yellow, note: style.cyan } as const satisfies Record<
  Severity,
  unknown
>
