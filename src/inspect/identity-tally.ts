import { createWordHasher } from '../hash.ts'
import type { TextView } from '../json/bytes.ts'
import { createHeaviest, type Heaviest } from './heaviest.ts'
import { createIdentitySet, type IdentitySet } from './identity-set.ts'

/** Counts the users of a run's events, or their devices. */
export interface IdentityTally {
  /**
   * Counts one event of the identity in `source[start, end)`, the content of a JSON string, and gives a hash of it that is never 0.
   * @param other hash of the identity it came with; 0 for none
   * @param place how many events came before it
   */
  add(source: TextView, start: number, end: number, other: number, place: number): number
  /** To be called with the `source` of the last events before its bytes are used again. */
  settle(source: TextView): void
  readonly met: Pick<IdentitySet, 'count' | 'shared' | 'isExact'>
  readonly hottest: Pick<Heaviest, 'top'>
}

/** Identities that are counted together, so that their places in the tables are fetched while nothing waits for them. */
const TOGETHER = 256

export function createIdentityTally(): IdentityTally {
  const hashOf = createWordHasher()
  const met = createIdentitySet()
  const hottest = createHeaviest()
  const lows = new Int32Array(TOGETHER)
  const highs = new Int32Array(TOGETHER)
  const others = new Int32Array(TOGETHER)
  const starts = new Int32Array(TOGETHER)
  const ends = new Int32Array(TOGETHER)
  const places = new Float64Array(TOGETHER)
  let waiting = 0

  function settle({ bytes }: TextView): void {
    met.prefetch(lows, waiting)
    hottest.prefetch(lows, highs, waiting)
    for (let i = 0; i < waiting; i++) {
      const low = lows[i] as number
      const high = highs[i] as number
      met.add(low, high, others[i] as number)
      hottest.add(low, high, bytes, starts[i] as number, ends[i] as number, places[i] as number)
    }
    waiting = 0
  }

  return {
    add(source, start, end, other, place) {
      const { low, high } = hashOf(source.view, start, end)
      lows[waiting] = low
      highs[waiting] = high
      others[waiting] = other
      starts[waiting] = start
      ends[waiting] = end
      places[waiting] = place
      waiting++
      if (waiting === TOGETHER) settle(source)
      return low || 1
    },
    settle,
    met,
    hottest,
  }
}
