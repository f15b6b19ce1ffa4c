import type { CheckedSection, Finding, Severity } from '../../model.ts'
import { furtherText, totalsText, worstFirst } from './order.ts'

/**
 * Findings as GitHub's workflow commands, which annotate the lines of a pull request:
 * `::error file=F,line=L,col=C,title=T::message`.
 */
export function githubFindings(sections: readonly CheckedSection[]): string {
  const lines: string[] = []
  for (const section of sections) {
    for (const group of worstFirst(section.groups)) {
      for (const example of group.examples) lines.push(command(example))
      const further = furtherText(group)
      if (further !== null && group.severity !== 'note') {
        lines.push(`::${LEVELS[group.severity]}::${escapeData(further)}`)
      }
    }
  }
  lines.push(`braze2amp validate: ${totalsText(sections)}`)
  return `${lines.join('\n')}\n`
}

function command({ severity, file, line, column, path, message, cause }: Finding): string {
  const properties = [
    file === null ? null : `file=${escapeProperty(file)}`,
    line === null ? null : `line=${line}`,
    column === null ? null : `col=${column}`,
    `title=${escapeProperty(path ? `${cause} ${path}` : cause)}`,
  ].filter((property) => property !== null)
  return `::${LEVELS[severity]} ${properties.join(',')}::${escapeData(message)}`
}

const LEVELS = { error: 'error', warning: 'warning', note: 'notice' } as const satisfies Record<Severity, string>

/** Escapes as the toolkit of GitHub Actions does (actions/toolkit, command.ts). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
