const BARS = '▁▂▃▄▅▆▇█'

/**
 * A line of bars, one for each equal part of the time from the first hour to the last, at most `width` of them.
 * @param hours start of each hour in ms with its count, in order of time
 */
export function sparkline(hours: readonly (readonly [number, number])[], width: number): string {
  const first = hours[0]
  const last = hours.at(-1)
  if (first === undefined || last === undefined) return ''
  const hourMs = 3_600_000
  const spanHours = (last[0] - first[0]) / hourMs + 1
  const columns = Math.min(width, spanHours)
  const sums = new Float64Array(columns)
  for (const [start, count] of hours) {
    const column = Math.min(columns - 1, Math.floor(((start - first[0]) / hourMs / spanHours) * columns))
    sums[column] = (sums[column] as number) + count
  }
  const most = Math.max(...sums)
  return Array.from(sums, (sum) => (sum === 0 ? ' ' : BARS[Math.ceil((sum / most) * BARS.length) - 1])).join('')
}
