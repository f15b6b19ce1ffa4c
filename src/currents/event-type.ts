import { EVENTS } from './events.ts'
import { isBeside, typeEndingIn, typeOfTableName, wordsOf } from './table-name.ts'

/** Which event type a record, a schema or a name means (src/README.md §2). */

/** Letters and digits of a name, in lower case: `USERS_MESSAGES_EMAIL_SEND` and `users.messages.email.Send` are one. */
function lettersAndDigits(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

const BY_LETTERS = new Map(EVENTS.map((row) => [lettersAndDigits(row.type), row.type]))
const LONGEST_LETTERS = Math.max(...Array.from(BY_LETTERS.keys(), (letters) => letters.length))

/** What names of event types begin with. */
const ROOTS = new Set(EVENTS.map((row) => row.type.slice(0, row.type.indexOf('.'))))
const ANY_ROOT = [...ROOTS].join('|')

/** What follows the root in names of more than two parts: `messages`, `behaviors` and so on. */
const FAMILIES = new Set(
  EVENTS.map((row) => row.type.split('.')).flatMap((parts) => (parts.length > 2 ? parts[1] : [])),
)

/** A dotted name of the family that Currents uses, whether the catalogue knows it or not; of another root when it is spelled as they are. */
const CURRENTS_NAME = new RegExp(`^(?:(?:${ANY_ROOT})(?:\\.[A-Za-z]\\w*)+|[a-z]\\w*(?:\\.[a-z]\\w*)+\\.[A-Z]\\w*)$`)
const TYPE_IN_SCHEMA = new RegExp(`(?:^|\\.)((?:${ANY_ROOT})\\..+)$`)
/** What Braze writes before the type in a schema's name; the type's root may be a new one. */
const BEFORE_TYPE_IN_SCHEMA = /^dataexport\..*?\binner\.(.+\..+)$/

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
  return TYPE_IN_SCHEMA.exec(fullName)?.[1] ?? BEFORE_TYPE_IN_SCHEMA.exec(fullName)?.[1] ?? null
}

/**
 * The event type that a text names in any spelling that a file may have, known or not; null when it names none, or may mean several.
 * It is the record's own `event_type`, or what a user gives.
 */
export function typeNamedBy(text: string): string | null {
  const known = catalogueType(text) ?? typeEndingIn(text)
  return known ?? (isCurrentsName(text) ? text : (typeSpelledIn(text) ?? typeOfTableName(text).type))
}

/**
 * The event type that whole words of a name spell: the longest of the catalogue (`users.messages.email.Open-2026-01.csv.gz` is an
 * Email Open), else one that the catalogue lacks (`users.messages.fax.Send`). A table of the Snowflake share is its whole name
 * (currents/README.md §1). Null when there is none.
 */
export function typeSpelledIn(name: string): string | null {
  const words = wordsOf(name)
  const root = words.findIndex((word) => ROOTS.has(word.toLowerCase()))
  const end = words.findIndex((word) => /^shared$/i.test(word))
  if (root >= 0 && end > root + 1) {
    const table = words.slice(root, end).join('.')
    return catalogueType(table) ?? typeLike(table)
  }
  return longestSpelled(words) ?? (root < 0 ? null : unknownType(name, words.slice(root)))
}

/** The type of a share's table that has no root of Currents: `PARTNERS_FAX_SEND_SHARED`. Null when the name is no such table's. */
export function typeOfOtherShareTable(name: string): string | null {
  const words = wordsOf(name)
  const end = words.findIndex((word) => /^shared$/i.test(word))
  const table = words.slice(0, Math.max(0, end)).filter((word) => !isBeside(word))
  return table.length > 1 ? typeLike(table.join('.')) : null
}

function longestSpelled(words: readonly string[]): string | null {
  let best: string | null = null
  let bestLength = 0
  for (let from = 0; from < words.length; from++) {
    let letters = ''
    for (let to = from; to < words.length && letters.length <= LONGEST_LETTERS; to++) {
      letters += words[to]?.toLowerCase()
      const type = BY_LETTERS.get(letters)
      if (type !== undefined && letters.length > bestLength) {
        best = type
        bestLength = letters.length
      }
    }
  }
  return best
}

/** What the words from a root on name, up to those that stand beside a name; null when they have not the form of a type. */
function unknownType(name: string, words: readonly string[]): string | null {
  const end = words.findIndex((word, i) => i > 0 && isBeside(word))
  const parts = end < 0 ? words : words.slice(0, end)
  const [root = '', family = '', ...rest] = parts
  const type = parts.join('.')
  const isOfFamily =
    root.toLowerCase() === 'users' ? FAMILIES.has(family.toLowerCase()) && rest.length > 0 : family !== ''
  // `users.daily.export` is no type: the last part of each begins with a capital.
  const isSpelledAsType = /\.[A-Z][a-z]\w*$/.test(type) && name.includes(type)
  return isOfFamily || isSpelledAsType ? typeLike(type) : null
}

/** Tables are in capitals, and types never are. */
function typeLike(name: string): string {
  return name === name.toUpperCase() ? name.toLowerCase() : name
}
