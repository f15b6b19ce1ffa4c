import type { CheckedSection, Finding, Severity } from '../../model.ts'
import { counted } from '../number.ts'
import { countOf, worstFirst } from './order.ts'

/**
 * Findings as GitHub's workflow commands, which annotate the lines of a pull request:
 * `::error file=F,line=L,col=C,title=T::message`.
 */
export function githubFindings(sections: readonly CheckedSection[]): string {
  const lines: string[] = []
  for (const section of sections) {
    for (const { severity, title, count, examples } of worstFirst(section.groups)) {
      for (const example of examples) lines.push(command(severity, example, title))
      const unshown = count - examples.length
      if (unshown > 0 && severity !== 'note')
        lines.push(`::${LEVELS[severity]}::${escapeData(`${unshown} more: ${title}`)}`)
    }
  }
  const errors = counted(countOf(sections, 'error'), 'error')
  const warnings = counted(countOf(sections, 'warning'), 'warning')
  lines.push(`braze2amp validate: ${errors}, ${warnings}`)
  return `${lines.join('\n')}\n`
}

function command(severity: Severity, { file, line, column, path, message, cause }: Finding, title: string): string {
  const properties = [
    file === null ? null : `file=${escapeProperty(file)}`,
    line === null ? null : `line=${line}`,
    column === null ? null : `col=${column}`,
    `title=${escapeProperty(path ? `${cause} ${path}` : cause)}`,
  ].filter((property) => property !== null)
  return `::${LEVELS[severity]} ${properties.join(',')}::${escapeData(message === '' ? title : message)}`
}

const LEVELS = { error: 'error', warning: 'warning', note: 'notice' } as const satisfies Record<Severity, string>

/** As the toolkit of GitHub Actions escapes (actions/toolkit, command.ts). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
