import { EVENTS } from './events.ts'

/** What a company's own table is called: its words spell the end of an event type (currents/README.md §1). */

/** What was taken from the end of a name. */
export interface TableType {
  /** Null when the name spells the end of no type, or of several. */
  readonly type: string | null
  /** The words of the name that spell it, joined by `_`. */
  readonly spelled: string
  /** The types that it may be, when they are several. */
  readonly candidates: readonly string[]
}

const NO_TYPE: TableType = { type: null, spelled: '', candidates: [] }

type TypesByLetters = ReadonlyMap<string, readonly string[]>

interface TypeEnds {
  /** Types by their last two or more parts, as letters in lower case. */
  readonly several: TypesByLetters
  /** Types by their last part. */
  readonly last: TypesByLetters
  /** Letters of the longest of all. */
  readonly longest: number
}

let typeEnds: TypeEnds | null = null

/** Read off the catalogue when the first name asks for them: most paths spell a whole type. */
function endsOfTypes(): TypeEnds {
  typeEnds ??= readEnds()
  return typeEnds
}

function readEnds(): TypeEnds {
  const several = new Map<string, string[]>()
  const last = new Map<string, string[]>()
  for (const { type } of EVENTS) {
    const parts = type.toLowerCase().split('.')
    for (let from = 0; from < parts.length; from++) {
      const letters = parts.slice(from).join('')
      const list = from === parts.length - 1 ? last : several
      list.set(letters, [...(list.get(letters) ?? []), type])
    }
  }
  return { several, last, longest: Math.max(...Array.from(several.keys(), (letters) => letters.length)) }
}

/** Words that say nothing of what is in a table. */
const BESIDE = new Set(
  (
    'all avro backfill base braze bz2 copy csv currents daily data date day dim dt dump event events export exports fact fct file files ' +
    'full gz gzip hour hourly int json jsonl log marts monthly ndjson parquet part parts prd prod raw shared snappy source src stage ' +
    'staging stg table tbl test tsv txt unload v xz zst zstd'
  ).split(' '),
)

/** True for words beside the name of a table: those above, numbers, dates, and what random names are made of (`c000`, `7c1e`). */
export function isBeside(word: string): boolean {
  return BESIDE.has(word.toLowerCase()) || /^(?:[a-z]?\d+|\d[\da-z]*|(?=[a-f]*\d)[\da-f]+)$/i.test(word)
}

/** The words of a name: what stands between all but letters and digits. */
export function wordsOf(name: string): readonly string[] {
  return name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
}

/** The event type of which the whole name, whatever is between its letters, spells the last two or more parts; null when it is none, or several. */
export function typeEndingIn(name: string): string | null {
  const [type = null, ...others] = endsOfTypes().several.get(wordsOf(name).join('').toLowerCase()) ?? []
  return others.length === 0 ? type : null
}

/**
 * The event type of which the longest run of whole words in `name` spells the last two or more parts (`stg_braze__email_open`); a single
 * part (`customevent`) only when nothing stands beside it that could say something else. Two runs that are not within one another may
 * mean either.
 */
export function typeOfTableName(name: string): TableType {
  const words = wordsOf(name)
  const { several, last } = endsOfTypes()
  return runsOf(words, several, () => true) ?? runsOf(words, last, isAlone) ?? NO_TYPE

  function isAlone(from: number, to: number): boolean {
    return words.every((word, i) => (i >= from && i <= to) || isBeside(word))
  }
}

/** True when the name spells the end of a type with one part only. */
export function spellsOnePart(name: string): boolean {
  return runsOf(wordsOf(name), endsOfTypes().several, () => true) === null
}

/** The types that the words up to `to` spell the end of. */
interface Run {
  readonly to: number
  readonly found: readonly string[]
}

function runsOf(
  words: readonly string[],
  ends: TypesByLetters,
  counts: (from: number, to: number) => boolean,
): TableType | null {
  const { longest } = endsOfTypes()
  const types = new Set<string>()
  let spelled = ''
  /** The word behind the run that ends last. */
  let end = 0
  for (let from = 0; from < words.length; from++) {
    let letters = ''
    let run: Run | null = null
    for (let to = from; to < words.length && letters.length <= longest; to++) {
      letters += words[to]?.toLowerCase()
      const found = ends.get(letters)
      if (found !== undefined && counts(from, to)) run = { to, found }
    }
    // One that ends no later than one that began before is within it.
    if (run === null || run.to < end) continue
    end = run.to + 1
    for (const type of run.found) types.add(type)
    spelled ||= words.slice(from, end).join('_')
  }
  if (types.size === 0) return null
  const [type = null, ...others] = types
  return { type: others.length === 0 ? type : null, spelled, candidates: others.length === 0 ? [] : [...types] }
}

/** Tables of the Snowflake share that hold no events. */
const NO_EVENTS =
  /^(?:(?:snapshots|changelogs|catalogs)_([a-z]+)|users?_(?:[a-z]+_)*attributes|agentconsole_rawllmrequest)(?![a-z])/i

/** True for a file or folder that is called as a table without events (currents/README.md §1). */
export function isTableWithoutEvents(name: string): boolean {
  const found = NO_EVENTS.exec(name)
  return found !== null && !(found[1] !== undefined && isBeside(found[1]))
}
