import { typeOfPath } from '../currents/path-type.ts'

/** The name that stands for standard input. */
export const STDIN = '-'

/** The files of a run: one string each, since two years of hourly Currents are 900,000 of them. */
export interface FileList {
  add(path: string): void
  leaveOut(path: string): void
  count(): number
  leftOut(): LeftOut
  takenNames(): readonly TakenName[]
  /** Paths by date partition, then event type, then path (src/README.md §2); those without a date first. */
  inOrder(): Iterable<string>
}

export interface LeftOut {
  readonly count: number
  readonly examples: readonly string[]
}

/** Words of a name that spell the end of an event type only, and the type that they were taken for. */
export interface TakenName {
  readonly spelled: string
  readonly type: string
  /** A file of such a name. */
  readonly path: string
}

const MAX_EXAMPLES = 3

const DATE_PARTITION = /(?:^|\/)date=([^/]+)/

export function createFileList(): FileList {
  const paths: string[] = []
  const examples: string[] = []
  let leftOutCount = 0
  const takenNames = new Map<string, TakenName>()
  let ranked: Ranks | null = null

  function rank(): Ranks {
    const dates = new Uint32Array(paths.length)
    const types = new Uint32Array(paths.length)
    const dateNames = createNames()
    const typeNames = createNames()
    for (const [i, path] of paths.entries()) {
      dates[i] = dateNames.numberOf(DATE_PARTITION.exec(path)?.[1] ?? '')
      const { type, spelled } = typeOfPath(path)
      types[i] = typeNames.numberOf(type ?? '')
      if (type !== null && spelled !== null) note({ spelled, type, path })
    }
    rankInPlace(dates, dateNames.all())
    rankInPlace(types, typeNames.all())
    return { dates, types }
  }

  function ranks(): Ranks {
    ranked ??= rank()
    return ranked
  }

  function note(name: TakenName): void {
    const key = `${name.spelled} ${name.type}`
    if (!takenNames.has(key)) takenNames.set(key, name)
  }

  return {
    add(path) {
      paths.push(path)
      ranked = null
    },
    leaveOut(path) {
      leftOutCount++
      if (examples.length < MAX_EXAMPLES) examples.push(path)
    },
    count: () => paths.length,
    leftOut: () => ({ count: leftOutCount, examples }),
    takenNames() {
      ranks()
      return [...takenNames.values()]
    },
    *inOrder() {
      const { dates, types } = ranks()
      const order = Uint32Array.from(paths.keys()).sort((a, b) => {
        const byDate = (dates[a] as number) - (dates[b] as number)
        if (byDate !== 0) return byDate
        const byType = (types[a] as number) - (types[b] as number)
        if (byType !== 0) return byType
        return (paths[a] as string) < (paths[b] as string) ? -1 : 1
      })
      for (const i of order) yield paths[i] as string
    },
  }
}

/** Place of each path's date and event type among those of all. */
interface Ranks {
  readonly dates: Uint32Array
  readonly types: Uint32Array
}

/** The order of two paths of a run, below 0 when the first comes first. Standard input comes before all files. */
export function compareInputs(one: string, other: string): number {
  for (const partOf of ORDER) {
    const a = partOf(one)
    const b = partOf(other)
    if (a !== b) return a < b ? -1 : 1
  }
  return 0
}

const ORDER: readonly ((path: string) => string)[] = [
  (path) => (path === STDIN ? '' : 'file'),
  (path) => DATE_PARTITION.exec(path)?.[1] ?? '',
  (path) => typeOfPath(path).type ?? '',
  (path) => path,
]

function createNames() {
  const numbers = new Map<string, number>()
  return {
    numberOf(name: string): number {
      const known = numbers.get(name)
      if (known !== undefined) return known
      // A part of a path would keep the whole path in memory.
      numbers.set(Buffer.from(name).toString(), numbers.size)
      return numbers.size - 1
    },
    all: () => [...numbers.keys()],
  }
}

/** Replaces each name's number by its place among the sorted names. */
function rankInPlace(numbers: Uint32Array, names: readonly string[]): void {
  const rankOf = new Uint32Array(names.length)
  const sorted = Array.from(names.keys()).sort((a, b) => ((names[a] as string) < (names[b] as string) ? -1 : 1))
  for (const [rank, number] of sorted.entries()) rankOf[number] = rank
  for (let i = 0; i < numbers.length; i++) numbers[i] = rankOf[numbers[i] as number] as number
}
