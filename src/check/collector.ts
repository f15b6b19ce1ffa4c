import type { Finding, FindingGroup, Severity } from '../model.ts'

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
  groups(): readonly FindingGroup[]
}

export function createFindingCollector(): FindingCollector {
  const groups = new Map<
    string,
    { severity: Severity; cause: string; title: string; count: number; examples: Finding[] }
  >()

  return {
    add(severity, cause, title, { file, line, column = null, path = null }, message = title) {
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
    },
    groups: () => [...groups.values()],
  }
}
