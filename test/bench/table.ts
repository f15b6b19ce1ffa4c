import type { Measured } from './measure.ts'

/** All runs of a case, one of each round. */
export interface Result {
  readonly name: string
  /** What each run worked through; null when that is not what took its time. */
  readonly load: { readonly records: number; readonly bytes: number } | null
  readonly runs: readonly Measured[]
  readonly comparedWith: readonly string[]
}

type Row = readonly string[]

const TITLES = ['case', 'records/s', 'MB/s', 'wall s', 'CPU s', 'peak MB', 'speed']
/** The first and the last column are text. */
const isNumber = (column: number) => column > 0 && column < TITLES.length - 1

/** A row for each case, of medians, but the most memory that any run took; the speed is the median of the rounds' ratios. */
function rowsOf(results: readonly Result[]): readonly Row[] {
  const byName = new Map(results.map((result) => [result.name, result]))
  return results.map(({ name, load, runs, comparedWith }) => {
    const seconds = median(runs.map((run) => run.seconds))
    const others = comparedWith.flatMap((other) => byName.get(other) ?? [])
    return [
      name,
      load === null ? '' : grouped(load.records / seconds),
      load === null ? '' : grouped(load.bytes / 1e6 / seconds),
      seconds.toFixed(3),
      median(runs.map((run) => run.cpuSeconds)).toFixed(2),
      grouped(Math.max(...runs.map((run) => run.peakMegabytes))),
      others.map((other) => `${speedOver(other.runs, runs).toFixed(2)} x ${other.name}`).join(', '),
    ]
  })
}

/** How many times as fast, in each round: the machine is slow for both at the same time. */
function speedOver(others: readonly Measured[], runs: readonly Measured[]): number {
  return median(runs.map((run, round) => (others[round] as Measured).seconds / run.seconds))
}

export function asText(results: readonly Result[]): string {
  const rows = [TITLES, ...rowsOf(results)]
  const widths = TITLES.map((_title, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: Row) =>
    row
      .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}

export function asMarkdown(results: readonly Result[]): string {
  const rule = TITLES.map((_title, column) => (isNumber(column) ? '---:' : '---'))
  return [TITLES, rule, ...rowsOf(results)].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2
}
