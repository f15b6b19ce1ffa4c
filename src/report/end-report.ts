import { WARNING_MEANINGS, WARNINGS } from '../outcomes.ts'
import { DEAD_LETTERS_FILE, DEFAULT_STATE } from '../state/state-directory.ts'
import { driftLine, type Met } from './beyond-catalogue.ts'
import { counted, number, numbersByName } from './number.ts'
import { style } from './style.ts'
import type { Summary } from './summary.ts'

/**
 * The books of a run for a person, a few lines.
 * @param state the directory that holds what was rejected; null when nothing does
 */
export function endReport(
  summary: Summary,
  title: string,
  state: string | null = null,
  met: Met = { newerVersions: new Map(), unknownFields: [] },
): string {
  const seconds = summary.duration_ms / 1000
  const rate = seconds > 0 ? `, ${number(Math.round(summary.read / seconds))}/s` : ''
  const lines = [
    style.bold(`${title}: ${counted(summary.read, 'record')} read in ${seconds.toFixed(1)} s${rate}`),
    line('accepted', summary.accepted, '', style.green),
    line(
      'rejected',
      summary.rejected.total,
      numbersByName(summary.rejected.by_reason),
      summary.rejected.total > 0 ? style.red : style.dim,
    ),
    line('skipped', summary.skipped.total, numbersByName(summary.skipped.by_reason), style.yellow),
    line('pending', summary.pending, '', style.yellow),
    stoppedLine(summary),
  ]
  if (summary.requests.total > 0) lines.push(requestsLine(summary))
  if (state !== null) lines.push(deadLettersLine(state))
  lines.push(...warningLines(summary))
  lines.push(driftLine(summary, met))
  return lines.filter((text) => text !== '').join('\n')
}

function requestsLine({ requests, throttled, deferred }: Summary): string {
  const statuses = Object.entries(requests.by_status).map(([status, count]) => `${status}: ${number(count)}`)
  const notes = [statuses.join(', ')]
  if (requests.retries > 0) notes.push(`${number(requests.retries)} retries`)
  if (throttled.identities > 0) notes.push(`${number(throttled.identities)} identities throttled`)
  if (deferred.events > 0) notes.push(`${number(deferred.events)} events deferred`)
  return `  ${'requests'.padEnd(9)} ${number(requests.total).padStart(11)}  ${notes.join('; ')}`
}

/** What went on all the same: each warning with its meaning, once. */
function warningLines({ warnings }: Summary): readonly string[] {
  return WARNINGS.flatMap((name) => {
    const count = warnings[name] ?? 0
    return count === 0 ? [] : [line('warning', count, `${name}: ${WARNING_MEANINGS[name]}`, style.yellow)]
  })
}

function deadLettersLine(state: string): string {
  const retry = state === DEFAULT_STATE ? 'braze2amp retry' : `braze2amp retry --state ${state}`
  return `  dead letters in ${state}/${DEAD_LETTERS_FILE}; once the cause is mended, ${retry} sends them`
}

/** What was asked for; all other ends are errors, which say more. */
function stoppedLine({ stopped, requests }: Summary): string {
  if (stopped !== 'limit' && stopped !== 'signal') return ''
  const by = stopped === 'limit' ? 'by --limit' : 'by a signal'
  // A dry run begins anew.
  const next = `the same command ${stopped === 'limit' ? 'without it ' : ''}goes on`
  return style.yellow(`  ${'stopped'.padEnd(9)}  ${by}${requests.total > 0 ? `; ${next}` : ''}`)
}

function line(name: string, count: number, detail: string, colour: (text: string) => string): string {
  if (count === 0 && name === 'pending') return ''
  const text = `  ${name.padEnd(9)} ${number(count).padStart(11)}`
  return count > 0 ? `${colour(text)}${detail === '' ? '' : `  ${detail}`}` : text
}
