import type { CheckedSection, Finding, FindingGroup, Severity } from '../../model.ts'
import { counted } from '../number.ts'

/** Worst first: errors, then warnings; within each the most frequent; of equals in a stable order. */
export function worstFirst(groups: readonly FindingGroup[]): readonly FindingGroup[] {
  return groups.toSorted(
    (a, b) => rank(a) - rank(b) || b.count - a.count || compare(a.cause, b.cause) || comparePlaces(a, b),
  )
}

function rank({ severity }: FindingGroup): number {
  return ['error', 'warning', 'note'].indexOf(severity)
}

function comparePlaces(a: FindingGroup, b: FindingGroup): number {
  const [one, other] = [a.examples[0], b.examples[0]]
  return (one?.line ?? 0) - (other?.line ?? 0) || compare(a.title, b.title)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** How many findings of a severity there are in all. */
export function countOf(sections: readonly CheckedSection[], severity: Severity): number {
  let count = 0
  for (const { groups } of sections) {
    for (const group of groups) if (group.severity === severity) count += group.count
  }
  return count
}

/** `2 errors, 1 warning`. */
export function totalsText(sections: readonly CheckedSection[]): string {
  return `${counted(countOf(sections, 'error'), 'error')}, ${counted(countOf(sections, 'warning'), 'warning')}`
}

/** Says how many findings of a group are not among its examples; null when all are. */
export function furtherText({ title, count, examples }: FindingGroup): string | null {
  return count > examples.length ? `${count - examples.length} more: ${title}` : null
}

/** Where a finding is: `file:line:column`, as far as it is known. */
export function findingPlace({ file, line, column }: Finding): string {
  return [file, line, column].filter((part) => part !== null).join(':')
}
