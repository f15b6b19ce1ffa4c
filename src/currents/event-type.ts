import { EVENTS } from './events.ts'

/** Which event type a record, a file or a schema names (src/README.md §2). */

/** Letters and digits of a name, in lower case: `USERS_MESSAGES_EMAIL_SEND` and `users.messages.email.Send` are one. */
function lettersAndDigits(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

const BY_LETTERS = new Map(EVENTS.map((row) => [lettersAndDigits(row.type), row.type]))
const LONGEST_LETTERS = Math.max(...Array.from(BY_LETTERS.keys(), (letters) => letters.length))

/** What names of event types begin with, for a regular expression. */
const ROOTS = [...new Set(EVENTS.map((row) => row.type.slice(0, row.type.indexOf('.'))))].join('|')

/** A dotted name of the family that Currents uses, whether the catalogue knows it or not. */
const CURRENTS_NAME = new RegExp(`^(?:${ROOTS})(?:\\.[A-Za-z]\\w*)+$`)
const TYPE_IN_SCHEMA = new RegExp(`(?:^|\\.)((?:${ROOTS})\\..+)$`)

/** True when `name` has the form of a Currents event type, known or not. */
export function isCurrentsName(name: string): boolean {
  return CURRENTS_NAME.test(name)
}

/** The catalogue's spelling of an event type, from any spelling of its letters and digits; null when it is not in there. */
export function catalogueType(name: string): string | null {
  return BY_LETTERS.get(lettersAndDigits(name)) ?? null
}

/** The event type in an Avro schema's full name (`dataexport.S3.inner.users.messages.email.Click`); null when there is none. */
export function typeOfSchema(fullName: string): string | null {
  return TYPE_IN_SCHEMA.exec(fullName)?.[1] ?? null
}

export interface PathType {
  readonly type: string
  /** The file comes from Braze's Snowflake share: its `…_API_ID` columns are what the connector sends. */
  readonly isShare: boolean
}

/**
 * The event type that a path names: a segment `event_type=…` (also one the catalogue does not know), else the file name, else
 * the nearest folder name that spells a type of the catalogue. Null when there is none.
 */
export function typeOfPath(path: string): PathType | null {
  const segments = path.split('/')
  const isShare = segments.some((segment) => /_SHARED(?![a-z])/i.test(segment))
  for (const segment of segments.toReversed()) {
    if (segment.startsWith('event_type=')) {
      const name = segment.slice('event_type='.length)
      if (name !== '') return { type: catalogueType(name) ?? name, isShare }
    }
  }
  for (const segment of segments.toReversed()) {
    const type = typeSpelledIn(segment)
    if (type !== null) return { type, isShare }
  }
  return null
}

/** The longest catalogue type that whole words of `name` spell: `users.messages.email.Open-2026-01.csv.gz` is an Email Open. */
function typeSpelledIn(name: string): string | null {
  const words = name.split(/[^A-Za-z0-9]+/).map((word) => word.toLowerCase())
  let best: string | null = null
  let bestLength = 0
  for (let from = 0; from < words.length; from++) {
    let letters = ''
    for (let to = from; to < words.length && letters.length <= LONGEST_LETTERS; to++) {
      letters += words[to]
      const type = BY_LETTERS.get(letters)
      if (type !== undefined && letters.length > bestLength) {
        best = type
        bestLength = letters.length
      }
    }
  }
  return best
}

/** The version of Currents that a path names, as Braze writes it (currents/README.md §1): 13 of `…/version=13/…`; null when it names none. */
export function versionOfPath(path: string): number | null {
  const segment = path.split('/').findLast((part) => /^version=\d{1,9}$/.test(part))
  return segment === undefined ? null : Number(segment.slice('version='.length))
}
