import { number } from './number.ts'
import { style } from './style.ts'

/** The events of one type in what Amplitude bills. */
export interface TypeVolume {
  readonly type: string
  readonly events: number
}

/** Event types that are listed. */
const LISTED = 30

/**
 * Events by type with their share, the most first, so that it is plain what leaving one out saves.
 * @param pricePerMillion what Amplitude asks for a million events, in any currency; null when not told
 */
export function volumeLines(volumes: readonly TypeVolume[], pricePerMillion: number | null): readonly string[] {
  const total = totalOf(volumes)
  const rest = volumes.slice(LISTED)
  const rows = [
    ...volumes.slice(0, LISTED),
    ...(rest.length > 0
      ? [{ type: `${number(rest.length)} more types; --json lists all`, events: totalOf(rest) }]
      : []),
    { type: 'in all', events: total },
  ].map(({ type, events }) => [
    number(events),
    shareText(events / total),
    ...(pricePerMillion === null ? [] : [priceText(priceOf(events, pricePerMillion))]),
    type,
  ])
  const head = ['events', 'share', ...(pricePerMillion === null ? [] : ['price']), 'event type']
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padStart(widths[column] ?? 0))).join('  ')}`
  return ['', style.bold('Volume'), style.dim(line(head)), ...rows.map(line)]
}

/** The same for `inspect --json`. */
export function volumeJson(volumes: readonly TypeVolume[], pricePerMillion: number | null): object {
  const total = totalOf(volumes)
  const price = (events: number) => (pricePerMillion === null ? null : priceOf(events, pricePerMillion))
  return {
    events: total,
    price_per_million: pricePerMillion,
    price: price(total),
    by_event_type: volumes.map(({ type, events }) => ({
      event_type: type,
      events,
      share: events / total,
      price: price(events),
    })),
  }
}

function totalOf(volumes: readonly TypeVolume[]): number {
  return volumes.reduce((sum, { events }) => sum + events, 0)
}

/** Without the noise that floating point leaves behind the sixth decimal. */
function priceOf(events: number, pricePerMillion: number): number {
  return Math.round(events * pricePerMillion) / 1e6
}

function priceText(price: number): string {
  if (price > 0 && price < 0.005) return '<0.01'
  const cents = Math.round(price * 100)
  return `${number(Math.floor(cents / 100))}.${String(cents % 100).padStart(2, '0')}`
}

function shareText(share: number): string {
  return share > 0 && share < 0.0005 ? '<0.1%' : `${(share * 100).toFixed(1)}%`
}
