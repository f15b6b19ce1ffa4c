import { typeOfPath } from '../currents/event-type.ts'

/** The name that stands for standard input. */
export const STDIN = '-'

/** The files of a run: one string each, since two years of hourly Currents are 900,000 of them. */
export interface FileList {
  add(path: string): void
  leaveOut(path: string): void
  count(): number
  leftOut(): LeftOut
  /** Paths by date partition, then event type, then path (src/README.md §2); those without a date first. */
  inOrder(): Iterable<string>
}

export interface LeftOut {
  readonly count: number
  readonly examples: readonly string[]
}

const MAX_EXAMPLES = 3

const DATE_PARTITION = /(?:^|\/)date=([^/]+)/

export function createFileList(): FileList {
  const paths: string[] = []
  const examples: string[] = []
  let leftOutCount = 0

  function ranks(): { readonly dates: Uint32Array; readonly types: Uint32Array } {
    const dates = new Uint32Array(paths.length)
    const types = new Uint32Array(paths.length)
    const dateNames = createNames()
    const typeNames = createNames()
    for (const [i, path] of paths.entries()) {
      dates[i] = dateNames.numberOf(DATE_PARTITION.exec(path)?.[1] ?? '')
      types[i] = typeNames.numberOf(typeOfPath(path)?.type ?? '')
    }
    rankInPlace(dates, dateNames.all())
    rankInPlace(types, typeNames.all())
    return { dates, types }
  }

  return {
    add(path) {
      paths.push(path)
    },
    leaveOut(path) {
      leftOutCount++
      if (examples.length < MAX_EXAMPLES) examples.push(path)
    },
    count: () => paths.length,
    leftOut: () => ({ count: leftOutCount, examples }),
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
  (path) => typeOfPath(path)?.type ?? '',
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
