import { InvalidArgumentError } from 'commander'
import { catalogueType, typeNamedBy } from '../../currents/event-type.ts'
import { EVENTS } from '../../currents/events.ts'
import { timeOfText } from '../../currents/field-values.ts'
import { closest, didYouMean } from '../../did-you-mean.ts'
import { matchesGlob } from '../../mapping/glob.ts'
import type { MaxErrors } from '../../state/ledger.ts'

/** Values of command-line options; each parser throws what commander shows with the option's name and exit code 2. */

export function parseCount(text: string): number {
  return parseWhole(text, 0)
}

export function parsePositive(text: string): number {
  return parseWhole(text, 1)
}

function parseWhole(text: string, least: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(`Give a whole number, ${least} or more.`)
  }
  return value
}

/** A date, an RFC 3339 time or Unix seconds, as ms since 1970. */
export function parseTime(text: string): number {
  const ms = /^\d{4}$/.test(text) ? Number.NaN : timeOfText(text)
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError('Give a date (2026-01-31), an RFC 3339 time (2026-01-31T08:00:00Z) or Unix seconds.')
  }
  return ms
}

export function parseMaxErrors(text: string): MaxErrors {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text)
  const value = Number(match?.[1])
  if (match && match[2] === '%' && value <= 100) return { percent: value }
  if (match && match[2] === '' && Number.isSafeInteger(value)) return { count: value }
  throw new InvalidArgumentError('Give a number of records (100) or a share of the records read (1%).')
}

/** An event type in any spelling that a file may have, or of the form that Braze's have. */
export function parseEventType(text: string): string {
  const type = typeNamedBy(text)
  // One letter beside a known type is a slip, and would leave out every record.
  if (type !== null && (catalogueType(type) !== null || closest(type, EVENT_TYPES, 1) === null)) return type
  throw new InvalidArgumentError(`No such event type${didYouMean(closest(text, EVENT_TYPES)) || '.'}`)
}

const EVENT_TYPES = EVENTS.map((row) => row.type)

/** A glob that matches an event type. */
export function parseGlob(glob: string): string {
  if (EVENT_TYPES.some((type) => matchesGlob(glob, type))) return glob
  const hint = didYouMean(closest(glob, EVENT_TYPES)) || ". Quote globs: '*.email.*'."
  throw new InvalidArgumentError(`${glob} matches no event type${hint}`)
}

/** Globs on event types, separated by commas; the option may be given several times. */
export function parseGlobs(text: string, before: readonly string[]): readonly string[] {
  const globs = text
    .split(',')
    .map((glob) => glob.trim())
    .filter((glob) => glob !== '')
  if (globs.length === 0) throw new InvalidArgumentError('Give event types or globs, separated by commas.')
  return [...before, ...globs.map(parseGlob)]
}

const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A number with `ms`, `s`, `m`, `h` or `d`, as ms. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  if (match === null) throw new InvalidArgumentError('Give a number with ms, s, m, h or d, such as 30m.')
  return Number(match[1]) * DURATION_MS[match[2] as keyof typeof DURATION_MS]
}

/** The character between the fields of CSV. */
export function parseDelimiter(text: string): string {
  return parseCharacter(text === 'tab' ? '\t' : text)
}

/** A character that CSV gives a meaning, or `none`. */
export function parseCharacterOrNone(text: string): string {
  return text === 'none' ? text : parseCharacter(text)
}

function parseCharacter(text: string): string {
  const isAscii = text.length === 1 && text > '\0' && text <= '\x7f'
  if (isAscii && !/[A-Za-z0-9\r\n]/.test(text)) return text
  throw new InvalidArgumentError(
    'Give one ASCII character that is no letter and no digit, tab (--csv-delimiter) or none.',
  )
}

export function parseConcurrency(text: string): number | 'auto' {
  return text === 'auto' ? 'auto' : parsePositive(text)
}

/** A number above 0, not always a whole one. */
export function parseRate(text: string): number {
  const value = decimalOf(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Give a number above 0.')
  return value
}

/** A share of all requests. */
export function parseShare(text: string): number {
  const value = decimalOf(text)
  if (!(value <= 1)) throw new InvalidArgumentError('Give a share of requests from 0 to 1, such as 0.05.')
  return value
}

export function parsePort(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('Give a port from 0 to 65535.')
  return Number(text)
}

/** The number that plain decimal digits write; NaN for anything else, also for what `Number` takes: nothing, `1e3`, `-1`. */
export function decimalOf(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
}
