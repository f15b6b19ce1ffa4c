import { style } from './style.ts'
import type { ByReason, Summary } from './summary.ts'

/** The books of a run for a person, a few lines. */
export function endReport(summary: Summary, title: string): string {
  const seconds = summary.duration_ms / 1000
  const rate = seconds > 0 ? `, ${number(Math.round(summary.read / seconds))}/s` : ''
  const lines = [
    style.bold(`${title}: ${number(summary.read)} records read in ${seconds.toFixed(1)} s${rate}`),
    line('accepted', summary.accepted, '', style.green),
    line(
      'rejected',
      summary.rejected.total,
      reasons(summary.rejected),
      summary.rejected.total > 0 ? style.red : style.dim,
    ),
    line('skipped', summary.skipped.total, reasons(summary.skipped), style.yellow),
    line('pending', summary.pending, '', style.yellow),
  ]
  const warnings = Object.entries(summary.warnings)
  if (warnings.length > 0)
    lines.push(`  warnings   ${warnings.map(([name, count]) => `${name} ${number(count)}`).join(', ')}`)
  return lines.filter((text) => text !== '').join('\n')
}

function line(name: string, count: number, detail: string, colour: (text: string) => string): string {
  if (count === 0 && name === 'pending') return ''
  const text = `  ${name.padEnd(9)} ${number(count).padStart(11)}`
  return count > 0 ? `${colour(text)}${detail === '' ? '' : `  ${detail}`}` : text
}

function reasons(by: ByReason<string>): string {
  return Object.entries(by.by_reason)
    .map(([reason, count]) => `${reason} ${number(count ?? 0)}`)
    .join(', ')
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
