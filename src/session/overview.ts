import { statSync } from 'node:fs'
import { typeOfPath } from '../currents/path-type.ts'
import { textOf } from '../json/bytes.ts'
import type { Mapping } from '../mapping/plan.ts'
import { EVENT } from '../outcomes.ts'
import type { Discovery } from '../read/discover.ts'
import { STDIN } from '../read/file-list.ts'

/** What the paths of a run say before anything is read. */
export interface Overview {
  /** Sum of the files' sizes; null when there are too many files to look at, or standard input is among them. */
  readonly bytes: number | null
  /** Size by path; empty when `bytes` is null. */
  readonly sizes: ReadonlyMap<string, number>
  /** Amplitude names of the event types that the paths name and that will be sent. */
  readonly names: readonly string[]
  readonly mayHoldMore: boolean
  /** Storage fields of those types; of all types when a path names none. */
  readonly fields: ReadonlySet<string>
}

/** Looking at more files than this would delay the first output too long. */
const MAX_FILES = 20_000

export function overviewOf(discovery: Discovery, mapping: Mapping): Overview {
  const sizes = new Map<string, number>()
  const types = new Set<string>()
  let isComplete = discovery.count <= MAX_FILES
  let mayHoldMore = !isComplete
  let looked = 0
  for (const { path } of discovery.sources()) {
    if (looked++ >= MAX_FILES) break
    const type =
      mapping.options.eventType ?? (path === STDIN ? null : (typeOfPath(path).type ?? mapping.typeOfFile(path)))
    if (type === null) mayHoldMore = true
    else types.add(type)
    const size = path === STDIN ? null : sizeOf(path)
    if (size === null) isComplete = false
    else sizes.set(path, size)
  }
  const plans = Array.from(types, (type) => mapping.planOf(type)).filter(({ outcome }) => outcome === EVENT)
  const all = mayHoldMore ? mapping.typeNames.map((type) => mapping.planOf(type)) : plans
  return {
    bytes: isComplete ? [...sizes.values()].reduce((sum, size) => sum + size, 0) : null,
    sizes: isComplete ? sizes : new Map(),
    names: plans.map(
      ({ head, carriesName }) =>
        textOf(head.bytes, 0, head.length).slice('{"event_type":"'.length) + (carriesName ? '…' : ''),
    ),
    mayHoldMore,
    fields: new Set(
      all
        .filter(({ outcome }) => outcome === EVENT)
        .flatMap(({ topLevel, properties }) =>
          [topLevel, properties].flatMap(({ fields, otherFields }) =>
            [...fields, ...otherFields].flatMap((field) => mapping.fieldNames[field] ?? []),
          ),
        ),
    ),
  }
}

function sizeOf(path: string): number | null {
  try {
    const stats = statSync(path)
    return stats.isFile() ? stats.size : null
  } catch {
    return null
  }
}
