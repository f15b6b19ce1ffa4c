import { PERSONAL_FIELDS } from '../currents/fields.ts'
import { bytes, counted, number } from './number.ts'
import { style } from './style.ts'

/** What the user should know before anything is sent (src/README.md §4). */
export interface Facts {
  readonly url: string
  readonly api: string
  readonly keyFingerprint: string
  readonly mapping: string
  readonly files: number
  /** Null when they are too many to look at, or standard input is one. */
  readonly bytes: number | null
  /** `I/N`: only this part of the records. */
  readonly shard: string | null
  readonly sinceMs: number | null
  readonly untilMs: number | null
  /** Amplitude event names of the types that the paths name. */
  readonly names: readonly string[]
  /** Some files do not say what they hold: more names may appear. */
  readonly mayHoldMore: boolean
  /** Storage fields that will be sent. */
  readonly fields: ReadonlySet<string>
}

const NAMES_SHOWN = 12

/** The facts as lines. */
export function factsText(facts: Facts): string {
  const personal = [...facts.fields].filter((field) => PERSONAL_FIELDS.has(field)).sort()
  const lines = [
    style.bold('About to send'),
    fact('to', `${facts.url} (${facts.api}), project key ${facts.keyFingerprint}`),
    fact('from', inputsText(facts)),
    fact('mapping', facts.mapping),
    fact('time', timeFilter(facts.sinceMs, facts.untilMs)),
    fact('events', namesText(facts)),
    fact('personal', ['external_user_id', 'device_id', ...personal].join(', ')),
    style.yellow('Amplitude cannot delete what is sent.'),
  ]
  if (facts.untilMs === null) {
    lines.push(
      style.yellow('Without --until, events after your live Braze connector was switched on will be there twice.'),
    )
  }
  return lines.join('\n')
}

function fact(name: string, text: string): string {
  return `  ${name.padEnd(9)} ${text}`
}

function inputsText({ files, bytes: size, shard }: Facts): string {
  const parts = [counted(files, 'file')]
  if (size !== null) parts.push(bytes(size))
  if (shard !== null) parts.push(`of their records shard ${shard}`)
  return parts.join(', ')
}

function timeFilter(sinceMs: number | null, untilMs: number | null): string {
  const parts = []
  if (sinceMs !== null) parts.push(`from ${new Date(sinceMs).toISOString()}`)
  if (untilMs !== null) parts.push(`until ${new Date(untilMs).toISOString()}`)
  return parts.length === 0 ? 'all times' : parts.join(' ')
}

function namesText({ names, mayHoldMore }: Facts): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  const rest = names.length - NAMES_SHOWN
  const more = rest > 0 ? ` and ${number(rest)} more` : ''
  if (names.length === 0) return 'as the records say'
  return `${shown}${more}${mayHoldMore ? ', and what records say that are in files without a type' : ''}`
}
