import type { Braze2ampError } from '../errors.ts'
import type { Finding, FindingGroup, Severity, Source } from '../model.ts'

/** Examples kept of each kind of finding, by severity; all are counted. */
const EXAMPLES: Readonly<Record<Severity, number>> = { error: 10, warning: 10, note: 1 }
/** Kinds of findings that are told apart; further ones share a group, so that memory stays bounded. */
const MAX_GROUPS = 1000

interface FindingPlace {
  readonly file: string | null
  readonly line: number | null
  readonly column?: number
  readonly path?: string
}

/** Collects findings by kind. */
export interface FindingCollector {
  /** @param title what all findings of the kind have in common; `message` is this one, when there is more to say */
  add(severity: Severity, cause: string, title: string, place: FindingPlace, message?: string): void
  /** Adds a file that cannot be read: why, and what to do. */
  addRefused(source: Source, error: Braze2ampError): void
  groups(): readonly FindingGroup[]
}

export function createFindingCollector(): FindingCollector {
  const groups = new Map<
    string,
    { severity: Severity; cause: string; title: string; count: number; examples: Finding[] }
  >()

  const add: FindingCollector['add'] = (severity, cause, title, place, message = title) => {
    const { file, line, column = null, path = null } = place
    const key = groups.size < MAX_GROUPS ? `${severity} ${cause} ${title}` : `${severity} others`
    let group = groups.get(key) ?? groups.get(`${severity} ${cause} ${title}`)
    if (group === undefined) {
      group = {
        severity,
        cause,
        title: key.endsWith(' others') ? 'further kinds of findings' : title,
        count: 0,
        examples: [],
      }
      groups.set(key, group)
    }
    group.count++
    if (group.examples.length < EXAMPLES[severity]) {
      group.examples.push({ severity, cause, message, file, line, column, path })
    }
  }

  return {
    add,
    addRefused({ path }, { message, hint }) {
      const what = message.replace(path, 'the file')
      add('error', 'refused', what, { file: path, line: null }, hint ? `${what}. ${hint}` : what)
    },
    groups: () => [...groups.values()],
  }
}
