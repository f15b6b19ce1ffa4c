/** A whole number as people read it: `12,345`. */
export function number(value: number): string {
  // `toLocaleString` loads the data of all languages, which takes longer than a small dry run.
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** A number of things: `1 file`, `12,345 files`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${number(value)} ${value === 1 ? noun : plural}`
}

/** Numbers by name: `malformed 3, too_large 1`. */
export function numbersByName(counts: Readonly<Record<string, number | undefined>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${number(count ?? 0)}`)
    .join(', ')
}

/** Bytes as people read them: `3.4 MB`. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let scaled = value / 1000
  let unit = 0
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000
    unit++
  }
  return `${scaled.toFixed(1)} ${units[unit]}`
}

/** A time span as people read it: `45 s`, `12 min`, `3.5 h`. */
export function span(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}
